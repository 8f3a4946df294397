from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from bundled import BY_HAND
from click.testing import Result

import bptrace as api
from bptrace.checks.mistakes import MISTAKES
from bptrace.io.load import read_document
from bptrace.io.write import blank

NAMES = BY_HAND

# ----------------------------------------------------------------------------------- one page


def test_says_where_the_first_mistake_is_and_why(bptrace) -> None:
    result = bptrace("check", "lh25-2020")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith("23 numbers: 6 right, 12 carried, 5 wrong, from 3 mistakes;")
    assert "the bias b1 is used instead of b2, in the unprinted in_h2" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.ci
def test_every_run_says_the_same() -> None:
    """Sets of addresses have another order in each process; nothing may be added up in it."""
    said = [
        subprocess.run(
            [sys.executable, "-m", "bptrace", "check", "id-xor-ones", "--json"],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=False,
        ).stdout
        for seed in (1, 2)
    ]
    assert said[0] == said[1] != b""


def test_exit_codes(bptrace, tmp_path: Path) -> None:
    assert bptrace("check", "deepml-neuron-a").exit_code == 0
    assert bptrace("check", "ko-keonhee-2025").exit_code == 0  # only rounding
    assert bptrace("check", "whathowwhy-linear").exit_code == 1
    assert bptrace("check", "no-such-page").exit_code == 2
    assert bptrace("check").exit_code == 2
    assert bptrace("check", "lh25-2020", "--dialect", "latin").exit_code == 2


LARGE = ("id-xor-ones", "schiendorfer-batch")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.ci] * (name in LARGE), id=name) for name in NAMES],
)
def test_every_example_is_judged(bptrace, name: str) -> None:
    result = bptrace("check", name, "--all", "--repair")
    assert result.exit_code in (0, 1), result.stderr
    assert result.stderr == ""


def test_prints_in_chinese_and_in_ascii(bptrace) -> None:
    assert "第一处在 out_h2（第 43 行）" in " ".join(
        bptrace("check", "lh25-2020", "--lang", "zh", env={"COLUMNS": "120"}).stdout.split("\n")
    )
    plain = bptrace("check", "lh25-2020", "--all", "--repair", "--ascii").stdout
    assert plain.isascii()
    assert "ok    41  in_h1" in plain
    assert "x     43  out_h2" in plain
    assert ">     44  in_O1" in plain


def test_digits_and_dialect(bptrace) -> None:
    shown = bptrace("check", "lh25-2020", "--digits", "4", "--dialect", "nielsen").stdout
    assert "z^2_2 = w^2_21·a^1_1 + w^2_22·a^1_2 + b^2_1" in shown
    assert "expected    0.6615\n" in shown


def test_float32_traces_need_not_agree_to_the_last_digit(bptrace, tiny: str) -> None:
    exact = api.run(tiny, engine="python").at("out_h1")
    text = Path(tiny).read_text(encoding="utf-8")
    off = exact * (1 + 5e-8)  # half a unit in the last place of a 32-bit float
    page = f'{text}[[claims]]\n"in_h1" = 0.3\n"out_h1" = {off:.12f}\n'
    Path("float.toml").write_text(page, encoding="utf-8")
    assert bptrace("check", "float.toml").exit_code == 1
    assert bptrace("check", "float.toml", "--float32").exit_code == 0


def test_reads_standard_input(bptrace, tiny: str) -> None:
    text = Path(tiny).read_text(encoding="utf-8") + '[[claims]]\n"in_h1" = 0.3\n'
    result = bptrace("check", "-", stdin=text)
    assert (result.exit_code, result.stdout) == (0, "1 number: all right\n")


def test_only_the_steps_of_the_page_are_calculated(bptrace, tiny: str) -> None:
    text = Path(tiny).read_text(encoding="utf-8").replace("steps = 4", "steps = 1000000000")
    Path("long.toml").write_text(text + '[[claims]]\nstep = 2\n"in_h1" = -0.5\n', encoding="utf-8")
    assert bptrace("check", "long.toml").exit_code in (0, 1)


# ------------------------------------------------------------------------------ faulty claims


