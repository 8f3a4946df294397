"""The Hypothesis strategy for hand calculations: right ones, and such with known mistakes.

Not responsible for writing a page (`author`), nor for what a mistake is (`checks.mistakes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, pairwise, product
from random import Random
from typing import Any, Final

from hypothesis import assume, reject
from hypothesis import strategies as st

from bptrace.address import Address
from bptrace.brief import Brief
from bptrace.checks.graph import Key
from bptrace.checks.mistakes import MISTAKES, Variant
from bptrace.errors import BptraceError, UnknownName
from bptrace.maths.expr import Expr
from bptrace.maths.rules import RULES
from bptrace.model import Claim, Layer, Network, Parameters, Problem, Sample, Training
from bptrace.printed import Printed
from bptrace.testing.author import CARRIED, PRINTED, Style, steps
from bptrace.testing.learning import Bounds, bounds, trainings
from bptrace.testing.planting import SLIPS, VISIBLE, Sheet, planted, slipped, variants_at
from bptrace.testing.strategies import networks, problems
from bptrace.tuples import NamedTuple

ONE_LINE: Final = tuple(name for name in SLIPS if name not in ("swapped", "copied"))
"""Slips within one number."""

FORMULAS: Final = tuple(entry.name for entry in MISTAKES if entry.variants is not None)
MISTAKE_NAMES: Final = FORMULAS + ONE_LINE
"""What `hand_calculations` can be asked for."""


class Made(NamedTuple):
    """A mistake on a page.

    Attributes
    ----------
    mistake : str
        Its name in the table of mistakes.
    quantity : str
        What was calculated or copied wrongly, by its positional name: "delta[2,1]".
    step, sample : int
        Where; sample 0 is the whole batch.
    first_seen : tuple of Claim
        The printed numbers in which it first shows.
    """

    mistake: str
    quantity: str
    step: int
    sample: int
    first_seen: tuple[Claim, ...]


@dataclass(frozen=True, repr=False)
class HandCalculation(Brief):
    """A page: a problem with the author's numbers as claims, and what he did wrong.

    Attributes
    ----------
    problem : Problem
        What `bptrace.check` takes.
    mistakes : tuple of Made
        In the order in which they were asked for; each changes a printed number.
    style : Style
        What he prints, to how many digits, and with which numbers he goes on.
    """

    problem: Problem
    mistakes: tuple[Made, ...] = ()
    style: Style | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The page as text, one number to a line: "out[1,1] = 0.6457"."""
        return tuple(
            f"{claim.quantity} = {claim.printed.text}"
            for claim in self.problem.claims
            if claim.printed is not None
        )


def hand_calculations(
    mistakes: Sequence[str] = (),
    problem: Problem | st.SearchStrategy[Problem] | None = None,
    *,
    printed: Sequence[str] = tuple(PRINTED),
    digits: Bounds = (4, 10),
    carried: Sequence[str] = CARRIED,
) -> st.SearchStrategy[HandCalculation]:
    """Draw hand calculations, with mistakes made on purpose, or right to the last digit.

    Parameters
    ----------
    mistakes : sequence of str
        Out of `MISTAKE_NAMES`, each to be made once, in steps that do not hide one another: wrong
        formulas, and slips in a single number ("digit-swap").
    problem : Problem or strategy, optional
        What is calculated; default: small networks in which such mistakes can be made.
    printed : sequence of str
        How much is printed: "all steps", "textbook" (in, out, E, δ, ∂E/∂w, w⁺), "sparse" or
        "final" (out, E, w⁺).
    digits : int or (int, int)
        Digits of the printed numbers, counted from the first that is not 0, or decimals.
    carried : sequence of str
        With what the author goes on: "printed" (his digits), "unrounded" (what he had before),
        "mixed", or "rounded" (he rounds steps that he does not print, too).

    Returns
    -------
    strategy of HandCalculation
        ``.problem`` is for `bptrace.check`, ``.mistakes`` says which mistakes stand where.

    Raises
    ------
    UnknownName
        For a name that there is not, with the nearest one.
    BptraceError
        If no small network lets these mistakes be made all at once.
    """
    if isinstance(mistakes, str):
        raise BptraceError(f"{mistakes!r}: a list of mistakes is expected, such as [{mistakes!r}]")
    for kind, known, names in (
        ("mistake", MISTAKE_NAMES, mistakes),
        ("way of printing", tuple(PRINTED), printed),
        ("way of carrying on", CARRIED, carried),
    ):
        for name in names:
            if name not in known:
                raise UnknownName(kind, name, known)
    if problem is None:
        problem = _home(tuple(name for name in mistakes if name in FORMULAS))
    styles = st.builds(
        Style,
        printed=st.sampled_from(tuple(printed)),
        digits=st.integers(*bounds("digits", digits)),
        significant=st.sampled_from([True, False]),
        cut=st.booleans(),
        carried=st.sampled_from(tuple(carried)),
    )
    given = st.just(problem) if isinstance(problem, Problem) else problem
    return _pages(given, styles, tuple(mistakes))


