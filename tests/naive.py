"""The calculation once more, with lists and loops, as slow and as plain as can be.

A reference for the tests: it imports nothing of bptrace. Networks and runs are plain dictionaries
(see `calculate`), layers, neurons and samples are numbered from 0. exp, log, tanh and log1p are
handed in, because the bits of the standard library's differ between machines.

Order: each sum is `total` of its terms, left to right; sources ascending, then the bias; targets
ascending; samples in the order of the batch.
"""

from math import sqrt
from random import Random


def total(terms):
    """Sum from left to right; the sum of nothing is −0.0, to which adding changes no bit."""
    terms = list(terms)
    if not terms:
        return -0.0
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def activate(name, option, z, functions):
    """Return f(z)."""
    if name == "identity":
        return z
    if name == "step":
        return option if z == 0 else (1.0 if z > 0 else 0.0) if z == z else option
    if name == "bipolar-step":
        return option if z == 0 else (1.0 if z > 0 else -1.0) if z == z else option
    if name == "sigmoid":
        return 1.0 / (1.0 + functions["exp"](-z))
    if name == "tanh":
        return functions["tanh"](z)
    if name == "relu":
        return z if z > 0 or z != z else 0.0
    if name == "leaky-relu":
        return z if z > option * z or z != z else option * z
    if name == "softplus":
        return (z if z > 0 or z != z else 0.0) + functions["log1p"](functions["exp"](-abs(z)))
    raise LookupError(name)


def differentiate(name, option, z, a, functions):
    """Return f′(z), by a = f(z) where the textbook does so."""
    if name == "identity":
        return 1.0
    if name in ("step", "bipolar-step"):
        return 0.0
    if name == "sigmoid":
        return a * (1.0 - a)
    if name == "tanh":
        return 1.0 - a * a
    if name == "relu":
        return 1.0 if z > 0 else 0.0
    if name == "leaky-relu":
        return 1.0 if z > 0 else option
    if name == "softplus":
        return 1.0 / (1.0 + functions["exp"](-z))
    raise LookupError(name)


def softmax(exp, zs):
    """Return e^z over its sum for a layer of net inputs."""
    largest = zs[0]
    for z in zs[1:]:
        largest = z if largest <= z else largest
    powers = [exp(z - largest) for z in zs]
    whole = total(powers)
    return [power / whole for power in powers]


def jacobian(name, option, ins, outs, functions):
    """Return rows of ∂out_j/∂in_k of one layer."""
    if name == "softmax":
        return [
            [a * (1.0 - a) if j == k else -(a * other) for k, other in enumerate(outs)]
            for j, a in enumerate(outs)
        ]
    slopes = [differentiate(name, option, z, a, functions) for z, a in zip(ins, outs, strict=True)]
    return [[slope if j == k else 0.0 for k in range(len(outs))] for j, slope in enumerate(slopes)]


def guarded(t, quantity):
    """Return t times what `quantity` returns, and 0 where t is 0, even if that is infinite."""
    return 0.0 if t == 0 else t * quantity()


def ratio(t, a):
    """Return t/a as IEEE 754 has it, and 0 where t is 0."""
    if t == 0:
        return 0.0
    if a != 0:
        return t / a
    return t * (float("-inf") if str(a).startswith("-") else float("inf"))


def logistic_error(t, z, functions):
    """Return the binary cross-entropy of a sigmoid by its net input."""
    above = 0.0 if z <= 0.0 else z
    return above - z * t + functions["log1p"](functions["exp"](-abs(z)))


def shares(net, ins, outs, t, functions):
    """Return E_k for every output."""
    pair = (net["layers"][-1]["activation"], net["loss"])
    if pair == ("sigmoid", "binary-cross-entropy"):
        return [logistic_error(t_k, z, functions) for t_k, z in zip(t, ins, strict=True)]
    if pair == ("softmax", "cross-entropy"):
        largest = ins[0]
        for z in ins[1:]:
            largest = z if largest <= z else largest
        whole = total(functions["exp"](z - largest) for z in ins)
        return [
            t_k * (largest + functions["log"](whole) - z) for t_k, z in zip(t, ins, strict=True)
        ]
    n = float(len(outs))
    return [error(net["loss"], t_k, a, n, functions) for t_k, a in zip(t, outs, strict=True)]


def output_delta(net, k, d_outs, slopes, outs, t):
    """Return δ of an output."""
    pair = (net["layers"][-1]["activation"], net["loss"])
    if pair == ("sigmoid", "binary-cross-entropy"):
        return outs[k] - t[k]
    if pair == ("softmax", "cross-entropy"):
        return outs[k] * total(t) - t[k]
    return delta(pair[0], k, d_outs, slopes)