def page(tiny: str, claims: str) -> str:
    text = Path(tiny).read_text(encoding="utf-8")
    Path("page.toml").write_text(f"{text}{claims}\n", encoding="utf-8")
    return "page.toml"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ('[[claims]]\n"out_h1x" = 0.5', "page.toml:25:1:"),
        ('[[claims]]\n"out_h2" = 0.5', "Did you mean 'out_h1'?"),
        ('[[claims]]\n"out[2,7]" = 0.5', "layer 2 has the neurons 1 to 1"),
        ('[[claims]]\n"out_h1" = { eq = "1" }', "has no number"),
        ('[[claims]]\n"out_h1" = "half"', "is not a number"),
        ('[[claims]]\nstep = 9\n"out_h1" = 0.5', "the run has 4 steps"),
    ],
)
def test_faulty_claims_are_refused_with_their_place(
    bptrace, tiny: str, claims: str, said: str
) -> None:
    result = bptrace("check", page(tiny, claims))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "page.toml:2" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_block_and_no_block_are_nothing_to_check(bptrace, tiny: str) -> None:
    for claims in ("", "[[claims]]", "[[claims]]\nstep = 2"):
        result = bptrace("check", page(tiny, claims))
        assert result.exit_code == 0
        assert result.stdout == (
            "there is nothing to check: the file has no [[claims]] with numbers\n"
        )


def test_claims_without_a_value_are_missing_never_wrong(bptrace, tiny: str) -> None:
    file = page(tiny, '[[claims]]\n"in_h1" = 0.3\n"out_h1" = ""\n"E" = { is = "", eq = 2 }')
    result = bptrace("check", file)
    assert result.exit_code == 0
    assert result.stdout.startswith("1 number: all right, 2 still to be found\n")
    assert "still to be found: out_h1, E" in result.stdout
    claims = json.loads(bptrace("check", file, "--json").stdout)["claims"]
    assert [c["verdict"] for c in claims] == ["right", "missing", "missing"]
    assert [c["printed"] for c in claims] == ["0.3", "", ""]
    assert [c["expected"] for c in claims[1:]] == [None, None]


def many(tiny: str, count: int) -> str:
    """Claims about many steps of a run, one of them wrong, and not carried on."""
    steps = count // 5
    text = Path(tiny).read_text(encoding="utf-8").replace("steps = 4", f"steps = {steps}")
    Path("many.toml").write_text(text, encoding="utf-8")
    trace = api.run("many.toml", engine="python")
    blocks = []
    for step in range(1, steps + 1):
        names = ("in_h1", "out_h1", "w1+", "b1+", "w2+")
        values = [trace.at(name, step) for name in names]
        if step == 3:
            values[1] += 0.01
        rows = (f'"{name}" = "{v:.8f}"' for name, v in zip(names, values, strict=True))
        blocks.append("\n".join(["[[claims]]", f"step = {step}", *rows]))
    Path("many.toml").write_text(text + "\n".join(blocks), encoding="utf-8")
    return "many.toml"


@pytest.mark.parametrize(
    "count",  # with ten thousand, what grows as n² would take minutes
    [200, pytest.param(10_000, marks=pytest.mark.slow, id="ten thousand")],
)
def test_many_claims(bptrace, tiny: str, count: int) -> None:
    result = bptrace("check", many(tiny, count))
    assert result.exit_code == 1
    assert "1 wrong" in result.stdout.partition("\n\n")[0]
    assert "out_h1 (step 3, line 41)" in " ".join(result.stdout.split())


# --------------------------------------------------------------------------------------- JSON

KEYS = {
    "quantity": str,
    "step": int,
    "line": int,
    "printed": str,
    "exact": str,
    "verdict": str,
    "carried_from": list,
}


DOCUMENTS: dict[str, Result] = {}


def as_json(bptrace: Callable[..., Result], name: str) -> Result:
    """Return what `check NAME --json` gives; several tests ask for it."""
    if name not in DOCUMENTS:
        DOCUMENTS[name] = bptrace("check", name, "--json")
    return DOCUMENTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_json_is_as_agreed(bptrace, name: str) -> None:
    result = as_json(bptrace, name)
    document = json.loads(result.stdout)
    assert document["file"] == name
    summary, claims = document["summary"], document["claims"]
    verdicts = [claim["verdict"] for claim in claims]
    for verdict in ("right", "rounding", "carried", "wrong"):
        assert summary[verdict] == verdicts.count(verdict)
    assert result.exit_code == (1 if summary["carried"] + summary["wrong"] else 0)
    assert [claim["line"] for claim in claims] == sorted(claim["line"] for claim in claims)
    for claim in claims:
        assert all(isinstance(claim[key], kind) for key, kind in KEYS.items())
        assert {"sample", "expected", "mistake", "explanation"} <= set(claim)
        assert claim["mistake"] is None or MISTAKES.get(claim["mistake"])
        assert (claim["verdict"] == "carried") == bool(claim["carried_from"])
        float(claim["expected"])
    first = next((claim for claim in claims if claim["verdict"] == "wrong"), None)
    expected = None if first is None else {"quantity": first["quantity"], "line": first["line"]}
    assert summary["first_mistake"] == expected


