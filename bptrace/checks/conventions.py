"""What a whole page may mean differently: conventions, and one mistake made everywhere.

Each is one way of rewriting the formulas; `page` takes it if it makes the page shorter to describe.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from bptrace.address import Address, Quantity
from bptrace.checks.findings import Candidate, kind_of, likeness
from bptrace.checks.graph import Canon
from bptrace.checks.mistakes import MISTAKES, Step, Text
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import ONE, Expr, Num, Op, Ref, add, bind, div, mul, neg, refs, sub
from bptrace.maths.losses import LOSSES, Loss, suits
from bptrace.maths.own import activation_of
from bptrace.maths.rules import ETA, GRADIENT, PARAMETER, V_NEW, V
from bptrace.maths.updates import step_of
from bptrace.model import Problem
from bptrace.tuples import NamedTuple

Q = Quantity
Rewrite = Callable[[Address, Expr], Expr]
BITS = 4.0
"""The price of a convention."""

EVERYWHERE_BITS = 2.6
"""What "everywhere" adds to the price of a mistake."""


class Reading(NamedTuple):
    """What a whole page may mean differently: its name in ``--json``, and what it says."""

    name: str
    title: Text


class Velocity(NamedTuple):
    """Another way of writing momentum: the velocity after an update, and what w⁺ adds of it."""

    name: str
    title: Text
    new: Expr
    step: Expr


_KEPT = mul(Ref("momentum"), V)
VELOCITIES = (
    Velocity(
        "velocity-minus",
        ("v⁺ = μv + η·∂E/∂w, w⁺ = w − v⁺", "v⁺ = μv + η·∂E/∂w，w⁺ = w − v⁺"),
        add(_KEPT, mul(ETA, GRADIENT)),
        neg(V_NEW),
    ),
    Velocity(
        "velocity-without-rate",
        ("v⁺ = μv + ∂E/∂w, w⁺ = w − η·v⁺", "v⁺ = μv + ∂E/∂w，w⁺ = w − η·v⁺"),
        add(_KEPT, GRADIENT),
        neg(mul(ETA, V_NEW)),
    ),
    Velocity(
        "velocity-mean",
        ("v⁺ = μv + (1 − μ)·∂E/∂w, w⁺ = w − η·v⁺", "v⁺ = μv + (1 − μ)·∂E/∂w，w⁺ = w − η·v⁺"),
        add(_KEPT, mul(sub(ONE, Ref("momentum")), GRADIENT)),
        neg(mul(ETA, V_NEW)),
    ),
)
"""How others write momentum: with the sign in the update, like PyTorch's SGD, and as a mean."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One reading of the whole page, and what it makes of the formulas.

    `flip` turns the sign of every claimed δ; `candidate` is the mistake that is made everywhere.
    """

    name: str
    title: Text
    bits: float
    rewrite: Rewrite | None = None
    flip: bool = False
    candidate: Candidate | None = None

    @property
    def reading(self) -> Reading:
        """What is said about it."""
        return Reading(self.name, self.title)


def conventions(problem: Problem) -> Iterator[Hypothesis]:
    """Yield the conventions that a page on this network may follow."""
    canon = Canon(problem)
    for loss in LOSSES:
        if loss.name not in ("none", problem.network.loss) and _is_possible(loss, problem):
            title = (f"E is the {loss.name} error", f"误差 E 取 {loss.name}")
            yield Hypothesis(f"loss:{loss.name}", title, BITS, _with_loss(problem, loss.name))
    yield Hypothesis("delta-minus", ("δ has the opposite sign", "δ 取相反符号"), BITS, flip=True)
    if any(layer.biases > 1 for layer in problem.network.layers):
        yield Hypothesis(
            "one-bias-per-layer",
            ("one bias per layer, the first neuron's", "每层只用一个偏置（第一个神经元的）"),
            BITS,
            _bias_of_first(canon),
        )
    if any(layer.biases for layer in problem.network.layers):
        yield Hypothesis("no-biases", ("no biases", "不用偏置"), BITS, _without_biases)
    yield Hypothesis(
        "cross-entropy-delta",
        ("δ of the output is out − target (cross-entropy)", "输出层 δ = 输出 − 目标（交叉熵）"),
        BITS,
        _cross_entropy(problem),
    )
    if problem.training.batch > 1:
        yield Hypothesis(
            "other-reduction",
            ("mean and sum over the batch are exchanged", "批内求和与平均互换"),
            BITS,
            _other_reduction,
        )
    if problem.training.rule == "momentum":
        for velocity in VELOCITIES:
            yield Hypothesis(velocity.name, velocity.title, BITS, _with_velocity(problem, velocity))


def everywhere(problem: Problem, candidates: Iterator[Candidate]) -> Iterator[Hypothesis]:
    """Yield "the same mistake at every place like it" for explanations found at single lines."""
    seen: set[Hashable] = set()
    for candidate in candidates:
        place = candidate.place
        if candidate.expr is None or not isinstance(place, Address):
            continue
        like = candidate.likeness
        for scope in ("all", "hidden", "output"):
            inside = scope == "all" or _scope(problem, place) == scope
            if inside and (like, scope) not in seen:
                seen.add((like, scope))
                yield Hypothesis(
                    f"everywhere:{candidate.mistake}",
                    MISTAKES.get(candidate.mistake).title,
                    candidate.cost + EVERYWHERE_BITS,
                    _same_everywhere(problem, candidate, place, scope),
                    candidate=candidate,
                )


def _scope(problem: Problem, place: Address) -> str:
    return "output" if place.layer == problem.network.depth else "hidden"


def _same_everywhere(
    problem: Problem, candidate: Candidate, origin: Address, scope: str
) -> Rewrite:
    mistake, like = MISTAKES.get(candidate.mistake), candidate.likeness
    canon = Canon(problem)

    def rewrite(key: Address, expr: Expr) -> Expr:
        if kind_of(key) != kind_of(origin) or mistake.variants is None:
            return expr
        if scope != "all" and _scope(problem, key) != scope:
            return expr
        for variant in mistake.variants(Step(problem, key, expr, canon)):
            if likeness(mistake.name, variant.wording, key, variant.fields) == like:
                return variant.expr
        return expr

    return rewrite


def _is_possible(loss: Loss, problem: Problem) -> bool:
    """Whether a loss means something for the outputs and targets of a problem."""
    low, high = loss.targets
    targets = (t for sample in problem.samples for t in sample.t)
    last = activation_of(problem.network.layers[-1])
    usual = loss.fused is None or loss.fused.partner == last.name
    return usual and suits(loss, last) and all(low <= t <= high for t in targets)


def _with_loss(problem: Problem, name: str) -> Rewrite:
    """E and ∂E/∂out of another loss; δ then follows by the chain rule."""
    loss = LOSSES.get(name)
    chapter, canon = Chapter(problem), Canon(problem)
    depth = problem.network.depth

    def rewrite(key: Address, expr: Expr) -> Expr:
        if key.quantity is Q.D_IN and key.layer == depth and key.of is None:
            equation = chapter.equation(key)
            forms = equation.forms if equation is not None else ()
            return canon.expr(forms[0]) if forms else expr
        at_output = key.quantity is Q.D_OUT and key.layer == depth and key.of is None
        if not at_output and key.quantity is not Q.E_K:
            return expr
        k = key.neuron
        places: dict[Hashable, Expr] = {
            "out": Ref(Address(Q.OUT, depth, k, sample=key.sample, step=key.step)),
            "t": Ref(Address(Q.T, 0, k, sample=key.sample)),
            "n": Num(float(problem.network.widths[-1])),
        }
        return bind(loss.slope_expr if at_output else loss.expr, places)

    return rewrite


def _bias_of_first(canon: Canon) -> Rewrite:
    def rewrite(key: Address, expr: Expr) -> Expr:
        if key.quantity is not Q.IN:
            return expr
        biases = [k for k in _addresses(expr) if k.quantity in (Q.B, Q.B_NEW)]
        return bind(expr, {b: Ref(canon(b._replace(neuron=1))) for b in biases})

    return rewrite


def _without_biases(key: Address, expr: Expr) -> Expr:
    if key.quantity is not Q.IN or not isinstance(expr, Op) or expr.name != "add":
        return expr
    rest = [
        term
        for term in expr.args
        if not (
            isinstance(term, Ref)
            and isinstance(term.key, Address)
            and term.key.quantity in (Q.B, Q.B_NEW)
        )
    ]
    return add(*rest, role=expr.role) if rest else expr


def _cross_entropy(problem: Problem) -> Rewrite:
    depth = problem.network.depth

    def rewrite(key: Address, expr: Expr) -> Expr:
        at_output = key.quantity is Q.D_IN and key.layer == depth and key.of is None
        if at_output and isinstance(expr, Op) and expr.name == "mul":
            return expr.args[0]
        return expr

    return rewrite


def _other_reduction(key: Address, expr: Expr) -> Expr:
    if not isinstance(expr, Op):
        return expr
    if expr.role == "batch mean":
        return expr.args[0]
    if expr.role == "batch sum":
        return div(expr, Num(float(len(expr.args))), role="batch mean")
    return expr


def _with_velocity(problem: Problem, velocity: Velocity) -> Rewrite:
    chapter, canon = Chapter(problem), Canon(problem)
    wanted = {
        Q.V_NEW: velocity.new,
        Q.STEP_W: velocity.step,
        Q.STEP_B: velocity.step,
        Q.W_NEW: add(PARAMETER, velocity.step, role="update"),
        Q.B_NEW: add(PARAMETER, velocity.step, role="update"),
    }

    def rewrite(key: Address, expr: Expr) -> Expr:
        if key.quantity not in wanted or not problem.is_trained(key.parameter):
            return expr
        if key.quantity in (Q.W_NEW, Q.B_NEW) and step_of(key.parameter) in refs(expr):
            return expr  # from a line of its own
        return canon.expr(bind(wanted[key.quantity], chapter.updates.open_places(key.parameter)))

    return rewrite


def _addresses(expr: Expr) -> list[Address]:
    return [key for key in refs(expr) if isinstance(key, Address)]