def delta(name, k, d_outs, slopes):
    """Return ∂E/∂in of a neuron from ∂E/∂out and the slopes of its layer."""
    if name == "softmax":
        return total(d_out * row[k] for d_out, row in zip(d_outs, slopes, strict=True))
    return d_outs[k] * slopes[k][k]


def error(name, t, a, n, functions):
    """Return the share of one output in E."""
    log = functions["log"]
    if name == "cross-entropy":
        return -guarded(t, lambda: log(a))
    if name == "binary-cross-entropy":
        return -(guarded(t, lambda: log(a)) + guarded(1.0 - t, lambda: log(1.0 - a)))
    return {
        "none": 0.0,
        "half-squared": 0.5 * ((t - a) * (t - a)),
        "squared": (t - a) * (t - a),
        "mean-squared": (t - a) * (t - a) / n,
    }[name]


def error_slope(name, t, a, n):
    """Return ∂E/∂a of one output."""
    if name == "cross-entropy":
        return -ratio(t, a)
    if name == "binary-cross-entropy":
        return ratio(1.0 - t, 1.0 - a) - ratio(t, a)
    return {
        "none": 0.0,
        "half-squared": a - t,
        "squared": 2.0 * (a - t),
        "mean-squared": 2.0 * (a - t) / n,
    }[name]


def forward(net, weights, biases, x, functions):
    """Return (ins, outs): one list per layer; ins[0] is empty, outs[0] is x."""
    ins, outs = [[]], [list(x)]
    for l, layer in enumerate(net["layers"][1:], 1):
        row_in = []
        for j in range(layer["size"]):
            terms = [
                weights[l][j][i] * outs[l - 1][i]
                for i in range(net["layers"][l - 1]["size"])
                if layer["mask"][j][i]
            ]
            if layer["biases"] == "shared":
                terms.append(biases[l][0])
            elif layer["biases"] == "each":
                terms.append(biases[l][j])
            z = total(terms)
            row_in.append(z)
        if layer["activation"] == "softmax":
            row_out = softmax(functions["exp"], row_in)
        else:
            name, option = layer["activation"], layer["option"]
            row_out = [activate(name, option, z, functions) for z in row_in]
        ins.append(row_in)
        outs.append(row_out)
    return ins, outs


def backward(net, weights, ins, outs, t, functions):
    """Return (d_outs, slopes, deltas): ∂E/∂out, rows of ∂out_j/∂in_k, δ; one list per layer."""
    last = len(net["layers"]) - 1
    d_outs, slopes, deltas = ([[] for _ in net["layers"]] for _ in range(3))
    for l in range(last, 0, -1):
        layer = net["layers"][l]
        for j in range(layer["size"]):
            if l == last:
                d_out = error_slope(net["loss"], t[j], outs[l][j], float(layer["size"]))
            else:
                above = net["layers"][l + 1]
                d_out = total(
                    deltas[l + 1][m] * weights[l + 1][m][j]
                    for m in range(above["size"])
                    if above["mask"][m][j]
                )
            d_outs[l].append(d_out)
        slopes[l] = jacobian(layer["activation"], layer["option"], ins[l], outs[l], functions)
        for j in range(layer["size"]):
            if l == last:
                deltas[l].append(output_delta(net, j, d_outs[l], slopes[l], outs[l], t))
            else:
                deltas[l].append(delta(layer["activation"], j, d_outs[l], slopes[l]))
    return d_outs, slopes, deltas


def gradients(net, outs, deltas):
    """Return (∂E/∂w, ∂E/∂b) of one sample, nested like weights and biases."""
    d_weights, d_biases = [[]], [[]]
    for l, layer in enumerate(net["layers"][1:], 1):
        d_weights.append(
            [
                [
                    deltas[l][j] * outs[l - 1][i] if layer["mask"][j][i] else 0.0
                    for i in range(net["layers"][l - 1]["size"])
                ]
                for j in range(layer["size"])
            ]
        )
        each = {"none": [], "shared": [total(deltas[l])], "each": list(deltas[l])}
        d_biases.append(each[layer["biases"]])
    return d_weights, d_biases


def over_batch(values, mean):
    """Return sum or mean over the samples of a batch."""
    result = total(values)
    return result / len(values) if mean and len(values) > 1 else result


