"""Runs as files for other programs: one module per format, named after it."""
