"""Somebody else's gradients: whose they are, whether they are right, what is wrong, and why.

`names` sorts arrays to layers, `layouts` finds what their rows and columns mean, `roundings` how
far they may be off, `patterns` what wrong ones have in common, and `causes` the mistake; `against`
puts it together.
"""
