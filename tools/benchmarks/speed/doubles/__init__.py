"""Plain doubles: the same results, computed step by step as they are written down, without regard to time."""