# ----------------------------------------------------------------------------------------- drawing


@st.composite
def _pages(
    draw: st.DrawFn,
    problems: st.SearchStrategy[Problem],
    styles: st.SearchStrategy[Style],
    names: tuple[str, ...],
) -> HandCalculation:
    problem, style = draw(problems), draw(styles)
    shown = frozenset(key for key in steps(problem) if style.keeps(key))
    page = Sheet(problem, style, shown, draw(st.integers(0, 2**16)))
    assume(shown and page.author().is_sound(page.order))
    rng = draw(st.randoms(use_true_random=False))
    places: list[Address] = []
    wrong: dict[Key, Expr] = {}
    for name in (name for name in names if name in FORMULAS):
        place, variant = _variant(rng, page, name, places)
        places.append(place)
        wrong[place] = variant.expr
    made = planted(page, wrong, tuple(names))
    if made is None or not all(made.seen) or not made.author.is_sound(page.order):
        reject()
    seen = dict(zip(places, made.seen, strict=True))
    author, slips = made.author, dict[Key, tuple[str, bool]]()
    for name in (name for name in names if name in ONE_LINE):
        place, text = _slip(rng, page, name, places, {k: author.text(k) for k in page.right})
        places.append(place)
        slips[place] = (text, rng.random() < 0.5)
        seen[place] = frozenset({place})
    if slips:
        author = page.author(wrong, slips)
        assume(page.changed(author) is not None and not author.is_circular)
    written = author.page(page.order)
    claims = {page.order[claim.line - 1]: claim for claim in written.claims}
    order = sorted(names, key=lambda name: name in ONE_LINE)  # as the places were drawn
    found = [
        Made(
            name, place.positional, place.step, place.sample,
            tuple(claim for key, claim in claims.items() if key in seen[place]),
        )
        for name, place in zip(order, places, strict=True)
    ]  # fmt: skip
    found.sort(key=lambda made: names.index(made.mistake))
    return HandCalculation(written, tuple(found), style)


def _hides(page: Sheet, place: Address, others: Sequence[Address]) -> bool:
    """Whether two mistakes would first show in the same line."""
    lines = page.first_lines(place)
    return any(lines & page.first_lines(other) for other in others)


def _variant(
    rng: Random, page: Sheet, name: str, others: Sequence[Address]
) -> tuple[Address, Variant]:
    """Draw where and how a mistake of the table is made."""
    entry = MISTAKES.get(name)
    ways = {
        key: found
        for key in page.places
        if not _hides(page, key, others) and (found := variants_at(page, key, entry))
    }
    assume(ways)
    quantity = rng.choice(sorted({key.quantity for key in ways}))
    place = rng.choice([key for key in ways if key.quantity is quantity])
    return place, rng.choice(ways[place])


