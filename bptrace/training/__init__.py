"""Training: many steps, in parts that can be watched and stopped, and what came of them.

Not responsible for single numbers of a step (`trace`), nor for how any of this is shown or kept.
"""
