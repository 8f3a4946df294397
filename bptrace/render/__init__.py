"""Traces and verdicts as Rich renderables: what is seen, never what is computed."""
