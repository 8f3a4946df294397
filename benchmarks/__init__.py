"""Measurements, not tests: ``python -m benchmarks`` prints them as Markdown tables."""
