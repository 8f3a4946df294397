"""What `tomllib` refuses, in our own words: every fault of syntax, its place and what to write.

`tomllib` stops at the first fault and says it to programmers. Here the faulty statement is taken
out and the rest read again, so that a reader corrects his file once.

Not responsible for files without a fault of syntax: for those this module is not even imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bptrace.errors import Fault
from bptrace.io.lookalikes import find_lookalikes
from bptrace.io.positions import MAX_DEPTH, MAX_KEY_PARTS, STRING, Lines, Scan, excerpt
from bptrace.io.values import Refusal, read_values
from bptrace.printed import named
from bptrace.tuples import NamedTuple

MOST_FAULTS: Final = 20
RETRY_BELOW: Final = 200_000
"""Characters up to which the rest of a faulty file is read again for further faults (0.1 s)."""


class _Finding(NamedTuple):
    """One fault of syntax: what, what to do, and the offset (-1: where tomllib stopped)."""

    message: str
    hint: str
    at: int = -1


def syntax_faults(text: str, file: str, refusal: Refusal) -> list[Fault]:
    """Return all faults of syntax that can be told apart.

    Each has its line, column, the line itself and what to write instead; `file` is the name for
    messages, and `refusal` what `values.read_values` says of the text, whose line ends are line
    feeds.

    A faulty statement that stands on lines of its own is taken out (a lookalike is replaced) and
    the rest read again; where that would only breed further faults, the first ones must do.
    """
    lines = text.split("\n")
    faults: list[Fault] = []
    while True:
        findings, repaired = _explained(text, refusal)
        where = Lines(text)
        for message, hint, at in findings:
            line, column = where.position(at)
            shown = excerpt(lines[line - 1], line, column)
            faults.append(Fault(message, file, line, column, f"{hint}\n{shown}"))
        if repaired is None or len(faults) >= MOST_FAULTS or len(text) > RETRY_BELOW:
            return faults[:MOST_FAULTS]
        again = read_values(repaired)
        if not isinstance(again, Refusal):
            return faults
        text, refusal = repaired, again


def _explained(text: str, refusal: Refusal) -> tuple[list[_Finding], str | None]:
    """Return the findings at one refusal, and the text without them to look for others."""
    said, at = refusal
    alike, repaired = find_lookalikes(text, at)
    if alike:
        return [_Finding(*words) for words in alike], repaired
    broken = _Broken(text, at, said, Scan(text[:at]))
    explain = _explanation(broken)
    finding = explain(broken) if callable(explain) else explain
    if finding.at < 0:
        finding = finding._replace(at=at)
    if explain is _open_string:  # tomllib may have looked for the quote to the end of the text
        at = finding.at
        if text.startswith(('"""', "'''"), at):
            return [finding], None
    elif at == len(text):
        return [finding], None
    return [finding], _without_statement(text, at, broken.scan)


def _without_statement(text: str, at: int, scan: Scan) -> str | None:
    """Take the faulty statement out, line ends left in place; None if its end is not certain."""
    if len(text) > RETRY_BELOW:
        return None
    start = text.rfind("\n", 0, max(scan.statement, scan.done)) + 1
    line_end = text.find("\n", at)
    stop = len(text) if line_end < 0 else line_end
    breaks = "\n" * text.count("\n", start, stop)
    if text[start:stop].lstrip().startswith("["):  # what follows must not fall to the table before
        return f"{text[:start]}[unreadable-{start}]{breaks}{text[stop:]}"
    bare = re.sub(rf"(?s:{STRING}|#[^\n]*+)", "", text[start:stop])
    if any(bare.count(a) != bare.count(b) for a, b in ("[]", "{}")) or re.search(
        r"\"{3}|'{3}", bare
    ):
        return None
    return f"{text[:start]}{breaks}{text[stop:]}"


# ------------------------------------------------------------------------------- in our own words


