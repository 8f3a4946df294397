"""Compare a wheel with the tracked files it was built from: all there, and nothing else.

    git ls-files bptrace traces | python3 .ci/check_wheel.py WHEEL

Standard library only. Not responsible for building the wheel; .ci/run does that.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import PurePosixPath


def expected_name(tracked: str) -> str:
    """Return where a tracked file lies in the wheel: the examples travel inside the package."""
    path = PurePosixPath(tracked)
    return str("bptrace" / path if path.parts[0] == "traces" else path)


def main(wheel: str, tracked: list[str]) -> int:
    """Print each difference; 0 if there is none, 1 if there are some."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {expected_name(name) for name in tracked}
    for name in sorted(wanted - packed):
        print(f"{wheel}: {name} is missing", file=sys.stderr)
    for name in sorted(packed - wanted):
        print(f"{wheel}: {name} does not belong there", file=sys.stderr)
    print(f"{PurePosixPath(wheel).name}: {len(packed)} files, {len(wanted)} expected")
    return 0 if packed == wanted and packed else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.stdin.read().split("\n")[:-1]))
