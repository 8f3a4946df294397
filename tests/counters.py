"""Programs that stand for those that count instructions: they run a command and write a number.

perf says 100 more for each run of a task after the first.
"""

from __future__ import annotations

from collections.abc import Callable

Fake = Callable[[str, str], None]
"""Puts a program on the path: its name, and the rest of it in Python."""

PERF = """
file, words = sys.argv[sys.argv.index("-o") + 1], sys.argv[sys.argv.index("--") + 1:]
assert sys.argv[1:5] == ["stat", "-x,", "-e", "instructions:u"]
done = subprocess.run(words)
times = int(words[-1]) if words[-1].isdigit() else 1
open(file, "w").write(
    "# started on Mon Nov 23 10:00:00 2026\\n\\n"
    f"{1300 + 100 * times},,instructions:u,1000,100.00,2.5,insn per cycle\\n"
)
sys.exit(done.returncode)
"""
UNSUPPORTED = """
file = sys.argv[sys.argv.index("-o") + 1]
open(file, "w").write("# started\\n\\n<not supported>,,instructions:u,0,100.00,,\\n")
"""
VALGRIND = """
file = sys.argv[5].removeprefix("--cachegrind-out-file=")
assert sys.argv[1:5] == "--quiet --tool=cachegrind --cache-sim=no --branch-sim=no".split()
done = subprocess.run(sys.argv[6:])
open(file, "w").write("desc: ...\\nevents: Ir\\nfl=x\\n1 2\\nsummary: 184838435\\n")
sys.exit(done.returncode)
"""
