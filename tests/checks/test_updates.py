"""Pages on updates: right ones without an alarm, and each usual mistake by its name.

The numbers of the pages are calculated here, in two lines of Python for each rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, sqrt

import pytest

from bptrace import engine
from bptrace.checks.page import check
from bptrace.checks.report import Report
from bptrace.io import toml
from bptrace.io.problem import read_problem

Lines = Mapping[str, float]
X, T, W, B, ETA = (0.7, -0.3), 0.9, (0.6, -0.8), 0.35, 0.5
NETWORK = """
[network]
loss = "half-squared"
[[network.layer]]
names = ["x1", "x2"]
[[network.layer]]
names = ["o"]
activation = "{activation}"
weights = [[0.6, -0.8]]
biases = [0.35]
[[sample]]
x = [0.7, -0.3]
t = [0.9]
[training]
learning_rate = 0.5
steps = 3
{training}
"""


def judged(
    training: str, pages: list[Lines], activation: str = "sigmoid", digits: int = 7
) -> Report:
    """Judge a page of several updates, each a mapping from quantities to numbers."""
    text = NETWORK.format(training=training, activation=activation)
    for step, lines in enumerate(pages, 1):
        text += f"[[claims]]\nstep = {step}\n"
        text += "".join(f'"{name}" = {value:.{digits}g}\n' for name, value in lines.items())
    return check(engine.run(read_problem(toml.parse(text, "f.toml")), "python"))


def gradients(w: tuple[float, float], b: float) -> tuple[float, float, float]:
    """∂E/∂w1, ∂E/∂w2 and ∂E/∂b of the neuron."""
    out = 1 / (1 + exp(-(w[0] * X[0] + w[1] * X[1] + b)))
    delta = (out - T) * out * (1 - out)
    return delta * X[0], delta * X[1], delta


def pages(rule: str, steps: int = 3) -> list[Lines]:
    """Calculate w1 and w2 (and move b) by a rule; the lines of each update."""
    p, v, s = [*W, B], [0.0] * 3, [0.0] * 3
    found = []
    for n in range(1, steps + 1):
        g, page = gradients((p[0], p[1]), p[2]), {}
        for k, name in enumerate(("w1", "w2", "b1")):
            page[f"dE/d{name}"] = g[k]
            if rule in ("momentum", "nesterov"):
                v[k] = 0.8 * v[k] - ETA * g[k]
                page[f"v_{name}+"] = v[k]
                step = v[k] if rule == "momentum" else 0.8 * v[k] - ETA * g[k]
            elif rule == "adam":
                v[k], s[k] = 0.9 * v[k] + 0.1 * g[k], 0.99 * s[k] + 0.01 * g[k] ** 2
                m_hat, s_hat = v[k] / (1 - 0.9**n), s[k] / (1 - 0.99**n)
                page |= {f"m_{name}+": v[k], f"s_{name}+": s[k]}
                page |= {f"mhat_{name}": m_hat, f"shat_{name}": s_hat}
                step = -ETA * m_hat / (sqrt(s_hat) + 0.001)
            elif rule == "rmsprop":
                s[k] = 0.9 * s[k] + 0.1 * g[k] ** 2
                page[f"s_{name}+"] = s[k]
                step = -ETA * g[k] / (sqrt(s[k]) + 0.001)
            else:
                step = -ETA * g[k]
            page[f"step_{name}"], p[k] = step, p[k] + step
            page[f"{name}+"] = p[k]
        found.append(page)
    return found


OPTIONS = {
    "gradient-descent": "",
    "momentum": "momentum = 0.8",
    "nesterov": "momentum = 0.8",
    "adam": "beta2 = 0.99\nepsilon = 0.001",
    "rmsprop": "epsilon = 0.001",
}


def training(rule: str, more: str = "") -> str:
    return f'rule = "{rule}"\n{OPTIONS.get(rule, "")}\n{more}'


@pytest.mark.parametrize("digits", [4, 7, 10])
@pytest.mark.parametrize("rule", OPTIONS)
def test_right_pages_have_no_mistake(rule: str, digits: int) -> None:
    report = judged(training(rule), pages(rule), digits=digits)
    assert report.counts["right"] == len(report.verdicts) > 20


def wrong_ones(report: Report) -> list[tuple[str, int, str | None, str]]:
    """Each wrong line: quantity, step, mistake and wording."""
    return [
        (v.claim.quantity, v.claim.step, v.mistake, v.finding.best.wording if v.finding else "")
        for v in report.verdicts
        if v.verdict == "wrong"
    ]


def one_wrong(rule: str, step: int, name: str, value: float, more: str = "") -> Report:
    """Judge the first quantities of a page on which one number of one update is wrong."""
    lines = [dict(page) for page in pages(rule)[:step]]
    last = {key: number for key, number in lines[-1].items() if key != name}
    before = dict(list(last.items())[: list(lines[-1]).index(name)])
    return judged(training(rule, more), [*lines[:-1], {**before, name: value}])


G1, G2 = gradients(W, B), gradients((pages("momentum")[0]["w1+"], pages("momentum")[0]["w2+"]),
                                    pages("momentum")[0]["b1+"])  # fmt: skip
V1 = -ETA * G1[0]
ADAM = pages("adam")
RMS = pages("rmsprop")
NESTEROV = pages("nesterov")

WRONG = [
    ("momentum", 2, "v_w1+", -0.8 * V1 - ETA * G2[0], "velocity", "turned"),
    ("momentum", 2, "v_w1+", ETA * (0.8 * V1 - G2[0]), "velocity", "scaled"),
    ("momentum", 2, "v_w1+", 0.8 * V1 - 0.2 * ETA * G2[0], "velocity", "mean"),
    ("momentum", 2, "v_w1+", -ETA * G2[0], "drop-term", "memory"),
    ("momentum", 2, "v_w1+", 0.8 * V1 - G2[0], "drop-factor", "factor"),
    ("momentum", 2, "v_w1+", 0.8 * V1 + ETA * G2[0], "sign", "term"),
    ("nesterov", 2, "w1+", NESTEROV[0]["w1+"] + NESTEROV[1]["v_w1+"], "velocity", "plain"),
    ("adam", 1, "s_w1+", 0.01 * G1[0], "square", "forgotten"),
    ("adam", 1, "m_w1+", 0.01 * G1[0], "moments", "swapped"),
    ("adam", 1, "m_w1+", 0.9 * G1[0], "moments", "turned"),
    ("adam", 2, "mhat_w1", ADAM[1]["m_w1+"], "bias-correction", "missing"),
    ("adam", 2, "mhat_w1", ADAM[1]["m_w1+"] / (1 - 0.9), "bias-correction", "power"),
    ("adam", 2, "mhat_w1", ADAM[1]["m_w1+"] * (1 - 0.9**2), "bias-correction", "times"),
    ("adam", 2, "step_w1", -ETA * ADAM[1]["m_w1+"] / (sqrt(ADAM[1]["s_w1+"]) + 0.001),
     "bias-correction", "both"),
    ("rmsprop", 1, "step_w1", -ETA * G1[0] / (RMS[0]["s_w1+"] + 0.001), "root", "forgotten"),
    ("rmsprop", 1, "step_w1", -ETA * G1[0] / sqrt(RMS[0]["s_w1+"] + 0.001), "root", "inside"),
    ("gradient-descent", 1, "step_w1", -G1[0], "drop-factor", "factor"),
    ("gradient-descent", 1, "step_w1", ETA * G1[0], "sign", "whole"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "step", "name", "value", "mistake", "wording"), WRONG)
def test_a_mistake_has_its_name(
    rule: str, step: int, name: str, value: float, mistake: str, wording: str
) -> None:
    assert wrong_ones(one_wrong(rule, step, name, value)) == [(name, step, mistake, wording)]


def test_a_wrong_velocity_is_carried_into_the_next_update() -> None:
    first, second, _ = pages("momentum")
    wrong = 0.035  # right: 0.0345
    v = 0.8 * wrong - ETA * second["dE/dw1"]
    report = judged(
        training("momentum"),
        [
            {"v_w1+": wrong, "w1+": W[0] + wrong, "w2+": first["w2+"], "b1+": first["b1+"]},
            {"dE/dw1": second["dE/dw1"], "v_w1+": v},
        ],
    )
    assert [v.claim.quantity for v in report.verdicts if v.verdict == "wrong"] == ["v_w1+"]
    last = report.verdicts[-1]
    assert (last.claim.quantity, last.verdict) == ("v_w1+", "carried")


def test_a_new_weight_follows_from_the_printed_step() -> None:
    """Δw is wrong (η left out): w⁺ only carries it on; and so it is if Δw is only rounded."""
    report = judged(training("gradient-descent"), [{"step_w1": -G1[0], "w1+": W[0] - G1[0]}])
    assert [v.verdict for v in report.verdicts] == ["wrong", "carried"]
    text = NETWORK.format(training=training("gradient-descent"), activation="sigmoid")
    step = f"{-ETA * G1[0]:.2f}"
    text += f'[[claims]]\n"step_w1" = {step}\n"w1+" = {W[0] + float(step):.4f}\n'
    rounded = check(engine.run(read_problem(toml.parse(text, "f.toml")), "python"))
    assert [v.verdict for v in rounded.verdicts] == ["right", "rounding"]


def test_the_rate_of_another_update() -> None:
    more = 'schedule = { name = "exponential", factor = 0.5 }'
    w, b = [*W], B
    lines = []
    for n in range(2):
        g = gradients((w[0], w[1]), b)
        eta = ETA * 0.5**n
        wrong = ETA if n else eta
        lines.append({"dE/dw1": g[0], "w1+": w[0] - wrong * g[0]})
        w, b = [w[0] - eta * g[0], w[1] - eta * g[1]], b - eta * g[2]
    report = judged(training("gradient-descent", more), lines)
    (verdict,) = [v for v in report.verdicts if v.verdict == "wrong"]
    assert (verdict.claim.step, verdict.claim.quantity) == (2, "w1+")
    assert verdict.finding is not None
    same = [verdict.finding.best, *verdict.finding.equal]
    assert ("other-update", "rate") in [(c.mistake, c.wording) for c in same]


def test_weight_decay_of_a_bias_and_none_of_a_weight() -> None:
    more = "weight_decay = 0.2"
    right = {"dE/dw1": G1[0], "w1+": W[0] - ETA * (G1[0] + 0.2 * W[0])}
    bias = {"dE/db1": G1[2], "b1+": B - ETA * (G1[2] + 0.2 * B)}
    report = judged(training("gradient-descent", more), [right | bias])
    assert wrong_ones(report) == [("b1+", 1, "weight-decay", "bias")]
    without = right | {"w1+": W[0] - ETA * G1[0]}
    report = judged(training("gradient-descent", more), [without])
    assert wrong_ones(report) == [("w1+", 1, "drop-term", "decay")]


def test_the_old_weight_in_the_second_forward_pass() -> None:
    first = pages("gradient-descent")[0]
    net = W[0] * X[0] + W[1] * X[1] + B  # as if nothing had been learned
    report = judged(training("gradient-descent"), [first, {"out_o": 1 / (1 + exp(-net))}])
    assert wrong_ones(report) == [("out_o", 2, "other-update", "all")]


LOCAL: list[tuple[str, str, Callable[[float, float], float], str, str]] = [
    ("delta", "identity", lambda x, y: ETA * (y - T) * x, "sign", "difference"),
    ("delta", "identity", lambda x, y: (T - y) * x, "drop-factor", "factor"),
    ("delta", "identity", lambda x, y: ETA * (T - y), "drop-factor", "factor"),
    ("hebb", "identity", lambda x, y: ETA * x * y, "role", "other"),
    ("hebb-unsupervised", "identity", lambda x, y: ETA * x * T, "role", "other"),
]


@pytest.mark.parametrize(("rule", "activation", "step", "mistake", "wording"), LOCAL)
def test_mistakes_of_local_rules(
    rule: str, activation: str, step: Callable[[float, float], float], mistake: str, wording: str
) -> None:
    out = W[0] * X[0] + W[1] * X[1] + B
    wrong = step(X[0], out)
    lines = {"out_o": out, "step_w1": wrong, "w1+": W[0] + wrong}
    report = judged(training(rule), [lines], activation)
    assert wrong_ones(report) == [("step_w1", 1, mistake, wording)]
    assert report.verdicts[-1].verdict == "carried"


VELOCITY_FORMS: Mapping[str, Callable[[float, float], tuple[float, float]]] = {
    "velocity-minus": lambda v, g: (0.8 * v + ETA * g, -(0.8 * v + ETA * g)),
    "velocity-without-rate": lambda v, g: (0.8 * v + g, -ETA * (0.8 * v + g)),
    "velocity-mean": lambda v, g: (0.8 * v + 0.2 * g, -ETA * (0.8 * v + 0.2 * g)),
}
"""v⁺ and Δw, as others write them."""


@pytest.mark.parametrize("steps_are_shown", [True, False])
@pytest.mark.parametrize("name", VELOCITY_FORMS)
def test_other_velocities_are_a_convention(name: str, steps_are_shown: bool) -> None:
    p, v, found = [*W, B], [0.0] * 3, []
    for _ in range(3):
        g, page = gradients((p[0], p[1]), p[2]), {}
        for k, parameter in enumerate(("w1", "w2", "b1")):
            v[k], step = VELOCITY_FORMS[name](v[k], g[k])
            p[k] += step
            page |= {f"dE/d{parameter}": g[k], f"v_{parameter}+": v[k], f"{parameter}+": p[k]}
            if steps_are_shown:
                page[f"step_{parameter}"] = step
        found.append(page)
    report = judged(training("momentum"), found)
    assert report.reading is not None
    assert (report.reading.name, report.reading_wrong) == (name, 0)
