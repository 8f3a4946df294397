"""Problem files to start from: commented templates, and pages with their numbers left blank."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any, Final

from bptrace.errors import BptraceError
from bptrace.io.positions import STRING, Lines
from bptrace.io.toml import Document, Path

MOST_WRITTEN: Final = 60
"""Weights into one layer that are written out; more are drawn by `init`."""

MOST_NAMED: Final = 12
LARGEST: Final = 10_000

_WORDS: Final = {
    "en": {
        "title": "A {shape} network by hand",
        "source": "your own",
        "head": "Calculate it with `bptrace run {file}`; other keys: `bptrace schema`.",
        "dialect": "how quantities are written; see `bptrace list`",
        "loss": "E = Σ ½(t − out)²",
        "input": "The first layer is the input: it has only names (or a size).",
        "weights": "one row per neuron, one column per neuron of the layer before",
        "biases": "one per neuron; a single number is shared by the layer",
        "init": "many weights: drawn at random, the same on every machine",
        "x": "inputs, one per neuron of the first layer",
        "t": "targets, one per neuron of the last layer",
        "data": "samples from a CSV file or a generator: [data] in place of [[sample]]; "
        "see `bptrace schema`",
        "batch": 'samples per update; "all" for the whole batch',
        "reduction": 'or "mean", over the samples of a batch',
        "steps": "updates; or epochs = …, passes over all samples",
        "claims": "Numbers of a calculation by hand, digit for digit as printed (0.40 is not 0.4).",
        "remove": 'Remove the # and write your own; "" is a number that is still to be found.',
    },
    "zh": {
        "title": "手算 {shape} 网络",
        "source": "自拟",
        "head": "用 `bptrace run {file}` 计算；其他键见 `bptrace schema`。",
        "dialect": "量的写法，见 `bptrace list`",
        "loss": "E = Σ ½(t − out)²",
        "input": "第一层是输入层：只写名称（names）或个数（size）。",
        "weights": "每行一个神经元，每列对应前一层的一个神经元",
        "biases": "每个神经元一个；只写一个数则全层共用",
        "init": "权重很多：随机生成，在任何机器上都相同",
        "x": "输入，第一层每个神经元一个",
        "t": "目标值，最后一层每个神经元一个",
        "data": "样本来自 CSV 文件或生成器时，用 [data] 代替 [[sample]]；见 `bptrace schema`",
        "batch": '每次更新所用的样本数；"all" 表示全部样本',
        "reduction": '或 "mean"：对一批样本求和或求平均',
        "steps": "更新次数；也可写 epochs = …（遍历全部样本的次数）",
        "claims": "手算的数字，按原样逐位抄写（0.40 与 0.4 不同）。",
        "remove": '去掉 # 并改成自己的数字；"" 表示尚待求出的数。',
    },
}


def template(layers: Sequence[int], name: str, lang: str = "en") -> str:
    """Return a commented problem file with a network of the given sizes.

    Parameters
    ----------
    layers : sequence of int
        Neurons of each layer, input first; at least two layers.
    name : str
        What the file is to be called, without suffix. Its weights, inputs and targets are drawn
        from this name: two-digit decimals, no two parameters of a small network equal.
    lang : {"en", "zh"}
        Language of the comments.

    Raises
    ------
    BptraceError
        If the sizes make no network, or there are no comments in that language.
    """
    if lang not in _WORDS:
        raise BptraceError(f"no comments in the language {lang!r}. Choose en or zh.")
    if len(layers) < 2 or not all(1 <= size <= LARGEST for size in layers):
        sizes = ",".join(map(str, layers)) or "nothing"
        raise BptraceError(
            f"{sizes} is no network. Write at least two sizes from 1 to {LARGEST}, such as 2,3,1."
        )
    words = _WORDS[lang]
    numbers = _numbers(Random(name))
    shape = "-".join(map(str, layers))
    names = [_neurons(layers, l) for l in range(len(layers))]
    lines = [
        f"# {words['head'].format(file=_comment(name) + '.toml')}",
        f"title   = {_text(words['title'].format(shape=shape))}",
        f"source  = {_text(words['source'])}",
        f'dialect = "in-out"  # {words["dialect"]}',
        "",
        "[network]",
        f'loss = "half-squared"  # {words["loss"]}',
        "",
        f"# {words['input']}",
        "[[network.layer]]",
        _names(names[0], layers[0]),
    ]
    for l, (before, size) in enumerate(pairwise(layers), 1):
        lines += ["", "[[network.layer]]", _names(names[l], size)]
        lines += _layer(before, size, numbers, words)
    lines += ["", f"# {words['data']}", "[[sample]]"]
    lines += [f"x = {_values(layers[0], numbers)}  # {words['x']}"]
    lines += [f"t = {_values(layers[-1], numbers)}  # {words['t']}"]
    lines += ["", *_training(words), "", *_claims(layers, words)]
    return "\n".join(lines) + "\n"


def _numbers(random: Random) -> Iterator[str]:
    """Yield 0.01 to 0.99 in a random order, then in another."""
    while True:
        order = sorted((random.random(), k) for k in range(1, 100))
        yield from (f"0.{k:02d}" for _, k in order)


def _neurons(layers: Sequence[int], l: int) -> list[str]:
    """Return the names that the neurons have by default; none for many."""
    last = len(layers) - 1
    head = "i" if l == 0 else "o" if l == last else "h" if last == 2 else f"h{l}_"
    return [f"{head}{j}" for j in range(1, layers[l] + 1)] if layers[l] <= MOST_NAMED else []


def _names(names: list[str], size: int) -> str:
    return f"names      = {json.dumps(names)}" if names else f"size       = {size}"


def _layer(before: int, size: int, numbers: Iterator[str], words: dict[str, str]) -> list[str]:
    lines = ['activation = "sigmoid"']
    if before * size > MOST_WRITTEN:
        init = 'init       = { method = "normal", scale = 0.5, seed = 0 }'
        return [*lines, f"{init}  # {words['init']}"]
    lines.append(f"# {words['weights']}")
    rows = [_values(before, numbers) for _ in range(size)]
    if size <= 3:
        lines.append(f"weights    = [{', '.join(rows)}]")
    else:
        lines += ["weights    = [", *(f"  {row}," for row in rows), "]"]
    return [*lines, f"biases     = {_values(size, numbers)}  # {words['biases']}"]


def _values(count: int, numbers: Iterator[str]) -> str:
    return f"[{', '.join(next(numbers) for _ in range(count))}]"


def _training(words: dict[str, str]) -> list[str]:
    return [
        "[training]",
        'rule          = "gradient-descent"',
        "learning_rate = 0.5",
        f"batch         = 1      # {words['batch']}",
        f'reduction     = "sum"  # {words["reduction"]}',
        f"steps         = 1      # {words['steps']}",
    ]


def _claims(layers: Sequence[int], words: dict[str, str]) -> list[str]:
    """Return a block of claims, commented out, about quantities that this network has."""
    last = len(layers) - 1
    first, final = (_neurons([1] * len(layers), l)[0] for l in (1, last))
    return [
        f"# {words['claims']}",
        f"# {words['remove']}",
        "# [[claims]]",
        "# step   = 1",
        "# sample = 1",
        f'# "in_{first}" = ""',
        f'# "out_{first}" = ""',
        f'# "E_{final}" = ""',
        '# "dE/dw1" = { is = "", eq = "1" }',
        '# "w1+" = ""',
    ]


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comment(name: str) -> str:
    """Return a name that cannot end the comment that it stands in."""
    return "".join(c if c.isprintable() else "?" for c in name)


# ---------------------------------------------------------------------------------- blank pages

_SCALAR: Final = rf"(?s:{STRING}|[^\s,\[\]{{}}#\"']+)"
_REST_OF_ARRAY: Final = r"(?:[\s,]|#[^\n]*)*\]"


def blank(document: Document) -> str:
    """Return a problem file with the number of every claim left out, for others to find.

    The text stays as it is, with its comments and its layout; only the numbers under ``[[claims]]``
    become ``""``, and lists of substituted numbers empty. Given values stay.

    Parameters
    ----------
    document : Document
        A problem file without faults.
    """
    lines = Lines(document.text)
    pieces, done = [], 0
    for start, end, new in sorted(_gaps(document, lines)):
        pieces += [document.text[done:start], new]
        done = end
    return "".join([*pieces, document.text[done:]])


def _gaps(document: Document, lines: Lines) -> Iterator[tuple[int, int, str]]:
    """Yield what is to be left out: its first and last offset, and what stands there instead."""
    text = document.text
    for path, value in _claimed(document):
        start = lines.offset(*document.position(path, "value"))
        if not isinstance(value, list):
            found = re.compile(_SCALAR).match(text, start)
            assert found is not None, f"a number is expected at {path}"
            yield start, found.end(), '""'
        elif value:
            last = lines.offset(*document.position((*path, len(value) - 1)))
            found = re.compile(_SCALAR).match(text, last)
            end = re.compile(_REST_OF_ARRAY).match(text, found.end() if found else last)
            assert end is not None, f"a list of numbers is expected at {path}"
            yield start, end.end(), "[]"


def _claimed(document: Document) -> Iterator[tuple[Path, Any]]:
    """Yield every claimed number, and every list of substituted ones, with its path."""
    from bptrace.io.schema import BLOCK

    raw: Any = document.data.get("claims", [])
    blocks: list[tuple[Path, Any]] = [(("claims", k), block) for k, block in enumerate(raw)]
    if isinstance(raw, dict):
        blocks = [(("claims",), raw)]
    for path, block in blocks:
        for key, value in block.items():
            if key in BLOCK.keys:
                continue
            if not isinstance(value, dict):
                yield (*path, key), value
                continue
            yield (*path, key, "is"), value["is"]
            if "from" in value:
                yield (*path, key, "from"), value["from"]
