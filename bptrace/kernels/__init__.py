"""How fast: the loops of forward, backward and update, in plain Python and compiled.

`source` has the loops, `cast` makes what they work on, `dispatch` folds the tables of `maths` into
them; `compiled` and what it stands on are all that imports Numba.
"""