@pytest.mark.parametrize("name", NAMES)
def test_json_names_and_true_values_are_those_of_run(bptrace, name: str) -> None:
    trace = api.run(name, engine="python")
    for claim in json.loads(as_json(bptrace, name).stdout)["claims"]:
        if claim["quantity"].startswith("-delta"):
            sign, quantity = -1.0, claim["quantity"][1:]
        else:
            sign, quantity = 1.0, claim["quantity"]
        if quantity == claim["text"] or "eta" in quantity or claim["equation"]:
            continue  # an expression, or judged with the author's own learning rate
        sample = claim["sample"] or 0
        value = trace.at(quantity, claim["step"], sample)
        if claim["line"] == 73 and name == "lh25-2020":
            continue  # with η = 0.1
        assert float(claim["exact"]) == sign * value, claim


def test_json_says_what_lies_behind_a_wrong_number(bptrace) -> None:
    document = json.loads(bptrace("check", "lh25-2020", "--json", "--repair").stdout)
    by_text = {claim["text"]: claim for claim in document["claims"]}
    wrong = by_text["out_h2"]
    assert (wrong["quantity"], wrong["mistake"], wrong["place"]) == (
        "out[1,2]",
        "shared-bias",
        "in[1,2]",
    )
    assert wrong["certainty"] == "certain"
    assert wrong["explanation"] == "the bias b1 is used instead of b2, in the unprinted in_h2"
    assert by_text["E"]["carried_from"] == ["out[1,2]", "out[2,2]"]
    assert by_text["E"]["carried_from_lines"] == [43, 46]
    assert by_text["dE_O1/din_O1"]["equation"] == "5.24"
    assert by_text["dE_O1/din_O1"]["quantity"] == "dE[1]/din[2,1]"
    assert by_text["dE/dout_h1"]["carried_from"] == ["out[2,2]", "dE[1]/din[2,1]"]
    after = {line["quantity"]: line["after"] for line in document["repair"]}
    assert after["out[2,1]"] == "0.7989476414"
    chinese = json.loads(bptrace("check", "lh25-2020", "--json", "--lang", "zh").stdout)
    explanation = chinese["claims"][2]["explanation"]
    assert explanation == "在未写出的 in_h2 中：偏置用了 b1，应为 b2"


def test_several_files_are_a_list(bptrace) -> None:
    result = bptrace("check", "lh25-2020", "nope", "deepml-neuron-a", "--json")
    assert result.exit_code == 2
    documents = json.loads(result.stdout)
    assert [d["file"] for d in documents] == ["lh25-2020", "nope", "deepml-neuron-a"]
    assert "there is no such file" in documents[1]["faults"][0]
    assert "nope" in result.stderr


def test_several_files_are_told_one_after_the_other(bptrace) -> None:
    result = bptrace("check", "lh25-2020", "nope", "deepml-neuron-a")
    assert result.exit_code == 2
    assert result.stdout.startswith("lh25-2020: 23 numbers: ")
    assert result.stdout.endswith("\n\ndeepml-neuron-a: 5 numbers: all right\n")


# -------------------------------------------------------------------------------------- class

