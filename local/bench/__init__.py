"""Benchmarks: what the parts of the laptop runtime cost and what they are worth."""
