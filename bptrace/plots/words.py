"""The words of the pictures, in English and Chinese."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "step": ("step", "步"),
    "epoch": ("epoch", "轮"),
    "error": ("error E", "误差 E"),
    "error over time": ("The error while the network learns", "学习过程中的误差"),
    "training": ("training", "训练"),
    "test": ("test", "测试"),
    "named": ("{name}, {what}", "{name}，{what}"),
    "zero": ("0, below this scale", "0，低于刻度范围"),
    "broken": ("not a number from {unit} {step} on", "从第 {step} {unit}起不是有限数"),
    "accuracy": ("in the right class", "分类正确率"),
    "input": ("input {k}", "输入 {k}"),
    "output": ("output {k}", "输出 {k}"),
    "outputs": ("output", "输出"),
    "class": ("class {name}", "类别 {name}"),
    "kept": ("{what} (test)", "{what}（测试）"),
    "unknown": ("no target", "无目标值"),
    "boundary": ("What the network answers", "网络的输出"),
    "right": ("{percent} right", "正确率 {percent}"),
    "some dots": ("{shown:,} of {all:,} samples are shown", "共 {all:,} 个样本，显示 {shown:,} 个"),
    "no answer": ("white: the answer is not a number", "白色：输出不是有限数"),
    "descent": ("Gradient descent along {name}", "沿 {name} 的梯度下降"),
    "all held": ("E, all other weights held", "E（其余权重不变）"),
    "tangent": ("tangent, slope ∂E/∂{name} = {slope}", "切线，斜率 ∂E/∂{name} = {slope}"),
    "update": ("update Δ{name} = {step}", "更新 Δ{name} = {step}"),
    "run": ("the run: all weights change", "实际训练（所有权重同时改变）"),
    "gradients": (
        "The size of the gradient, layer by layer",
        "各层梯度的大小",
    ),
    "size": ("‖∂E/∂W‖", "‖∂E/∂W‖"),
    "middle": ("median, middle 80 % pale", "中位数；浅色为中间 80 %"),
    "target": ("output, and targets of the samples", "输出与样本的目标值"),
    "samples": ("samples", "样本"),
    "layer": ("layer {l}", "第 {l} 层"),
    "output layer": ("layer {l} (output)", "第 {l} 层（输出）"),
    "nothing": ("nothing is known", "无数据"),
    "no font": (
        "no font with Chinese characters was found: labels are in English, and characters that "
        "cannot be drawn appear as '?'. Install one, such as the package fonts-noto-cjk",
        "没有找到中文字体：图中标注改用英文，无法显示的字符写作“?”。"
        "请安装一种中文字体，例如软件包 fonts-noto-cjk",
    ),
}


def needed() -> str:
    """Return all characters of the Chinese words."""
    return "".join(sorted({c for _, zh in WORDS.values() for c in zh if ord(c) > 0x2E7F}))
