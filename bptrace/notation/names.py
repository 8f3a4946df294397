"""Address → name: what a quantity is called in a dialect, in Unicode or in ASCII."""

from __future__ import annotations

import re
from bisect import bisect_left

from bptrace.address import BEFORE, Address, Quantity
from bptrace.maths.rules import LETTERS, Rule
from bptrace.model import Network
from bptrace.notation.dialect import Dialect

Q = Quantity

_PATTERN = {
    Q.T: "target",
    Q.IN: "in",
    Q.OUT: "out",
    Q.E_K: "share",
    Q.E: "error",
    Q.W: "weight",
    Q.B: "bias",
    Q.ETA: "rate",
}
_PARAMETER = {
    Q.STEP_W: (Q.W, "Δ{}"),
    Q.STEP_B: (Q.B, "Δ{}"),
    Q.W_NEW: (Q.W, "{}⁺"),
    Q.B_NEW: (Q.B, "{}⁺"),
}
_ASCII = {
    "Δ": "step_", "∂": "d", "δ": "delta", "η": "eta", "ε": "eps", "θ": "theta", "σ": "sigma",
    "∇": "grad", "⊙": "(*)", "ᵀ": "^T", "′": "'", "‖": "||",
    "√": "sqrt", "≠": "!=", "⌊": "floor(", "⌋": ")", "̂": "hat", "α": "alpha",
    "β": "beta", "μ": "mu", "ρ": "rho", "λ": "lambda", "₀": "0", "₁": "1", "₂": "2",
    "…": "...", "⋮": ":", "–": "-", "Σ": "sum", "⁺": "+", "·": "*", "−": "-", "½": "0.5",
    "⁽": "(", "⁾": ")", **dict(zip("⁰¹³⁴⁵⁶⁷⁸⁹", "013456789", strict=True)), "²": "^2",
}  # fmt: skip
_TO_ASCII = str.maketrans(_ASCII)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SAMPLE = "⁽[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁾"  # its ² is no square


def to_ascii(text: str) -> str:
    """Return `text` with the signs of formulas written in ASCII (names of users stay)."""
    if "⁽" in text:  # a pattern takes 0.2 ms to compile, and few texts name samples
        text = re.sub(_SAMPLE, lambda found: found.group().translate(_DIGITS), text)
    return text.translate(_TO_ASCII)