class _Broken(NamedTuple):
    """A text and the place where tomllib stopped; `scan` saw the text up to there."""

    text: str
    at: int
    said: str
    scan: Scan

    @property
    def rest(self) -> str:
        """The rest of the line."""
        end = self.text.find("\n", self.at)
        return self.text[self.at : end if end >= 0 else len(self.text)].rstrip()

    @property
    def before(self) -> str:
        """The line up to the place."""
        return self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at]

    @property
    def found(self) -> str:
        """What stands at the place, to be shown in a message."""
        rest = self.rest
        if not rest:
            return "the end of the line"
        if not rest[0].isprintable():
            return f"the character {named(rest[0])}"
        return "the quote '\"'" if rest[0] == '"' else f'"{rest[0]}"'

    def place(self, offset: int) -> str:
        """Return line and column of an offset, to be shown in a message."""
        line, column = Lines(self.text).position(offset)
        return f"line {line}, column {column}"


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[:61])
    return text if len(text) <= 60 else f"{text[:57]}…"


_ON_ONE_LINE: Final = "All of { … } stands on one line, without a comma at its end."


def _no_equals(broken: _Broken) -> _Finding:
    before, rest = broken.before, broken.rest
    key = before[before.rfind("{") + 1 :].strip()
    name, equals, _ = rest.partition("=")
    if equals and name.strip() and name[0] != ":":  # key: "value" is another mistake
        return _bare_key(broken, f"{key}{' ' * before.endswith(' ')}{name.rstrip()}")
    message = f'expected "=" after the key {_short(key)}, found {broken.found}'
    return _Finding(message, "Write key = value.")


def _bare_key(broken: _Broken, key: str) -> _Finding:
    plain = key.replace('"', "").replace("'", "").strip()
    message = f"{broken.found} may not stand in a key without quotes"
    return _Finding(message, f'Write "{_short(plain)}" = …')


def _no_key(broken: _Broken) -> _Finding:
    before, rest = broken.before, broken.rest
    in_braces = bool(broken.scan.open)
    if in_braces and (not rest or rest[0] in "#}"):
        return _Finding(f"expected a key, found {broken.found}", _ON_ONE_LINE)
    name, equals, _ = rest.partition("=")
    if equals and name.strip() and "[" not in before:
        return _bare_key(broken, name)
    expected = "a key" if in_braces or before.strip() else "a key or a [table]"
    hint = "Write key = value, or [table]; remarks begin with #."
    return _Finding(f"expected {expected}, found {broken.found}", hint)


def _more_on_line(broken: _Broken) -> _Finding:
    rest = broken.rest
    value = broken.before.rpartition("=")[2].strip()
    if re.fullmatch(r"[+-]?[0-9][0-9_]*", value) and (behind := re.match(r"[.,]([0-9]*)", rest)):
        number = f"{value}{behind[0]}"
        if rest[0] == ".":
            return _point(number, "no digit follows the decimal point")
        if behind[1]:
            message = f"{_short(number)} has a comma; expected a decimal point"
            return _Finding(message, f"Write {_short(number).replace(',', '.')}")
    if value in ("0", "-0", "+0") and rest[:1].isdigit():
        return _Finding(f"a number may not begin with {value}", "Leave the zero out.")
    hint = "Each key begins a line; text and arithmetic stand in quotes; remarks begin with #."
    return _Finding(f"expected the end of the line, found {broken.found}", hint)


def _point(number: str, message: str) -> _Finding:
    sign = number[0] if number[0] in "+-" else ""
    digits = number.lstrip("+-")
    full = f"{sign}{'0' * digits.startswith('.')}{digits}{'0' * digits.endswith('.')}"
    return _Finding(message, f'Write {full}, or "{number}" in quotes, just as printed.')


def _bad_value(broken: _Broken) -> _Finding:
    if number := re.match(r"[+-]?\.[0-9]+(?:[eE][+-]?[0-9]+)?", broken.rest):
        return _point(number[0], "no digit stands before the decimal point")
    found = re.match(r"[^\s,\[\]{}#\"'=]+", broken.rest)
    if found is None:
        hint = 'Write a number, "text", true, false, [ … ] or { … }.'
        return _Finding(f"expected a value, found {broken.found}", hint)
    word = _short(found[0])
    if word.lower() in ("true", "false"):
        hint = f"Write {word.lower()}."
    elif word.lower() in ("none", "null", "nil"):
        hint = "Leave the whole key out."
    else:
        hint = f'Text stands in quotes: "{word}"'
    return _Finding(f"{word} is no value", hint)


