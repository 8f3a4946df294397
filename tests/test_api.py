"""The public names: few, lazy, documented, and showing themselves in notebooks."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

import bptrace


def test_public_names() -> None:
    assert len(bptrace.__all__) <= 15
    for name in bptrace.__all__:
        assert inspect.getdoc(getattr(bptrace, name)), name
    assert set(bptrace.__all__) <= set(dir(bptrace))
    assert "__version__" in dir(bptrace)


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'bptrace' has no attribute 'trian'"):
        bptrace.trian  # noqa: B018


def test_names_are_imported_when_asked_for() -> None:
    probe = (
        "import sys, json, bptrace\n"
        "def loaded(): return [n for n in sys.modules if n.startswith('bptrace.')]\n"
        "before = loaded()\n"
        "bptrace.Problem\n"
        "print(json.dumps([before, 'bptrace.model' in loaded(), 'bptrace.render' in loaded()]))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert json.loads(result.stdout) == [[], True, False]


def test_load_run_and_ask() -> None:
    problem = bptrace.load("lh25-2020")
    assert isinstance(problem, bptrace.Problem)
    trace = bptrace.run(problem)
    assert isinstance(trace, bptrace.Trace)
    assert trace["out_h1"].shape == (1,)
    assert trace["out_h1"][0] == trace.at("out_h1") == trace.at("out[1,1]")
    assert f"{trace.at('dE/dw5'):.10f}" == "0.0818233150"
    assert trace.at("w5+") == trace.at("w5", step=2)


def test_run_takes_a_name_an_engine_and_steps() -> None:
    trace = bptrace.run("lh25-2020", engine="python", steps=7)
    assert (trace.steps, trace.engine) == (7, "python")
    assert trace["E"].shape == (7,)
    assert trace.at("E", step=7) < trace.at("E", step=1)


def test_explain_takes_a_problem_a_name_or_a_trace() -> None:
    problem = bptrace.load("lh25-2020")
    trace = bptrace.run(problem)
    texts = {str(bptrace.explain(source, "dE/dw5")) for source in (problem, trace, "lh25-2020")}
    assert len(texts) == 1
    explanation = bptrace.explain(trace, "dE/dw5")
    assert isinstance(explanation, bptrace.Explanation)
    assert explanation.value == trace.at("dE/dw5")
    assert repr(explanation) == f"<Explanation: ∂E/∂w5 = {trace.at('dE/dw5')!r}>"


def test_errors() -> None:
    with pytest.raises(bptrace.FileError, match="no example of that name"):
        bptrace.load("lh25-2021")
    with pytest.raises(bptrace.BptraceError, match="unknown engine 'gpu'"):
        bptrace.run("lh25-2020", engine="gpu")
    with pytest.raises(bptrace.BptraceError, match="Did you mean 'w5'"):
        bptrace.explain("lh25-2020", "w55")
    with pytest.raises(bptrace.BptraceError, match="there is no step 4"):
        bptrace.explain("lh25-2020", "w5", step=4)


def test_notebooks_show_traces_and_explanations() -> None:
    trace = bptrace.run("lh25-2020")
    assert repr(trace) == "<Trace of 'A 2-2-2 network by hand': steps=1, engine='python'>"
    shown = trace._repr_mimebundle_(include=None, exclude=None)
    assert "in_h1  = w1·i1 + w2·i2 + b1" in shown["text/plain"]
    assert shown["text/html"].startswith("<pre")
    assert "∂E/∂w5" in shown["text/html"]
    explained = bptrace.explain(trace, "dE/dw5")._repr_mimebundle_()
    assert explained["text/plain"].startswith("∂E/∂w5 = ∂E/∂out_O1 · ")
    assert explained["text/html"].startswith("<pre")


def test_a_trace_without_steps_shows_what_it_is() -> None:
    trace = bptrace.run("lh25-2020", steps=0)
    assert trace._repr_mimebundle_() == {"text/plain": repr(trace)}


def test_html_escapes_names() -> None:
    from dataclasses import replace

    problem = bptrace.load("lh25-2020")
    problem = replace(problem, title="<b>&")
    shown = bptrace.run(problem)._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;&amp;" in shown
    assert "<b>" not in shown


def test_a_trace_on_disk_is_opened(tmp_path, monkeypatch):
    from bptrace.store import record

    record(bptrace.load("lh25-2020"), tmp_path / "run1", 3, "python")
    trace = bptrace.Trace.open(tmp_path / "run1")
    assert isinstance(trace, bptrace.Trace)
    assert trace.at("w5+", step=2) == bptrace.run("lh25-2020", steps=3).at("w5+", step=2)
    assert set(trace._repr_mimebundle_()) == {"text/plain", "text/html"}
    with pytest.raises(bptrace.BptraceError, match="there is no such directory"):
        bptrace.Trace.open(tmp_path / "run2")
    monkeypatch.setattr(bptrace.Trace, "opener", None)
    with pytest.raises(bptrace.BptraceError, match=r"opened with bptrace\.Trace\.open"):
        bptrace.Trace.open(tmp_path / "run1")
