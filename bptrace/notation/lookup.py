"""Name → formula: which quantity a name means. No table of all names: a wide network has millions.

The dialect's patterns, read backwards, leave few places that a name could mean. Each is written
again by `names`, and the place whose name comes out is the one: patterns are written nowhere else.
Reading of whole formulas is the business of `parse`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from re import findall

from bptrace.address import AFTER, CORRECTED, Address, Quantity
from bptrace.maths.expr import Expr, Ref, neg
from bptrace.notation.names import Names
from bptrace.notation.parse import folded, is_number
from bptrace.notation.patterns import Pattern, patterns, separated, spellings
from bptrace.tuples import NamedTuple

Q = Quantity

_FEW = 2_000
"""Of a network with fewer places, a message about an unknown name compares it with all names."""
_ENDS = 3
"""Of a larger one only the first neurons of each layer, so many, the last one, and those named."""

_GIVEN = {"n": "names", "w": "weight_names", "b": "bias_names"}
"""Fields for which a file may give names, and where in a layer they stand."""

Place = tuple[int, int, int]
"""Layer, neuron, source: each 0 where there is none."""
Given = Mapping[str, list[Place]]
"""Places by what the file calls them."""
Order = tuple[int, int, int, int, int]
"""What puts the quantities of a network in order of calculation."""

_NETWORK, _NEURON, _WEIGHT, _BIAS = range(4)
"""What a quantity belongs to."""


class _Form(NamedTuple):
    """How the names of one quantity are written, of what it is, and in which layers.

    `kind` is "delta" or "neuron" where an address alone has another name. `rank` puts what belongs
    to one neuron, weight or bias in order.
    """

    quantity: Quantity
    pattern: str
    of: int
    layers: Sequence[int]
    rank: int = 0
    kind: str = ""

    def address(self, place: Place) -> Address:
        """Return the address of this quantity there; that of a target says no layer."""
        l, j, i = place
        return Address(self.quantity, 0 if self.quantity.indices == 1 else l, j, i)

    def order(self, place: Place) -> Order:
        """Return the place in the order of calculation."""
        l, j, i = place
        return l, j, self.of, i, self.rank


class Lookup:
    """Finds the quantities of one network in one dialect by their names.

    Parameters
    ----------
    names : Names
        Who writes them.
    memory : tuple of Quantity
        What the learning rule remembers of each parameter.
    minus_delta : bool
        Whether δ means −∂E/∂in.
    """

    def __init__(self, names: Names, memory: tuple[Quantity, ...], minus_delta: bool) -> None:
        self.names = names
        self.network = names.network
        self.memory = memory
        self.minus_delta = minus_delta
        self._found: dict[str, Expr] = {}

    def find(self, text: str) -> Expr | None:
        """Return what `text` means, the whole of it; None if no quantity is called so.

        Names may be written in ASCII, too, and with look-alikes. Where two places have the same
        name, the one calculated first is meant; a spelling never hides another's name.
        """
        found = self._found.get(text)
        if found is None and (found := self._searched(text)) is not None:
            self._found[text] = found
        return found

    def _searched(self, text: str) -> Expr | None:
        meant: list[tuple[bool, Order, _Form, Place]] = []
        for head, tail, form, pattern, given in self._written:
            if not (text.startswith(head) and text.endswith(tail)):
                continue  # as with most: hence nothing has been called before
            places: Iterable[Place]
            if given is None:
                places = self._places(pattern, form.layers, text)
            else:
                places = given.get(text[len(head) : len(text) - len(tail)], [])
            for place in places:
                if place[0] in form.layers and self._has(form, place):
                    name = self._name(form, place)
                    if name == text or text in spellings(name):
                        meant.append((name != text, form.order(place), form, place))
        if not meant or is_number(text):
            return None
        *_, form, place = min(meant, key=lambda each: each[:2])
        gradient = Ref(form.address(place))
        return neg(gradient) if form.kind == "delta" and self.minus_delta else gradient

    def _name(self, form: _Form, place: Place) -> str:
        if form.kind == "neuron":
            return self.names.neuron(0, place[1])
        address = form.address(place)
        return self.names.delta(address) if form.kind == "delta" else self.names.name(address)

    @cached_property
    def longest(self) -> int:
        """No name has more characters."""
        digits = len(str(self.names.most))
        room = dict.fromkeys(("w", "b"), max(map(len, self._own_parameters), default=0))
        by_default = [len(pattern) + 2 * digits for pattern in self._default_neurons]
        room["n"] = room["m"] = max([*map(len, self._own_neurons), *by_default])
        room |= {"nm": 2 * room["n"] + 1, "ji": 2 * digits + 1}
        return max(
            sum(map(len, pattern.literals)) + sum(room.get(f, digits) for f in pattern.fields)
            for _, _, _, pattern, _ in self._written
        )

    # What there is

    @cached_property
    def _forms(self) -> tuple[_Form, ...]:
        """All forms, ordered by what they are of."""
        written, depth = self.names.dialect.names, self.network.depth
        first, last, above = range(1), range(depth, depth + 1), range(1, depth + 1)
        biased = [l for l in above if self.network.layers[l].biases]
        bare = self.network.layers[0].names and written["input"] != "{n}"
        forms = [
            _Form(Q.E, written["error"], _NETWORK, first),
            _Form(Q.ETA, written["rate"], _NETWORK, first, 1),
            _Form(Q.OUT, written["input"], _NEURON, first),
            *([_Form(Q.OUT, "{n}", _NEURON, first, 1, "neuron")] if bare else []),
            _Form(Q.OUT, written["out"], _NEURON, above),
            _Form(Q.T, written["target"], _NEURON, last, 1),
            _Form(Q.E_K, written["share"], _NEURON, last, 2),
            _Form(Q.IN, written["in"], _NEURON, above, 3),
            _Form(Q.D_IN, written["delta"], _NEURON, above, 4, "delta"),
        ]
        for quantity, kind, of, layers in (
            (Q.W, "weight", _WEIGHT, above),
            (Q.B, "bias", _BIAS, biased),
        ):
            forms.append(_Form(quantity, written[kind], of, layers))
            for rank, remembered in enumerate(self._remembered, 1):
                pattern = self.names.memory_pattern(remembered).replace("{p}", written[kind])
                forms.append(_Form(remembered, pattern, of, layers, rank))
        return tuple(forms)

    @cached_property
    def _written(self) -> list[tuple[str, str, _Form, Pattern, Given | None]]:
        """All patterns of forms, behind what names begin and end with.

        With those that have no field but a given name stands which there are.
        """
        given: dict[tuple[str, ...], Given]
        given = {("n",): self._own_neurons, ("w",): self._own_parameters}
        given[("b",)] = self._own_parameters
        written = []
        for each in self._forms:
            for form in self._variants(each):
                for pattern in patterns(form.pattern):
                    head, tail = pattern.literals[0], pattern.literals[-1]
                    written.append((head, tail, form, pattern, given.get(pattern.fields)))
        return written

    def _variants(self, form: _Form) -> Iterator[_Form]:
        """Yield a form for the names that the file gives, and for those that there are by default.

        The latter begin with what they always begin with, so that other names are refused at once.
        """
        for field, given in _GIVEN.items():
            if f"{{{field}}}" in form.pattern:
                called: dict[str, list[int]] = {}
                for l in form.layers:
                    is_given = getattr(self.network.layers[l], given)
                    name = f"{{{field}}}" if is_given else self._default(field, l)
                    called.setdefault(name, []).append(l)
                for name, layers in called.items():
                    pattern = form.pattern.replace(f"{{{field}}}", name)
                    yield form._replace(pattern=pattern, layers=layers)
                return
        yield form

    def _default(self, field: str, l: int) -> str:
        return self.names.neuron_pattern(l) if field == "n" else f"{field}{{{field} number}}"

    @cached_property
    def _remembered(self) -> tuple[Quantity, ...]:
        """What each parameter has of the rule: memory, the same after the update, corrected."""
        corrected = CORRECTED if len(self.memory) > 1 else {}
        return tuple(
            each
            for quantity in self.memory
            for each in (quantity, AFTER[quantity], corrected.get(quantity))
            if each is not None
        )

    @cached_property
    def _own_neurons(self) -> Given:
        """Neurons by the names that the file gives them."""
        return _by_name(
            (name, (l, j, 0))
            for l, layer in enumerate(self.network.layers)
            for j, name in enumerate(layer.names, 1)
        )

    @cached_property
    def _own_parameters(self) -> Given:
        """Weights and biases by the names that the file gives them."""
        layers = list(enumerate(self.network.layers))
        weights = (
            (name, (l, j, i))
            for l, layer in layers
            for j, row in enumerate(layer.weight_names, 1)
            for i, name in enumerate(row, 1)
        )
        biases = (
            (name, (l, j, 0)) for l, layer in layers for j, name in enumerate(layer.bias_names, 1)
        )
        return _by_name(chain(weights, biases))

    @cached_property
    def _default_neurons(self) -> Mapping[str, list[int]]:
        """Patterns of neurons' names, and the layers whose neurons are called so."""
        found: dict[str, list[int]] = {}
        for l, layer in enumerate(self.network.layers):
            if not layer.names:
                found.setdefault(self.names.neuron_pattern(l), []).append(l)
        return found

    # Which places a text could mean; one too many does no harm

    def _places(self, pattern: Pattern, layers: Sequence[int], text: str) -> Iterator[Place]:
        """Yield the places that `text` could mean if it is written like this."""
        for fields in pattern.readings(text):
            yield from self._meant(fields, layers)

    def _has(self, form: _Form, place: Place) -> bool:
        l, j, i = place
        if form.of == _NETWORK:
            return True
        widths = self.network.widths
        return 0 < j <= widths[l] and (0 < i <= widths[l - 1] if form.of == _WEIGHT else not i)

    def _meant(self, fields: Mapping[str, str], layers: Sequence[int]) -> Iterable[Place]:
        """Return the places that the fields of a name mean; `layers`: where it says no layer."""
        if number := fields.get("w number"):
            return [at] if (at := self.names.weight_at(int(number))) else []
        if number := fields.get("b number"):
            return [at] if (at := self.names.bias_at(int(number))) else []
        if name := fields.get("w") or fields.get("b"):
            return self._own_parameters.get(name, ())
        return (
            (l, j, i)
            for each in separated(fields)
            for l, j, _ in self._neurons(each, layers)
            for i in self._sources(each, l)
        )

    def _neurons(self, fields: Mapping[str, str], layers: Iterable[int]) -> Iterable[Place]:
        if name := fields.get("n"):
            return self._called(name)
        if number := fields.get("g"):
            return [(*at, 0)] if (at := self.names.neuron_at(int(number))) else []
        if number := fields.get("l"):
            layers = (int(number) - self.names.dialect.first_layer,)
        return [(l, int(fields.get("j", 0)), 0) for l in layers]

    def _sources(self, fields: Mapping[str, str], l: int) -> Iterable[int]:
        if name := fields.get("m"):
            return (i for before, i, _ in self._called(name) if before == l - 1)
        return (int(fields.get("i", 0)),)

    def _called(self, name: str) -> list[Place]:
        """Return the neurons that may be called so."""
        found = list(self._own_neurons.get(name, ()))
        for pattern, layers in self._default_neurons.items():
            for spelled in patterns(pattern):
                for fields in spelled.readings(name):
                    found += self._neurons(fields, layers)
        return found

    # Suggestions

    def near(self, text: str) -> tuple[list[str], bool]:
        """Return names that may have been meant by an unknown one, and whether they are all.

        First names in the order of calculation, then their other spellings; of a large network a
        part that does not grow with the widths of its layers.
        """
        widths = self.network.widths
        places = sum(n * (1 + m) for n, m in zip(widths, (0, *widths), strict=False))
        whole = places * (1 + len(self._remembered)) < _FEW
        chosen: list[Sequence[int]] = [range(1, n + 1) for n in widths]
        if not whole:
            numbers = {int(digits) for digits in findall(r"\d{1,9}", folded(text))}
            chosen = [self._neurons_near(l, numbers) for l in range(len(widths))]
        names = dict.fromkeys(self._name(form, place) for form, place in self._all(chosen))
        names |= dict.fromkeys(chain.from_iterable(map(spellings, list(names))))
        return [name for name in names if not is_number(name)], whole

    def _neurons_near(self, l: int, numbers: Iterable[int]) -> list[int]:
        """Some neurons of a wide layer: those at its ends, and those whose numbers are named."""
        n = self.network.widths[l]
        near = {*range(1, _ENDS + 1), n, *numbers}
        near |= {at[1] for g in numbers if (at := self.names.neuron_at(g)) and at[0] == l}
        return sorted(j for j in near if 0 < j <= n)

    def _all(self, chosen: Sequence[Sequence[int]]) -> Iterator[tuple[_Form, Place]]:
        """Yield what belongs to some neurons of each layer, in order of calculation."""
        yield from ((form, (0, 0, 0)) for form in self._forms if form.of == _NETWORK)
        for l, neurons in enumerate(chosen):
            forms = [form for form in self._forms if form.of != _NETWORK and l in form.layers]
            for j in neurons:
                found = [
                    (form, (l, j, i))
                    for form in forms
                    for i in (chosen[l - 1] if form.of == _WEIGHT else (0,))
                ]
                yield from sorted(found, key=lambda each: each[0].order(each[1]))


def _by_name(named: Iterable[tuple[str, Place]]) -> dict[str, list[Place]]:
    """Return what has each name, in each of its spellings."""
    found: dict[str, list[Place]] = {}
    for name, what in named:
        for spelling in spellings(name):
            found.setdefault(spelling, []).append(what)
    return found
