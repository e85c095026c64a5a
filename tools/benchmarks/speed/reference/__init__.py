"""Reference implementations: each step is computed by its definition, without optimization."""
