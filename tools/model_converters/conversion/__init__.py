"""What the converters of checkpoints share: reading, renaming, checking and writing."""
