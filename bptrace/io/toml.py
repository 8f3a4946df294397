"""TOML with the position of everything, so that every fault of a file can be shown in its place.

`tomllib` reads the values (`values`); it knows no positions. A small scanner of our own runs over
the same text and notes where keys and values begin (`positions`), but only once somebody asks: a
faultless file without claims never pays for it. What `tomllib` refuses is told in our own words
(`syntax`).

Not responsible for what the keys mean: that is the schema's part.
"""

from __future__ import annotations

from functools import cached_property

from bptrace.errors import Fault, FileError
from bptrace.io.files import MAX_BYTES, read_bytes, read_text, shown
from bptrace.io.positions import Lines, Of, Path, Position, Scan
from bptrace.io.values import Refusal, read_values

__all__ = [
    "MAX_BYTES",
    "Document",
    "Of",
    "Path",
    "Position",
    "load",
    "parse",
    "read_bytes",
]


class Document:
    """A TOML file: its values, and on demand where each of them stands.

    Attributes
    ----------
    file : str
        The name to show in messages.
    text : str
        The text; all line ends are line feeds.
    data : dict
        The values as `tomllib` gives them; floats are `PrintedFloat` and keep their text.
    """

    def __init__(self, file: str, text: str, data: dict[str, object]) -> None:
        self.file, self.text, self.data = file, text, data

    def position(self, path: Path, of: Of = "key") -> Position:
        """Return where a key or its value begins.

        Parameters
        ----------
        path : tuple of str and int
            Keys and, in arrays, indices from 0: ``("network", "layer", 1, "biases", 0)``.
        of : {"key", "value"}
            Elements of arrays have no key, so both give the element. The element of an array of
            tables, and the value of a table with a header, begin at the header's bracket.

        Returns
        -------
        Position
            Of the path, else of its nearest ancestor that stands in the file: a missing key is
            reported at the header of its table, or at 1:1.
        """
        return self._lines.position(self._scan.offset(path, of))

    def fault(self, message: str, path: Path, of: Of = "key", hint: str = "") -> Fault:
        """Return a `Fault` with the position of the path."""
        line, column = self.position(path, of)
        return Fault(message, self.file, line, column, hint)

    @cached_property
    def _scan(self) -> Scan:
        return Scan(self.text)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)


def load(file: str, limit: int = MAX_BYTES) -> Document:
    """Read a TOML file, or standard input if the name is "-".

    Raises
    ------
    FileError
        As `read_bytes` and `parse`.
    """
    return parse(read_text(file, limit), shown(file))


def parse(text: str, file: str) -> Document:
    """Read a TOML text; `file` is the name for messages.

    Raises
    ------
    FileError
        With all faults that can be told apart, each with line, column, the line itself and what
        to write instead.
    """
    text = text.replace("\r\n", "\n")
    values = read_values(text)
    if isinstance(values, Refusal):
        from bptrace.io.syntax import syntax_faults  # which only a faulty file needs

        raise FileError(syntax_faults(text, file, values))
    return Document(file, text, values)