def _unclosed(broken: _Broken) -> _Finding:
    opening, closing = "[]" if "array" in broken.said else "{}"
    opened = broken.scan.open[-1] if broken.scan.open else broken.at
    if broken.at >= len(broken.text):
        return _Finding(f'this "{opening}" is never closed', f'Write "{closing}".', opened)
    hint = f'The "{opening}" is at {broken.place(opened)}.'
    if closing == "}" and not broken.rest:
        hint = _ON_ONE_LINE
    return _Finding(f'expected "," or "{closing}", found {broken.found}', hint)


def _bad_header(broken: _Broken) -> _Finding:
    opening, closing = ("[[", "]]") if "]]" in broken.said else ("[", "]")
    return _Finding(
        f'expected "{closing}" at the end of the header, found {broken.found}',
        f"Write {opening}name{closing}, in quotes if it has more than letters, digits, - and _.",
    )


def _given_twice(broken: _Broken) -> _Finding:
    if not broken.scan.again:
        message = "this key or table was finished further up and cannot be added to"
        return _Finding(message, "Write all of it in one place.", broken.scan.statement)
    name, first, second = broken.scan.again[-1]
    message = f"{_short(name)!r} is given twice, first at {broken.place(first)}"
    return _Finding(message, "Keep one of the two.", second)


def _open_string(broken: _Broken) -> _Finding:
    start = broken.scan.stuck if broken.scan.stuck >= 0 else broken.at
    quote = re.match(r"\"{3}|'{3}|\"|'", broken.text[start:])
    if quote is None:
        return _Finding("a text in quotes is not closed", "Write the closing quote.")
    on_its_line = " on its line" if len(quote[0]) == 1 else ""
    message = f"the text that begins here with {quote[0]} is not closed{on_its_line}"
    return _Finding(message, f"Write the closing {quote[0]}.", start)


def _bad_character(broken: _Broken) -> _Finding:
    character = broken.text[broken.at : broken.at + 1]
    if character in ("\n", ""):
        return _open_string(broken)
    hint = "Save the file with other line ends." if character == "\r" else "Delete it."
    return _Finding(f"the control character {named(character)}", hint)


def _too_deep(broken: _Broken) -> _Finding:
    message = f"more than {MAX_DEPTH} brackets in brackets"
    return _Finding(message, "Nothing in a problem file is so deep.", max(0, broken.scan.deep))


def _long_integer(broken: _Broken) -> _Finding:
    number = re.search(r"[0-9_]{4000,}", broken.text)
    hint = "Expected a number as books print."
    return _Finding("an integer with thousands of digits", hint, number.start() if number else 0)


def _unexplained(broken: _Broken) -> _Finding:
    message = f"this is not TOML ({_short(broken.said)})"
    return _Finding(message, "The format is described at https://toml.io.")


_LONG_KEY: Final = _Finding(
    f"a key with more than {MAX_KEY_PARTS} parts",
    "A key with points in its name stands in quotes.",
)
_BAD_ESCAPE: Final = _Finding(
    "the backslash here begins no escape that TOML knows",
    r"Write \\ for a backslash, or put the text in single quotes.",
)
_BAD_DATE: Final = _Finding("there is no such date or time", "Text stands in quotes.")

_Explanation = _Finding | Callable[[_Broken], _Finding]

_EXPLAIN: Final[dict[str, _Explanation]] = {
    "Expected '=' after a key": _no_equals,
    "Invalid statement": _no_key,
    "Invalid initial character": _no_key,
    "Expected newline or end": _more_on_line,
    "Invalid value": _bad_value,
    "Unclosed": _unclosed,
    "Expected ']": _bad_header,
    "Cannot": _given_twice,
    "Duplicate inline table key": _given_twice,
    "Unterminated string": _open_string,
    "Expected": _open_string,
    "Illegal character": _bad_character,
    "Found invalid character": _bad_character,
    "Unescaped": _BAD_ESCAPE,
    "Invalid hex value": _BAD_ESCAPE,
    "Escaped character": _BAD_ESCAPE,
    "Invalid date": _BAD_DATE,
    "Too deep": _too_deep,
    "Exceeds the limit": _long_integer,
    "Long key": _LONG_KEY,
}
"""What tomllib's messages begin with, the first that fits, and our own words for it."""


def _explanation(broken: _Broken) -> _Explanation:
    """Return what explains tomllib's words."""
    character = broken.text[broken.at : broken.at + 1]
    if character < " " and character not in "\t\n":
        return _bad_character
    for start, explain in _EXPLAIN.items():
        if broken.said.startswith(start):
            return explain
    return _unexplained
