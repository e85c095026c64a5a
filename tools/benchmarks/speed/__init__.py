"""Benchmarks of speed: each compares mmavs with a reference implementation."""
