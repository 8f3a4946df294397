"""``bptrace gradcheck --against``: gradients from files of others, and what cannot be read."""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest

import bptrace
from bptrace.address import Address, Quantity
from bptrace.checks.arrays import mistaken
from bptrace.cli import gradcheck

Q = Quantity


def gradients() -> dict[str, np.ndarray]:
    """Those of the bundled 2-2-2 example, from its own log."""
    trace = bptrace.run("lh25-2020", engine="python")
    found = {}
    for l in (1, 2):
        rows = [[(j, i) for i in (1, 2)] for j in (1, 2)]
        found[f"dW{l}"] = np.array(
            [[trace.value(Address(Q.D_W, l, j, i, step=1)) for j, i in row] for row in rows]
        )
        found[f"db{l}"] = np.array([trace.value(Address(Q.D_B, l, j, step=1)) for j in (1, 2)])
    return found


def bptrace_run(file: str):
    return bptrace.run(file, engine="python")


@pytest.fixture
def theirs(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The right gradients in an .npz file of the current folder."""
    monkeypatch.chdir(tmp_path)
    np.savez("theirs.npz", **gradients())
    return Path("theirs.npz")


def test_right_ones(bptrace, theirs: Path) -> None:
    result = bptrace("gradcheck", "lh25-2020", "--against", "theirs.npz")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "Step 1 · gradients of theirs.npz, float64" in result.stdout
    assert "✓  ∂E/∂w5      0.081823315    0.081823315  2e-15  agrees\n" in result.stdout
    assert "12 gradients: 12 agree, 0 differ, 0 undecided" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_of_which_step_and_sample(bptrace, theirs: Path, tiny: str) -> None:
    """The 1-1-1 network of the other tests has two samples, one after the other."""
    trace = bptrace_run(tiny)
    found = {
        f"d{head}{l}": np.array([[trace.value(Address(q, l, 1, source, step=3))]])
        for l in (1, 2)
        for head, q, source in (("W", Q.D_W, 1), ("b", Q.D_B, 0))
        if head == "W" or l == 1
    }
    np.savez("third.npz", **found)
    result = bptrace("gradcheck", tiny, "--against", "third.npz", "--step", "3")
    assert result.exit_code == 0, result.output
    assert "Step 3 · sample 1 · gradients of third.npz, float64" in result.stdout
    result = bptrace("gradcheck", tiny, "--against", "third.npz")
    assert result.exit_code == gradcheck.DIFFERS


def test_float32(bptrace, theirs: Path) -> None:
    np.savez("single.npz", **{n: a.astype(np.float32) for n, a in gradients().items()})
    result = bptrace("gradcheck", "lh25-2020", "--against", "single.npz")
    assert result.exit_code == 0
    assert "agrees within float32" in result.stdout


def wrong() -> dict[str, np.ndarray]:
    """The second layer by an error without its slope: out·(1 − out) is left out there."""
    found = gradients()
    trace = bptrace.run("lh25-2020", engine="python")
    slopes = np.array([trace.at(f"dout[2,{j}]/din[2,{j}]") for j in (1, 2)])
    found["dW2"] /= slopes[:, None]
    found["db2"] /= slopes
    return found


def test_a_cause_and_a_pattern(bptrace, theirs: Path) -> None:
    np.savez("wrong.npz", **wrong())
    result = bptrace("gradcheck", "lh25-2020", "--against", "wrong.npz")
    assert result.exit_code == gradcheck.DIFFERS
    assert "12 gradients: 6 agree, 6 differ, 0 undecided" in result.stdout
    assert "The rows of layer 2 are each off by a factor of its own" in result.stdout
    assert "✗  ∂E/∂b4" in result.stdout
    assert result.stdout.index("✗  ∂E/∂w7") < result.stdout.index("✓  ∂E/∂w1")
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_factor_in_ascii_and_in_chinese(bptrace, theirs: Path) -> None:
    np.savez("twice.npz", **{name: 2 * a for name, a in gradients().items()})
    plain = bptrace("gradcheck", "lh25-2020", "--against", "twice.npz", "--ascii")
    assert plain.stdout.isascii()
    assert "All gradients are 2 times what is right" in plain.stdout
    assert "Cause: E is the squared error" in plain.stdout
    chinese = bptrace("gradcheck", "lh25-2020", "--against", "twice.npz", "--lang", "zh")
    assert "所有梯度是正确值的 2 倍" in chinese.stdout
    assert "原因：误差 E 取 squared" in chinese.stdout


def test_causes_that_are_not_looked_for(
    bptrace, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of huge batches only the way back is tried: whoever reads the causes has to know."""
    np.savez("wrong.npz", **wrong())
    words = ("gradcheck", "lh25-2020", "--against", "wrong.npz")
    assert "not tried" not in bptrace(*words).stdout
    monkeypatch.setattr(mistaken, "MOST_OUTPUTS", 3)  # it has 4
    found = " ".join(bptrace(*words).stdout.split())
    assert "Mistakes on the way forward are not tried as causes: all samples together" in found
    assert "未尝试把前向传播中的错误作为原因" in bptrace(*words, "--lang", "zh").stdout
    document = json.loads(bptrace(*words, "--json").stdout)
    assert [note["note"] for note in document["notes"]] == ["forward left out"]
    np.savez("right.npz", **gradients())
    assert "not tried" not in bptrace(*words[:3], "right.npz").stdout


def test_steps_in_the_place_of_gradients(bptrace, theirs: Path) -> None:
    np.savez("steps.npz", **{name: -0.5 * a for name, a in gradients().items()})
    result = bptrace("gradcheck", "lh25-2020", "--against", "steps.npz")
    assert "All gradients are −0.5 times what is right" in result.stdout
    assert "−0.5 is −η: these are steps Δw and no gradients" in result.stdout
    assert "No single mistake" not in result.stdout


def test_one_neuron(bptrace, theirs: Path) -> None:
    found = gradients()
    found["dW2"][1] *= 3
    found["db2"][1] *= 3
    np.savez("row.npz", **found)
    result = bptrace("gradcheck", "lh25-2020", "--against", "row.npz", "--only", "O2")
    assert "The numbers in the row of O2 (layer 2) are 3 times what is right" in result.stdout
    assert "✗  ∂E/∂w8" in result.stdout
    assert "∂E/∂w1" not in result.stdout
    assert "No single mistake of the table" in result.stdout


def test_as_json(bptrace, theirs: Path) -> None:
    np.savez("twice.npz", **{name: 2 * a for name, a in gradients().items()})
    result = bptrace("gradcheck", "lh25-2020", "--against", "twice.npz", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == gradcheck.DIFFERS
    assert document["against"] == "twice.npz"
    assert document["arithmetic"] == "float64"
    assert document["summary"] == {"agrees": 0, "differs": 12, "undecided": 0}
    assert [(p["pattern"], p["of"], p["factor"]) for p in document["patterns"]] == [
        ("factor", "all", 2.0)
    ]
    assert document["causes"][0]["mistake"] == "loss:squared"
    first = document["gradients"][0]
    assert first["name"] == "dE/dw[1,1,1]"
    assert first["verdict"] == "differs"
    assert first["factor"] == 2.0
    assert first["gradient"] == 2 * first["right"]


def test_json_files_of_every_form(bptrace, theirs: Path) -> None:
    found = {name: a.tolist() for name, a in gradients().items()}
    pairs = [[found["dW1"], found["db1"]], {"dW": found["dW2"], "db": found["db2"]}]
    names = {
        "dE/dw5": found["dW2"][0][0],
        "w[1,1,1]": found["dW1"][0][0],
        "∂E/∂b3": found["db2"][0],
    }
    for name, document, n in (("names", found, 12), ("pairs", pairs, 12), ("single", names, 3)):
        Path(f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        result = bptrace("gradcheck", "lh25-2020", "--against", f"{name}.json")
        assert result.exit_code == 0, result.output
        assert f"{n} gradients: {n} agree" in result.stdout


def broken_zip() -> None:
    Path("bad.npz").write_bytes(Path("theirs.npz").read_bytes()[:200])


def pickled() -> None:
    np.savez("bad.npz", dW1=np.array([{"a": 1}], dtype=object))


def nested() -> None:
    with zipfile.ZipFile("bad.npz", "w") as archive:
        archive.writestr("dW1.npy", b"no array")


def text() -> None:
    Path("bad.npz").write_text("dW1 = 3", encoding="utf-8")


def no_json() -> None:
    Path("bad.json").write_text('{"dW1": [1, ?2]}', encoding="utf-8")


def deep() -> None:
    Path("bad.json").write_text("[" * 100_000, encoding="utf-8")


def other_names() -> None:
    found = gradients()
    np.savez("bad.npz", weights=found["dW1"], first=found["db1"], more=found["dW2"])


def other_shape() -> None:
    np.savez("bad.npz", **(gradients() | {"dW2": np.ones((2, 5))}))


def unknown_name() -> None:
    Path("bad.json").write_text('{"dE/dw55": 0.5, "E": 0.5}', encoding="utf-8")


def folder() -> None:
    Path("bad.npz").mkdir()


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("make", "messages"),
    [
        (broken_zip, ["bad.npz: this file is damaged"]),
        (pickled, ["bad.npz: this file holds Python objects, which are not read"]),
        (nested, ["bad.npz: dW1 holds no numbers; gradients are float64 or float32"]),
        (text, ["bad.npz: this file is damaged (it begins as neither"]),
        (no_json, ["bad.json:1:13: this is no JSON", "Expected an .npz, .npy or .json file"]),
        (deep, ["bad.json: this JSON is nested too deeply"]),
        (
            other_names,
            ["bad.npz: what belongs to which layer cannot be told; there is weights (2, 2), first "
             "(2,), more (2, 2). Expected dW1 (2, 2), db1 (2,), dW2 (2, 2), db2 (2,)."],
        ),
        (other_shape, ["bad.npz: dW2 has the shape (2, 5); layer 2 has 2 neurons with 2 inputs"]),
        (unknown_name, ["bad.json: 'dE/dw55': ", "'E' is no gradient of a weight or bias"]),
        (folder, ["bad.npz: this is a directory, not a file"]),
        (nothing, ["bad.npz: there is no such file"]),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(bptrace, theirs: Path, make, messages: list[str]) -> None:
    make()
    name = "bad.json" if Path("bad.json").exists() else "bad.npz"
    result = bptrace("gradcheck", "lh25-2020", "--against", name)
    assert result.exit_code == 2, result.output
    for message in messages:
        assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_proof_is_about_our_own(bptrace, theirs: Path) -> None:
    result = bptrace("gradcheck", "lh25-2020", "--against", "theirs.npz", "--certify")
    assert result.exit_code == 2
    assert "Leave one of the two out" in result.stderr


def test_a_narrow_terminal(bptrace, theirs: Path) -> None:
    np.savez("wrong.npz", **wrong())
    result = bptrace("gradcheck", "lh25-2020", "--against", "wrong.npz", env={"COLUMNS": "50"})
    assert max(map(len, result.stdout.splitlines())) <= 50


DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["gradcheck.md", "zh/gradcheck.md"])
def test_the_example_of_the_manual(
    bptrace, tmp_path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its layer is run as it is printed, and judged as it is printed."""
    page = (DOCS / name).read_text(encoding="utf-8")
    code = re.search(r"(?ms)^<!-- code: theirs -->\n```python\n(.*?)^```$", page)
    shown = re.search(r"(?ms)^<!-- against: bptrace (.*?) -->\n```text\n(.*?)^```$", page)
    assert code is not None
    assert shown is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(DOCS, target_is_directory=True)
    exec(code[1], {})
    result = bptrace(*shlex.split(shown[1]))
    assert result.exit_code == gradcheck.DIFFERS
    assert result.stdout == shown[2]
    if name.startswith("zh"):
        assert "原因：导数取在该层的输入 x1 处" in result.stdout
        return
    assert "Cause: the slope is taken at x1, an input of the layer" in result.stdout
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    part = re.search(r"(?ms)^<!-- against: bptrace .*? -->\n```text\n…\n(.*?)^```$", readme)
    assert part is not None
    assert part[1] in result.stdout
