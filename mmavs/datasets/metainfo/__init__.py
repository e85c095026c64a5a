"""Class tables and palettes."""
