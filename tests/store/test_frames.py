"""Readers of Zarr, xarray, pandas and DuckDB see what is stored; the examples of the docs run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from traced import PAGE, write

from bptrace import engine
from bptrace.address import Quantity
from bptrace.errors import BptraceError, UnknownName
from bptrace.store import Writer, frames, open_trace, record

zarr = pytest.importorskip("zarr", reason="the extra store is not installed")
xarray = pytest.importorskip("xarray", reason="the extra store is not installed")
pytest.importorskip("pandas", reason="the extra store is not installed")

DOCS = Path(__file__).parents[2] / "docs" / "traces-on-disk.md"


def test_what_xarray_sees(logged, tmp_path):
    trace, run = record(logged, tmp_path / "trace", 300, "python"), engine.run(logged, steps=300)
    root = trace.to_xarray()
    assert root["E"].dims == ("step",)
    assert np.array_equal(root["E"], [run.at("E", step) for step in range(1, 301)])
    assert root["step"].values.tolist() == list(range(1, 301))
    log = trace.to_xarray("log")
    assert log["out"].dims == log["in"].dims == log["delta"].dims == ("step", "sample", "neuron")
    assert log["parameters"].dims == log["gradients"].dims == ("step", "parameter")
    assert log["E"].dims == ("step", "sample")
    assert log["step"].values.tolist() == list(range(1, 301, 7))
    assert log["neuron"].values.tolist() == ["h1", "h2", "h3", "o1"]
    assert log["layer"].values.tolist() == [1, 1, 1, 2]
    names = [*(f"w{k}" for k in range(1, 10)), "b1", "b2", "b3", "b4"]
    assert log["parameter"].values.tolist() == names
    assert set(log["out"].coords) == {"step", "neuron", "layer", "sample_number"}
    for step in (1, 8, 295):
        assert log["gradients"].sel(step=step, parameter="w5") == run.at("dE/dw5", step)
        assert log["out"].sel(step=step, neuron="o1", sample=0) == run.at("out_o1", step)
    states = trace.to_xarray("checkpoints")
    assert states["step"].values.tolist() == [0]
    assert np.array_equal(states["state"][0], engine.start(logged).numbers)


def test_what_any_reader_of_zarr_sees_while_it_is_written(logged, tmp_path):
    with Writer.create(logged, tmp_path / "trace", 900) as writer:
        for steps in (0, 10, 490):
            writer.advance(steps, "python")
            writer.commit()
            group = zarr.open_group(tmp_path / "trace", mode="r")
            assert group["E"].shape == (writer.state.steps,)
            assert group["log/out"].shape == (-(-writer.state.steps // 7), 2, 4)
    run = engine.run(logged, "python", 500)
    assert np.array_equal(zarr.open_group(tmp_path / "trace", mode="r")["E"][:], list(run.errors()))
    names = zarr.open_array(tmp_path / "trace/log/neuron", mode="r")[:].tolist()
    assert names == ["h1", "h2", "h3", "o1"]


def test_blocks_that_are_many(logged, tmp_path, monkeypatch):
    monkeypatch.setattr("bptrace.store.arrays.BLOCK_BYTES", 200)
    trace, run = record(logged, tmp_path / "trace", 120, "python"), engine.run(logged, steps=120)
    out = trace.to_xarray("log")["out"].values
    assert np.array_equal(out, run.array(Quantity.OUT)[::7, :, 2:], equal_nan=True)
    assert np.array_equal(trace.to_xarray()["E"], trace["E"])


def test_tables(logged, tmp_path):
    trace = record(logged, tmp_path / "trace", 30, "python")
    table = trace.to_dataframe()
    assert list(table.columns) == ["step", "E"]
    assert table["E"].tolist() == trace["E"].tolist()
    outs = trace.to_dataframe("log/out")
    assert set(outs.columns) == {"step", "sample", "neuron", "layer", "sample_number", "out"}
    assert len(outs) == 5 * 2 * 4
    with pytest.raises(UnknownName, match=r"unknown array 'log/outs'\. Did you mean 'log/out'"):
        trace.to_dataframe("log/outs")
    with pytest.raises(UnknownName, match="unknown group of arrays 'logs'"):
        trace.to_xarray("logs")


def test_the_packages_are_asked_for_by_name(problem, tmp_path, monkeypatch):
    trace = record(problem, tmp_path / "trace", 3, "python")

    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(frames, "import_module", missing)
    with pytest.raises(
        BptraceError, match=r"zarr cannot be imported .*pip install 'bptrace\[store\]'"
    ):
        trace.to_xarray()


@pytest.mark.ci
def test_the_examples_of_the_docs(tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    text = DOCS.read_text(encoding="utf-8")
    write(tmp_path, PAGE + re.findall(r"```toml\n(.*?)```", text, re.S)[0])
    examples = re.findall(r"<!-- test: python -->\n```python\n(.*?)```", text, re.S)
    assert len(examples) == 4
    for example in examples:
        exec(compile(example, str(DOCS), "exec"), {})
    assert open_trace("run1").steps == 5000
