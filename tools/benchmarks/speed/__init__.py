"""The speed figures: each compares mmavs with a plain double of the same."""
