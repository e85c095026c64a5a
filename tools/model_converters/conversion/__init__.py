"""Shared parts of the checkpoint converters: reading, renaming, checking and writing."""