def one_sample(net, weights, biases, sample, functions, local):
    """Return all numbers of one sample."""
    ins, outs = forward(net, weights, biases, sample["x"], functions)
    result = {"in": ins, "out": outs}
    if sample["t"] and net["loss"] != "none":
        each = shares(net, ins[-1], outs[-1], sample["t"], functions)
        result["E_k"], result["E"] = each, total(each)
        if local:
            return result
        d_outs, slopes, deltas = backward(net, weights, ins, outs, sample["t"], functions)
        result["d_out"], result["slope"], result["delta"] = d_outs, slopes, deltas
        result["d_w"], result["d_b"] = gradients(net, outs, deltas)
    return result


def calculate(net, run, functions):
    """Return a list of steps, each a dictionary of numbers, with a last entry for what comes after.

    ``net = {layers: [{size, activation, option, biases: none|shared|each, mask}], loss}``;
    ``run = {weights, biases, samples: [{x, t}], rule, options, etas, weight_decay, batch, mean,
    steps, train_biases, order, seed}``; ``order`` is "file", "shuffled" or a list of samples from
    0. ``weights[l][j][i]`` and ``biases[l][j]`` are empty for l = 0. Every step has w, b, memory
    (by letter, for weights and biases) and samples (a dictionary by number from 0), and, if there
    is an error, E, d_w and d_b.
    """
    weights, biases, samples = run["weights"], run["biases"], run["samples"]
    has_targets = all(sample["t"] for sample in samples)
    has_error = net["loss"] != "none" and has_targets
    local = run["rule"] in LOCAL
    memory = {
        letter: (nested(lambda w: 0.0, weights), nested(lambda b: 0.0, biases))
        for letter in MEMORY.get(run["rule"], "")
    }
    steps, epoch, waiting = [], 0, []
    for number in range(1, run["steps"] + 1):
        if not waiting:
            waiting, epoch = epoch_order(run, epoch), epoch + 1
        batch, waiting = waiting[: run["batch"]], waiting[run["batch"] :]
        done = {s: one_sample(net, weights, biases, samples[s], functions, local) for s in batch}
        step = {"w": weights, "b": biases, "memory": memory, "samples": done}
        steps.append(step)
        each = list(done.values())
        if has_error:
            step["E"] = over_batch([one["E"] for one in each], run["mean"])
        if has_error and not local:
            for key in ("d_w", "d_b"):
                step[key] = nested(
                    lambda *values: over_batch(list(values), run["mean"]),
                    *(one[key] for one in each),
                )
            if run["rule"]:
                weights, biases, memory = update(net, run, step, number)
        elif local and (has_targets or run["rule"] == "hebb-unsupervised"):
            weights, biases = update_locally(net, run, step, batch, number)
    steps.append({"w": weights, "b": biases, "memory": memory, "samples": {}})
    return steps


def epoch_order(run, epoch):
    """Return the samples of an epoch, both from 0."""
    n = len(run["samples"])
    if run["order"] == "file":
        return list(range(n))
    if run["order"] != "shuffled":
        return list(run["order"])
    random = Random(run["seed"])
    begin = [1 + int(random.random() * 2147483562), 1 + int(random.random() * 2147483398)]
    drawn, left = epoch * 2**30, list(range(n))
    for place in range(n - 1, 0, -1):
        while True:
            drawn += 1
            one = begin[0] * pow(40014, drawn, 2147483563) % 2147483563
            other = begin[1] * pow(40692, drawn, 2147483399) % 2147483399
            rounds, chosen = divmod((one - other) % 2147483562, place + 1)
            if (rounds + 1) * (place + 1) <= 2147483562:
                break
        left[place], left[chosen] = left[chosen], left[place]
    return left


MEMORY = {
    "momentum": "v",
    "nesterov": "v",
    "adagrad": "s",
    "rmsprop": "s",
    "adam": "ms",
    "adamw": "ms",
}
LOCAL = {
    "hebb": lambda eta, x, t, y: eta * x * t,
    "hebb-unsupervised": lambda eta, x, t, y: eta * x * y,
    "delta": lambda eta, x, t, y: eta * (t - y) * x,
    "perceptron": lambda eta, x, t, y: eta * (t - y) * x,
    "perceptron-label": lambda eta, x, t, y: eta * x * t * float(y != t),
}


def power(x, n):
    """Return x to the power n, squaring from the last binary digit of n to the first."""
    result = 1.0
    while n:
        if n % 2:
            result = result * x
        x, n = x * x, n // 2
    return result


