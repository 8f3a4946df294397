"""A 2-3-1 network that learns two classes of points, as a file: what is trained and drawn."""

POINTS = """\
title = "three points"
[network]
init = { method = "normal", seed = 3 }
[[network.layer]]
names = ["x", "y"]
[[network.layer]]
size = 3
activation = "tanh"
[[network.layer]]
names = ["o"]
activation = "sigmoid"
[[sample]]
x = [0.1, 0.2]
t = [0]
[[sample]]
x = [1.5, 0.3]
t = [1]
[[sample]]
x = [-1.2, -0.9]
t = [1]
[training]
learning_rate = 0.5
steps = 300
"""