def _slip(
    rng: Random, page: Sheet, name: str, others: Sequence[Address], texts: Mapping[Address, str]
) -> tuple[Address, str]:
    """Draw where a number is copied wrongly, and what is written there."""
    free = [key for key in page.right if not _hides(page, key, others)]
    assume(free)
    place = rng.choice(free)
    text = slipped(rng, name, texts[place])
    if text is None:
        reject()
    now, before = Printed.parse(text), Printed.parse(texts[place])
    assume(abs(now.value - before.value) > VISIBLE * max(now.ulp, before.ulp))
    return place, text


# ----------------------------------------------------------------------- where mistakes are at home

NETWORKS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"biases": ["shared"], "widths": (2, 4)},
    {"outputs": ["softmax"], "losses": ["cross-entropy"]},
    {"outputs": ["sigmoid"], "losses": ["binary-cross-entropy"]},
    {"outputs": ["softmax"], "losses": ["half-squared"]},
    {"outputs": ["sigmoid"], "losses": ["cross-entropy"]},
)
TRAININGS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"batch": (2, 3), "reductions": ["mean"]},
    *({"rules": [rule.name], "steps": 2, "batch": 1} for rule in RULES),
)
"""What `networks` and `trainings` are asked for, the plainest first."""


@cache
def _home(names: tuple[str, ...]) -> st.SearchStrategy[Problem]:
    """Return problems in which all these mistakes can be made, as plain as there are."""
    for n, t in _KINDS:
        for deep in (False, True):
            if all(_can_be_made(name, _example(n, t, deep)) for name in names):
                asked = {"layers": 2 if deep else (1, 2), "widths": (1, 3), **NETWORKS[n]}
                return problems(networks(**asked), trainings(**TRAININGS[t]))
    raise BptraceError(
        f"no small network lets the mistakes {', '.join(names)} be made all at once. "
        "Ask for fewer of them, or give a problem"
    )


_KINDS: Final = sorted(
    product(range(len(NETWORKS)), range(len(TRAININGS))), key=lambda kind: sum(map(bool, kind))
)
"""Places in the two tables; those that are in fewer respects not the plainest come first."""


def _can_be_made(name: str, page: Sheet) -> bool:
    entry = MISTAKES.get(name)
    return any(variants_at(page, key, entry) for key in page.places)


@cache
def _example(n: int, t: int, deep: bool) -> Sheet:
    """Return a page of a 3-2 network, or of a 3-4-2 one if it is to be deep, with some numbers.

    `n` and `t` are places in NETWORKS and TRAININGS. What can be done to a page costs more to find
    out than anything else here, and is kept with it.
    """
    network, training = NETWORKS[n], TRAININGS[t]
    last = network.get("outputs", ["sigmoid"])[0]
    shared = network.get("biases") == ["shared"]
    layers = [Layer(3)]
    for size, name in ((4, "sigmoid"), (2, last)) if deep else ((2, last),):
        layers.append(Layer(size, activation=name, biases=1 if shared else size))
    numbers = cycle([0.3, -0.5, 0.2, 0.7, -0.4, 0.9, 0.15])

    def row(n: int) -> tuple[float, ...]:
        return tuple(next(numbers) for _ in range(n))

    parameters = Parameters(
        tuple(tuple(row(a.size) for _ in range(b.size)) for a, b in pairwise(layers)),
        tuple(row(layer.biases) for layer in layers[1:]),
    )
    mean = "reductions" in training
    samples = tuple(Sample(row(3), (1.0, 0.0)) for _ in range(2 if mean else 1))
    problem = Problem(
        Network(tuple(layers), network.get("losses", ["half-squared"])[0]),
        parameters,
        samples,
        Training(
            rule=training.get("rules", ["gradient-descent"])[0],
            learning_rate=0.5,
            batch=len(samples),
            reduction="mean" if mean else "sum",
            steps=training.get("steps", 1),
        ),
    )
    return Sheet(problem, Style(), frozenset(steps(problem)), 0)