def one_parameter(rule, options, eta, decay, number, p, g, memory):
    """Return (p⁺, memory⁺ by letter) of one parameter; `decay` is 0 for biases."""
    if rule == "adamw":
        if decay:
            p = p - eta * decay * p
    elif decay:
        g = g + decay * p
    if rule == "gradient-descent":
        return p - eta * g, {}
    if rule in ("momentum", "nesterov"):
        v = options["momentum"] * memory["v"] - eta * g
        if rule == "momentum":
            return p + v, {"v": v}
        return p + options["momentum"] * v - eta * g, {"v": v}
    if rule in ("adagrad", "rmsprop"):
        rho = options.get("decay", 0.0)
        s = memory["s"] + g * g if rule == "adagrad" else rho * memory["s"] + (1 - rho) * (g * g)
        return p - eta * g / (sqrt(s) + options["epsilon"]), {"s": s}
    beta1, beta2 = options["beta1"], options["beta2"]
    m = beta1 * memory["m"] + (1.0 - beta1) * g
    s = beta2 * memory["s"] + (1.0 - beta2) * (g * g)
    m_hat = m / (1.0 - power(beta1, number))
    s_hat = s / (1.0 - power(beta2, number))
    return p - eta * m_hat / (sqrt(s_hat) + options["epsilon"]), {"m": m, "s": s}


def update(net, run, step, number):
    """Return (weights, biases, memory) after a step along the slope."""
    eta, decay, letters = run["etas"][number - 1], run["weight_decay"], list(step["memory"])

    def after(own_decay, p, g, *memory):
        known = dict(zip(letters, memory, strict=True))
        return one_parameter(run["rule"], run["options"], eta, own_decay, number, p, g, known)

    weights = nested(lambda *all: after(decay, *all), step["w"], step["d_w"],
                     *(step["memory"][letter][0] for letter in letters))  # fmt: skip
    biases = nested(lambda *all: after(0.0, *all), step["b"], step["d_b"],
                    *(step["memory"][letter][1] for letter in letters))  # fmt: skip
    new_w, new_b = nested(lambda one: one[0], weights), nested(lambda one: one[0], biases)
    memory = {}
    for letter in letters:
        pick = lambda one, letter=letter: one[1][letter]  # noqa: E731
        memory[letter] = [nested(pick, weights), nested(pick, biases)]
    for l, layer in enumerate(net["layers"][1:], 1):
        for j, row in enumerate(layer["mask"]):
            for i, connected in enumerate(row):
                if not connected:
                    new_w[l][j][i] = step["w"][l][j][i]
                    for letter in letters:
                        memory[letter][0][l][j][i] = step["memory"][letter][0][l][j][i]
    if not run["train_biases"]:
        new_b = step["b"]
        memory = {letter: [memory[letter][0], step["memory"][letter][1]] for letter in letters}
    return new_w, new_b, memory


def update_locally(net, run, step, batch, number):
    """Return (weights, biases) after a step of a rule that has no gradient."""
    rule, eta, last = LOCAL[run["rule"]], run["etas"][number - 1], len(net["layers"]) - 1
    weights, biases = nested(lambda w: w, step["w"]), nested(lambda b: b, step["b"])
    for l, layer in enumerate(net["layers"][1:], 1):
        if l < last and run["rule"] != "hebb-unsupervised":
            continue

        def added(x, j, s, l=l):
            t = run["samples"][s]["t"][j] if l == last and run["samples"][s]["t"] else 0.0
            return rule(eta, x, t, step["samples"][s]["out"][l][j])

        def over(terms):
            result = total(terms)
            return result / len(batch) if run["mean"] and len(batch) > 1 else result

        for j in range(layer["size"]):
            for i, connected in enumerate(layer["mask"][j]):
                if connected:
                    seen = [added(step["samples"][s]["out"][l - 1][i], j, s) for s in batch]
                    weights[l][j][i] = step["w"][l][j][i] + over(seen)
        if not run["train_biases"]:
            continue
        if layer["biases"] == "shared":
            seen = [added(1.0, j, s) for s in batch for j in range(layer["size"])]
            biases[l][0] = step["b"][l][0] + over(seen)
        elif layer["biases"] == "each":
            for j in range(layer["size"]):
                biases[l][j] = step["b"][l][j] + over([added(1.0, j, s) for s in batch])
    return weights, biases


def nested(function, *lists):
    """Apply `function` to the numbers at the same place of nested lists."""
    if isinstance(lists[0], list):
        return [nested(function, *rows) for rows in zip(*lists, strict=True)]
    return function(*lists)
