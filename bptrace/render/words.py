"""The words of the output, in English and Chinese. A new word is one line here."""

from __future__ import annotations

import os

LANGUAGES = ("en", "zh")

_WORDS: dict[str, tuple[str, str]] = {
    "forward": ("Forward", "前向传播"),
    "backward": ("Backward", "反向传播"),
    "update": ("Update", "更新"),
    "sum over the batch": ("Sum over the batch", "批内求和"),
    "mean over the batch": ("Mean over the batch", "批内平均"),
    "layer": ("layer {l}", "第 {l} 层"),
    "hidden layer": ("hidden layer", "隐藏层"),
    "hidden layer l": ("hidden layer {l}", "隐藏层 {l}"),
    "output layer": ("output layer", "输出层"),
    "input layer": ("input layer", "输入层"),
    "error": ("error", "误差"),
    "step": ("Step {step}", "第 {step} 步"),
    "step of": ("Step {step} of {steps}", "第 {step}/{steps} 步"),
    "sample": ("sample {sample}", "样本 {sample}"),
    "samples": ("samples {first}–{last}", "样本 {first}–{last}"),
    "source has": ("the source has {printed}", "原文为 {printed}"),
    "before": ("before", "更新前"),
    "after": ("after", "更新后"),
    "given": ("given", "已知"),
    "further numbers": ("Further numbers of the source", "原文的其他数值"),
    "samples in all": ("{n} samples", "{n} 个样本"),
    "one update per sample": ("one update per sample", "每个样本更新一次"),
    "one update per batch, sum": (
        "one update per {n} samples, gradients summed",
        "每 {n} 个样本更新一次，梯度求和",
    ),
    "one update per batch, mean": (
        "one update per {n} samples, gradients averaged",
        "每 {n} 个样本更新一次，梯度取平均",
    ),
    "too large": (
        "{equations} equations are too many to print; this is the step in short.",
        "共 {equations} 个式子，无法全部列出；以下为本步摘要。",
    ),
    "ask for a part": ("To see a part of it:", "查看其中一部分："),
}


class Words:
    """Looks words up in one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"
        self._column = LANGUAGES.index(self.language)

    def __call__(self, key: str, /, **fields: object) -> str:
        """Return the word for `key` (an English phrase), with its fields filled in."""
        return _WORDS[key][self._column].format(**fields)


def language_of_locale() -> str:
    """Return "zh" for a Chinese locale, else "en"."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((name for name in names if name), "")
    return "zh" if first.lower().startswith("zh") else "en"