class Names:
    """The names of all quantities of one network in one dialect."""

    def __init__(self, network: Network, dialect: Dialect, rule: Rule | None = None) -> None:
        self.network = network
        self.dialect = dialect
        self._keeps_step = rule is not None and rule.keeps_step
        self._before = [0]  # neurons in all layers before
        self._weights = [0, 0]  # weights into all layers before
        self._biases = [0, 0]
        for l, layer in enumerate(network.layers):
            self._before.append(self._before[-1] + layer.size)
            if l:
                self._weights.append(self._weights[-1] + layer.size * network.widths[l - 1])
                self._biases.append(self._biases[-1] + layer.biases)

    def neuron(self, l: int, j: int) -> str:
        """Return the name of neuron j (from 1) of layer l: the file's, else the dialect's."""
        names = self.network.layers[l].names
        if names:
            return names[j - 1]
        fields = {"j": j, "l": l + self.dialect.first_layer, "g": self._before[l] + j}
        return self.neuron_pattern(l).format(**fields)

    def neuron_pattern(self, l: int) -> str:
        """Return how the dialect calls neurons of layer l that the file does not name."""
        depth = self.network.depth
        kind = "input" if l == 0 else "output" if l == depth else "hidden" if depth == 2 else "deep"
        return self.dialect.neuron[kind]

    # Numbers that count through the network, read backwards

    @property
    def most(self) -> int:
        """No number in a name is larger."""
        return max(self._before[-1], self._weights[-1])

    def neuron_at(self, number: int) -> tuple[int, int] | None:
        """Return layer and neuron by the neuron's number in the network; None if there is none."""
        l = bisect_left(self._before, number) - 1
        return (l, number - self._before[l]) if 0 <= l <= self.network.depth else None

    def weight_at(self, number: int) -> tuple[int, int, int] | None:
        """Return layer, neuron and source of a weight by its number, as in w5."""
        l = bisect_left(self._weights, number) - 1
        if not 0 < l <= self.network.depth:
            return None
        j, i = divmod(number - self._weights[l] - 1, self.network.widths[l - 1])
        return l, j + 1, i + 1

    def bias_at(self, number: int) -> tuple[int, int, int] | None:
        """Return layer, neuron and 0 by the number of a bias; a shared one is that of neuron 1."""
        l = bisect_left(self._biases, number) - 1
        return (l, number - self._biases[l], 0) if 0 < l <= self.network.depth else None

    def name(self, address: Address, mark: bool = False) -> str:
        """Return the name of a quantity; with `mark` its sample is written as a superscript."""
        quantity = address.quantity
        if quantity.is_memory:
            return self._memory(address)
        if quantity in _PARAMETER:
            plain, pattern = _PARAMETER[quantity]
            return pattern.format(self.name(address._replace(quantity=plain)))
        if not quantity.is_partial:
            return self._plain(address) + (_sample(address) if mark else "")
        if quantity is Q.D_IN and address.of is None and self.dialect.derivative != "delta":
            return self._plain(address, "delta") + (_sample(address) if mark else "")
        top = Address(Q.E, sample=address.sample) if address.of is None else address.of
        return f"∂{self.name(top, mark)}/∂{self.name(address.denominator)}"

    def _memory(self, address: Address) -> str:
        """Return the name of what a rule remembers."""
        pattern = self.memory_pattern(address.quantity)
        return pattern.format(p=self.name(address.parameter))

    def memory_pattern(self, quantity: Quantity) -> str:
        """Return how the name of what a rule remembers is made from that of the parameter, p.

        A dialect may have a name of its own for a velocity that is the last step of the parameter,
        which that of Nesterov's rule is not.
        """
        head = BEFORE.get(quantity, quantity).head.replace("hat", "\u0302")
        plus = "⁺" if quantity in BEFORE else ""
        pattern = f"{head}_{{p}}{plus}"
        if head == "v" and self._keeps_step:
            pattern = self.dialect.names.get(f"velocity{plus and '_new'}", pattern)
        return pattern

    def whole(self, address: Address, mark: bool = False) -> str:
        """Return the name of the matrix or vector in which a quantity stands: W^2, δ^2, ∂C/∂W^2.

        Indices in the layer do not matter, but whether there is a `source`: a weight, not a bias.
        """
        quantity = address.quantity
        if quantity in (Q.E, Q.E_K, Q.ETA):
            return self._plain(address)
        if quantity in _PARAMETER:
            plain, pattern = _PARAMETER[quantity]
            return pattern.format(self.whole(address._replace(quantity=plain)))
        if quantity.is_memory:
            head = BEFORE.get(quantity, quantity).head.replace("hat", "\u0302")
            head = head if address.is_of_bias else head[0].upper() + head[1:]
            plus = "⁺" if quantity in BEFORE else ""
            pattern = f"{head}_{{p}}{plus}"
            if head.casefold() == "v" and self._keeps_step:
                pattern = self.dialect.names.get(f"velocity{plus and '_new'}", pattern)
            return pattern.format(p=self.whole(address.parameter))
        sample = _sample(address) if mark else ""
        if not quantity.is_partial:
            return self._whole(_PATTERN[quantity], address.layer) + sample
        if quantity is Q.D_IN and self.dialect.derivative != "delta":
            return self._whole("delta", address.layer)
        if quantity is Q.D_OUT and address.layer == self.network.depth:
            return self._whole("slope", address.layer)
        top = self._plain(Address(Q.E)) + sample
        return f"∂{top}/∂{self.whole(address.denominator)}"

    def _whole(self, kind: str, l: int) -> str:
        return self.dialect.matrices[kind].format(l=l + self.dialect.first_layer)

    def letter(self, option: str) -> str:
        """Return the letter of an option of the training: the dialect's, else that of its rule."""
        names = self.dialect.names
        if option == "rate":  # of which a schedule makes the rates
            return f"{names['rate']}₀"
        return names.get(option) or LETTERS.get(option, option)

    def delta(self, address: Address) -> str:
        """Return the name of δ of a neuron, also in dialects and files that print ∂E/∂in."""
        return self._plain(address, "delta")

    def _plain(self, address: Address, kind: str = "") -> str:
        """Fill the dialect's pattern for a quantity that is not a derivative."""
        quantity, l, j, i = address.quantity, address.layer, address.neuron, address.source
        kind = kind or _PATTERN[quantity]
        if kind == "out" and l == 0:
            kind = "input"
        elif kind in ("target", "share"):
            l = self.network.depth
        pattern = self.dialect.names[kind]
        fields: dict[str, object] = {"l": l + self.dialect.first_layer, "j": j, "i": i}
        if j:
            fields |= {"n": self.neuron(l, j), "g": self._before[l] + j}
        if i:
            fields |= {"m": self.neuron(l - 1, i), "ji": _joined(j, i)}
            fields |= {"nm": _joined(fields["n"], fields["m"])}
        if "{w}" in pattern:
            fields["w"] = self._weight(l, j, i)
        if "{b}" in pattern:
            fields["b"] = self._bias(l, j)
        return pattern.format(**fields)

    def _weight(self, l: int, j: int, i: int) -> str:
        layer = self.network.layers[l]
        if layer.weight_names:
            return layer.weight_names[j - 1][i - 1]
        return f"w{self._weights[l] + (j - 1) * self.network.widths[l - 1] + i}"

    def _bias(self, l: int, j: int) -> str:
        layer = self.network.layers[l]
        shared = layer.biases == 1
        if layer.bias_names:
            return layer.bias_names[0 if len(layer.bias_names) == 1 else j - 1]
        return f"b{self._biases[l] + (1 if shared else j)}"


def _joined(j: object, i: object) -> str:
    """Indices side by side where each is one character, else with a comma."""
    short = len(str(j)) == 1 and len(str(i)) == 1
    return f"{j}{i}" if short else f"{j},{i}"


def _sample(address: Address) -> str:
    return f"⁽{str(address.sample).translate(_SUPERSCRIPT)}⁾" if address.sample else ""
