"""What is calculated, in plain Python and `math` only: expressions, equations, tables of functions."""
