"""The one place that makes a Rich console: styles by name, plain when piped, ASCII when asked.

Colours are chosen here only; views name a style ("bptrace.result") and know no colour.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console, RenderableType
from rich.theme import Theme

if TYPE_CHECKING:
    from typing import TextIO

STYLES = {
    "bptrace.title": "bold",
    "bptrace.source": "italic",
    "bptrace.phase": "bold cyan",
    "bptrace.layer": "dim",
    "bptrace.neuron": "cyan",
    "bptrace.value": "default",
    "bptrace.weight": "dim",
    "bptrace.edge": "dim",
    "bptrace.highlight": "bold yellow",
    "bptrace.quantity": "cyan",
    "bptrace.formula": "default",
    "bptrace.result": "bold",
    "bptrace.claim": "magenta",
    "bptrace.remark": "dim italic",
    "bptrace.right": "green",
    "bptrace.rounding": "cyan",
    "bptrace.carried": "yellow",
    "bptrace.wrong": "bold red",
}
"""Every style of the views; colours are the terminal's own, so that any background will do."""

THEME = Theme(STYLES)


class _Trimmed:
    """A file in which no line ends in a space: Rich leaves them where it breaks a long text."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(_trimmed(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _trimmed(text: str) -> str:
    if " \n" not in text:
        return text
    return "\n".join([line.rstrip(" ") for line in text.split("\n")])


class _Console(Console):
    """A console that may be told to keep to ASCII, and that leaves broken pipes to the program.

    No line that it prints ends in a space.
    """

    def __init__(self, ascii: bool, **settings: Any) -> None:
        self._ascii = ascii  # Rich asks for the encoding while it is constructed
        super().__init__(**settings)

    @property
    def encoding(self) -> str:
        """The encoding that views see: "ascii" makes Rich's own lines and boxes ASCII."""
        return "ascii" if self._ascii else super().encoding

    @property
    def file(self) -> IO[str]:
        """Where Rich writes: asked for anew each time, as standard output may be exchanged."""
        return cast(IO[str], _Trimmed(super().file))

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new

    def end_capture(self) -> str:
        """Return what has been printed meanwhile, trimmed as well."""
        return _trimmed(super().end_capture())

    def on_broken_pipe(self) -> None:
        """Raise the error anew: Rich would end the process with exit code 1, a wrong claim."""
        raise BrokenPipeError


def make_console(
    ascii: bool = False,
    stderr: bool = False,
    file: TextIO | None = None,
    width: int | None = None,
) -> Console:
    """Return a console with the styles of bptrace.

    Parameters
    ----------
    ascii : bool
        Draw lines in ASCII. What views write is their own business (`Notation` has a switch).
    stderr : bool
        Write to standard error instead of standard output.
    file : text stream, optional
        Write there instead.
    width : int, optional
        Cells per line; default: ``COLUMNS``, else the terminal's, else 80.

    ``NO_COLOR`` and pipes are seen to by Rich: no colour in either, no styles at all in a pipe.
    """
    return _Console(
        ascii=ascii,
        file=file,
        stderr=stderr,
        width=width,
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def plain_text(view: RenderableType, width: int = 80, ascii: bool = False) -> str:
    """Return a view as text without colour, lines without trailing spaces."""
    file = io.StringIO()
    # no_color and force_terminal stand above FORCE_COLOR and the like in the environment
    console = _Console(
        ascii=ascii, file=file, width=width, theme=THEME, highlight=False, markup=False,
        emoji=False, no_color=True, force_terminal=False,
        force_jupyter=False, legacy_windows=False,
    )  # fmt: skip
    console.print(view)
    return file.getvalue()


def html(view: RenderableType, width: int = 100) -> str:
    """Return a view as a piece of HTML for notebooks, with the colours of the theme."""
    console = _Console(
        ascii=False, file=io.StringIO(), width=width, theme=THEME, highlight=False, markup=False,
        emoji=False, record=True, force_terminal=True, legacy_windows=False, force_jupyter=False,
    )  # fmt: skip
    console.print(view)
    frame = '<pre style="white-space:pre;overflow-x:auto;line-height:1.25">{code}</pre>'
    return console.export_html(inline_styles=True, code_format=frame)
