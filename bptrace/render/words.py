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
    "no steps": (
        "there are 0 steps to print; --steps 1 calculates one",
        "没有可打印的步骤；用 --steps 1 计算一步",
    ),
    "steps left out": (
        "of {steps} steps only the first and the last are printed; --step K prints another",
        "共 {steps} 步，只打印了第一步和最后一步；用 --step K 打印其他步",
    ),
    "written": (
        "{path} is written. Now try: bptrace run {path}",
        "已写出 {path}。接着可以运行：bptrace run {path}",
    ),
    "activations": ("Activations", "激活函数"),
    "losses": ("Losses", "损失函数"),
    "rules": ("Learning rules", "学习规则"),
    "dialects": ("Dialects", "记法"),
    "examples": ("Examples", "例题"),
    "column name": ("name", "名称"),
    "column value": ("value", "值"),
    "column slope": ("slope", "斜率"),
    "column range": ("range", "值域"),
    "column share": ("share of E", "E 的份额"),
    "column step": ("step", "步长"),
    "column new": ("after it", "更新后"),
    "column title": ("title", "标题"),
    "column source": ("source", "出处"),
    "see above": ("see above", "见上"),
    "from step": ("from step {step}", "来自第 {step} 步"),
    "explain deeper": (
        "unfolded to depth {depth}; --depth {deeper} shows one level more",
        "展开深度为 {depth}；用 --depth {deeper} 可再展开一层",
    ),
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