Student = Callable[..., str]
SHARED = [("0.55, 0.56", "0.55, 0.55"), ("0.66, 0.67", "0.66, 0.66")]


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Student:
    """Write the page of a student: a blank of the example, filled in from a calculation.

    `change` are replacements in the text of the example before it is calculated (a mistake that
    the student carries on); `numbers` are written over what comes out.
    """
    monkeypatch.chdir(tmp_path)
    document = read_document("lh25-2020")
    empty = blank(document)

    def write(name: str, change: Sequence[tuple[str, str]] = (), **numbers: str) -> str:
        changed = document.text
        for old, new in change:
            assert old in changed
            changed = changed.replace(old, new, 1)
        Path("changed.toml").write_text(changed, encoding="utf-8")
        problem = api.load("changed.toml")
        trace = api.run(problem, engine="python")
        head, bracket, rest = empty.partition("[[claims]]")
        for claim in problem.claims:
            rate = claim.learning_rate
            value = trace.at(claim.quantity)
            if rate is not None:
                value = trace.at("w1") - rate * trace.at("dE/dw1")
            number = numbers.get(claim.quantity, f"{value:.10f}") or "?"
            rest = rest.replace('= ""', f'= "{number}"', 1)
        Path(name).write_text(head + bracket + rest.replace('"?"', '""'), encoding="utf-8")
        return name

    return write


@pytest.fixture
def class_of_five(student: Student) -> list[str]:
    Path("student-4.toml").write_text("[network\n", encoding="utf-8")
    files = [
        student("student-1.toml"),
        student("student-2.toml", SHARED),
        student("student-3.toml", E_O1="0.0113932489", E_O2="0.3112191904"),
        "student-4.toml",
        student("student-5.toml", out_h1="0.6465563062", E="", dE="", **{"dE/dw1": ""}),
    ]
    return files


def test_a_class(bptrace, class_of_five: list[str]) -> None:
    result = bptrace("check", *class_of_five, "--table", env={"COLUMNS": "120"})
    assert result.exit_code == 2
    assert result.stderr == ""
    text = " ".join(result.stdout.split())
    assert text.startswith("5 files, 1 of them all right")
    marks = next(line for line in result.stdout.splitlines() if line.startswith("mark "))
    assert marks.split() == ["mark", "23/23", "22/23", "22/23", "faulty", "20/23"]
    assert "the bias of another neuron" in text
    assert "two lines interchanged" in text
    assert "two digits interchanged (a misprint)" in text
    assert "student-4.toml:1:9:" in text


def test_the_csv_of_a_class(bptrace, class_of_five: list[str]) -> None:
    bptrace("check", *class_of_five, "--csv", "class.csv")
    data = Path("class.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert list(rows[0]) == [
        "file", "line", "quantity", "printed", "expected", "verdict", "mistake", "explanation",
    ]  # fmt: skip
    found = [(r["file"], r["quantity"], r["verdict"], r["mistake"]) for r in rows]
    assert found == [
        ("student-2.toml", "out_h2", "wrong", "shared-bias"),
        ("student-3.toml", "E_O1", "wrong", "swapped"),
        ("student-4.toml", "", "faulty", ""),
        ("student-5.toml", "out_h1", "wrong", "digit-swap"),
        ("student-5.toml", "E", "missing", ""),
        ("student-5.toml", "∂E/∂w1", "missing", ""),
    ]
    assert all(float(r["expected"]) for r in rows if r["expected"])


def test_cells_that_a_spreadsheet_would_calculate_are_text() -> None:
    from bptrace.checks.paper import Mistake, Paper
    from bptrace.export.csv import write_papers

    mistake = Mistake("sign", "", False, 7, "-dE/dout_z1", "-0.5", "0.5", "wrong", "=1+1")
    out = io.StringIO()
    write_papers([Paper("@x.toml", 1, (mistake,))], out)
    assert out.getvalue().splitlines()[1] == "'@x.toml,7,'-dE/dout_z1,-0.5,0.5,wrong,sign,'=1+1"


def test_a_class_as_json(bptrace, class_of_five: list[str]) -> None:
    result = bptrace("check", *class_of_five, "--table", "--json", "--lang", "zh")
    documents = json.loads(result.stdout)
    assert [d.get("mark") for d in documents] == [23, 22, 22, None, 20]
    assert documents[1]["mistakes"][0]["title"] == "用了其他神经元的偏置"


@pytest.mark.ci
def test_a_large_class_on_all_cores_is_in_the_order_given(bptrace, student: Student) -> None:
    files = [student("s01.toml")]
    files += [student(f"s{k:02d}.toml", E=f"0.{k:02d}") for k in range(2, 15)]
    result = bptrace("check", *files, "--table", "--json")
    assert [d["file"] for d in json.loads(result.stdout)] == files
    again = bptrace("check", *reversed(files), "--table", "--json")
    assert json.loads(again.stdout) == json.loads(result.stdout)[::-1]
    shown = bptrace("check", *files, "--table").stdout
    assert all(f"s{k:02d}" in shown for k in range(1, 15))
    assert max(map(len, shown.splitlines())) <= 80


