"""Reference implementations: they compute each step as it is defined, without optimization."""
