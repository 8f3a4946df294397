"""What is calculated, in plain Python: expressions, equations, tables of functions."""