def test_many_files_are_said_as_one_by_one(bptrace) -> None:
    """They are judged in other processes; faults are told by the first one, in their place."""
    files = ["lh25-2020", "no-such-file", "id-ipk", "melfm-late", "ru-mlp-121"]
    many = bptrace("check", *files)
    assert many.exit_code == 2
    assert "no-such-file" in many.stderr
    few = bptrace("check", *files[:2]).stdout + "\n" + bptrace("check", *files[2:]).stdout
    assert many.stdout == few
    documents = json.loads(bptrace("check", "--json", *files).stdout)
    assert [d["file"] for d in documents] == files
    assert "faults" in documents[1]


def test_a_faulty_page_on_standard_input_is_read_once(bptrace) -> None:
    found = bptrace("check", "-", stdin="[network")
    assert found.exit_code == 2
    assert "there is no network" not in found.stderr


def test_a_misprint_is_told_apart_from_mistakes_of_understanding(bptrace, student: Student) -> None:
    file = student("s.toml", SHARED, **{"dout_h1/din_h1": "0.2278842405"})
    shown = bptrace("check", file).stdout
    assert "from 2 mistakes (1 of them a misprint)" in " ".join(shown.split())
    first, misprints = shown.split("Misprints: wrong where they stand")
    assert "1. the bias of another neuron" in first
    assert "2. two digits interchanged" in misprints
    assert "not by      ∂E/∂w1: calculated with the right value" in misprints
    assert "does not follow" not in shown
    claims = json.loads(bptrace("check", file, "--json").stdout)["claims"]
    assert [c["misprint"] for c in claims if c["verdict"] == "wrong"] == [False, False, True]


def test_right_lines_that_do_not_follow_show_a_misprint(bptrace, student: Student) -> None:
    file = student("s.toml", out_h1="0.6465563062")
    shown = bptrace("check", file).stdout
    assert "from 1 mistake (a misprint), at out_h1 (line 42)" in " ".join(shown.split())
    assert "not by      in_O1, " in shown
    assert "does not follow" not in shown
    claims = json.loads(bptrace("check", file, "--json").stdout)["claims"]
    assert claims[1]["misprint"]
    assert "in[2,1]" in claims[1]["not_used_by"]


