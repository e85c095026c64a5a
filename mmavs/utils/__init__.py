"""Helpers that several packages of mmavs share."""
