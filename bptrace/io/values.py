"""What `tomllib` reads of a TOML text, or why it reads nothing.

Not responsible for saying so to a user: that is done in `syntax`, which only a faulty file needs.
"""

from __future__ import annotations

import re
import tomllib

from bptrace.io.positions import Lines, long_key
from bptrace.printed import PrintedFloat
from bptrace.tuples import NamedTuple


class Refusal(NamedTuple):
    """What tomllib says, and the offset; at the end of the text the fault may lie further up."""

    said: str
    at: int


def read_values(text: str) -> dict[str, object] | Refusal:
    """Read the values of a text whose line ends are line feeds, or return why they cannot be read.

    The values are those of `tomllib`; floats are `PrintedFloat` and keep their text.
    """
    if (at := long_key(text)) >= 0:
        return Refusal("Long key", at)
    try:
        return tomllib.loads(text, parse_float=PrintedFloat)
    except RecursionError:
        return Refusal("Too deep", len(text))
    except ValueError as error:  # also of int(), for more than 4300 digits
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        if found is None:
            return Refusal(str(error), len(text))
        return Refusal(found[1], Lines(text).offset(int(found[2]), int(found[3])))