@pytest.mark.ci
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_a_class_without_words(student: Student, tmp_path: Path) -> None:
    """It comes while the last file, a pipe, is waited for; so it never comes too early."""
    file, last = student("s.toml", SHARED), tmp_path / "last.toml"
    os.mkfifo(last)
    process = subprocess.Popen(
        [sys.executable, "-m", "bptrace", "check", "--table", *[file] * 40, str(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # What a shell runs in the background ignores Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(api.__file__).parents[1])},
    )
    pipe = opened_for_a_reader(last, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes at once
    os.close(pipe)
    out, err = process.communicate()
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def opened_for_a_reader(pipe: Path, process: subprocess.Popen[bytes]) -> int:
    """Open a pipe as soon as the process reads it."""
    while process.poll() is None:
        with contextlib.suppress(OSError):  # nobody reads yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise AssertionError(process.communicate())


# -------------------------------------------------------------------------------- blank pages


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_keeps_everything_but_the_numbers(name: str, tmp_path: Path) -> None:
    document = read_document(name)
    text = blank(document)
    path = tmp_path / "blank.toml"
    path.write_text(text, encoding="utf-8")
    problem, original = api.load(path), api.load(name)
    assert len(text.splitlines()) == len(document.text.splitlines())
    assert [c.quantity for c in problem.claims] == [c.quantity for c in original.claims]
    for claim, before in zip(problem.claims, original.claims, strict=True):
        assert claim.printed == (before.printed if before.given else None)
        assert (claim.step, claim.sample, claim.eq) == (before.step, before.sample, before.eq)
        assert claim.line == before.line
    report = api.check(problem)
    assert report.ok
    assert not report.verdicts
    assert len(report.missing) == sum(not c.given for c in original.claims)


def test_a_blank_of_every_way_to_write_claims(tmp_path: Path, tiny: str) -> None:
    text = Path(tiny).read_text(encoding="utf-8")
    claims = """\
[[claims]]  # "out_h1" = 0.7 would be right
step = 1
learning_rate = 0.25
"in_h1" = 0.3   # three
'out_h1'="0.57"
"E" = { from = [ 0.1, # a ] here
  "0.2",
  3e-1 ], is = 1.0, eq = "4 # 2", exact = true }
"dE/dw1" = { is = -2.4e-3, from = [] }
[given]
"out_o1" = 0.5
"""
    path = tmp_path / "page.toml"
    path.write_text(text + claims, encoding="utf-8")
    assert (
        blank(read_document(str(path)))
        == text
        + """\
[[claims]]  # "out_h1" = 0.7 would be right
step = 1
learning_rate = 0.25
"in_h1" = ""   # three
'out_h1'=""
"E" = { from = [], is = "", eq = "4 # 2", exact = true }
"dE/dw1" = { is = "", from = [] }
[given]
"out_o1" = 0.5
"""
    )


def test_new_blank_writes_a_page_to_fill_in(bptrace, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = bptrace("new", "lh25-2020", "--blank")
    assert result.exit_code == 0
    assert result.stdout == (
        "lh25-2020.toml is written, with 23 empty claims. When they are filled in: "
        "bptrace check lh25-2020.toml\n"
    )
    assert bptrace("check", "lh25-2020.toml").stdout == "23 numbers are still to be found\n"
    again = bptrace("new", "lh25-2020", "--blank")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "is already there. Use --force" in again.stderr
    result = bptrace("new", "lh25-2020.toml", "--blank", "--json")
    assert json.loads(result.stdout) == {"file": "lh25-2020-blank.toml", "blank": 23}
    result = bptrace("new", "lh25-2020", "--blank", "--out", "-")
    assert result.stdout == Path("lh25-2020.toml").read_text(encoding="utf-8")
    bptrace("new", "lh25-2020", "--blank", "--out", "week-3.toml")
    assert Path("week-3.toml").exists()


def test_new_blank_of_what_is_no_page(bptrace, tiny: str) -> None:
    result = bptrace("new", tiny, "--blank")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: tiny.toml has no claims that could be left empty\n"
    assert bptrace("new", "nope", "--blank").exit_code == 2
    Path("bad.toml").write_text("x = \n", encoding="utf-8")
    assert "bad.toml:1" in bptrace("new", "bad.toml", "--blank").stderr


# -------------------------------------------------------------------------- beside the numbers


def test_run_shows_the_verdict_beside_each_number(bptrace) -> None:
    shown = bptrace("run", "lh25-2020", env={"COLUMNS": "120"}).stdout
    assert "= 0.6456563062   ✓ the source has 0.6456563062" in shown
    assert "→ the source has 0.7987314002" in shown
    assert "✗ the source has 0.6592603884: the bias b1 is used instead of b2" in shown
    assert "✗ the source has 0.1284037009 (5.24): out_O1 is used instead of ∂E/∂out_O1" in shown
    narrow = bptrace("run", "lh25-2020").stdout
    assert max(map(len, narrow.splitlines())) <= 80


def test_run_names_the_source_once_where_it_gives_a_number_twice(bptrace) -> None:
    shown = bptrace("run", "hmkcode-linear").stdout
    assert "✓ the source has 0.26   ✓ .26" in shown


def test_run_without_claims_is_as_ever(bptrace, tiny: str) -> None:
    shown = bptrace("run", tiny).stdout
    assert "✓" not in shown
    assert "source" not in shown


def test_run_of_fewer_steps_than_the_page_has(bptrace) -> None:
    result = bptrace("run", "id-xor-ones", "--steps", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "✗ the source has 1.85" in result.stdout


# -------------------------------------------------------------------------------------- Python


def test_check_is_public() -> None:
    report = api.check("lh25-2020")
    assert isinstance(report, api.Report)
    assert report.first_mistake is not None
    assert report.first_mistake.claim.quantity == "out_h2"
    assert not report.ok
    assert api.check(api.load("deepml-neuron-a")).ok
    assert api.check(api.run("lh25-2020")).counts == report.counts


def test_a_notebook_shows_a_report_as_the_command_line_prints_it(bptrace) -> None:
    report = api.check("lh25-2020")
    shown = report._repr_mimebundle_()
    assert shown["text/plain"].startswith("23 numbers: 6 right")
    assert "<pre" in shown["text/html"]
