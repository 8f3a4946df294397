"""What is said about somebody else's gradients, in English and Chinese."""

from __future__ import annotations

Text = tuple[str, str]

NOTES: dict[str, Text] = {
    "columns": (
        "Read by columns: one for each neuron{where}",
        "按列读取：每个神经元一列{where}",
    ),
    "biases last column": (
        "The last column is read as the biases{where}",
        "最后一列按偏置读取{where}",
    ),
    "biases first column": (
        "The first column is read as the biases{where}",
        "第一列按偏置读取{where}",
    ),
    "biases last row": ("The last row is read as the biases{where}", "最后一行按偏置读取{where}"),
    "biases first row": ("The first row is read as the biases{where}", "第一行按偏置读取{where}"),
    "flat": ("The weights are one long row each{where}", "权重为一维数组{where}"),
    "ambiguous rows": (
        "Both shapes fit and the numbers do not decide{where}: read by rows, one for each neuron",
        "两种形状都符合，数值也无法区分{where}：按行读取，每个神经元一行",
    ),
    "ambiguous columns": (
        "Both shapes fit{where}; the numbers are nearer to columns, one for each neuron",
        "两种形状都符合{where}；数值更接近按列，每个神经元一列",
    ),
    "ignored": ("Not looked at: {detail}", "未使用：{detail}"),
    "no biases": (
        "The problem has no biases here, so theirs were not looked at{where}",
        "此处没有偏置，未检查给出的偏置梯度{where}",
    ),
    "summed biases": (
        "One bias is shared by all neurons, so theirs were added up{where}",
        "整层共用一个偏置，因此把给出的各项相加{where}",
    ),
    "vector W b W b": (
        "One vector, read as the weights and biases of layer 1, then of layer 2 and so on, by rows",
        "一个向量，按层读取：第 1 层的权重（逐行）和偏置，然后第 2 层，依此类推",
    ),
    "vector W W b b": (
        "One vector, read as all weights by rows, then all biases",
        "一个向量，先读全部权重（逐行），再读全部偏置",
    ),
    "vector W b W b columns": (
        "One vector, read as the weights (by columns) and biases of layer 1, then of layer 2 …",
        "一个向量，按层读取：第 1 层的权重（逐列）和偏置，然后第 2 层，依此类推",
    ),
    "vector W W b b columns": (
        "One vector, read as all weights by columns, then all biases",
        "一个向量，先读全部权重（逐列），再读全部偏置",
    ),
    "like float32": (
        "Stored as float64, but these look like float32 numbers: judged as such",
        "以 float64 存储，但看起来都是 float32 的数：按 float32 判断",
    ),
    "within float32": (
        "All of them would agree within float32: was something calculated in float32?",
        "按 float32 判断则全部一致：是否有某一步用了 float32？",
    ),
    "forward left out": (
        "Mistakes on the way forward are not tried as causes: all samples together have too many "
        "outputs for that. With fewer samples they are",
        "未尝试把前向传播中的错误作为原因：全部样本的输出太多；减少样本后会一并尝试",
    ),
}
"""How arrays were read, and what was not looked for. `{where}` is "" or " in layer 1, 2"."""

PATTERNS: dict[str, Text] = {
    "not finite": ("Numbers that are nan or infinite: {n}", "nan 或无穷的数：{n} 个"),
    "zero": ("{what} are 0, but should not be", "{what}全为 0，但不应为 0"),
    "sign": ("{what} have the opposite sign", "{what}符号相反"),
    "factor": ("{what} are {factor} times what is right", "{what}是正确值的 {factor} 倍"),
    "own factors rows": (
        "{what} are each off by a factor of its own: δ is wrong there, the inputs are right",
        "{what}各相差一个自己的因子：δ 有误，输入正确",
    ),
    "own factors columns": (
        "{what} are each off by a factor of its own: the inputs are wrong, δ is right",
        "{what}各相差一个自己的因子：输入有误，δ 正确",
    ),
    "transposed": (
        "{what} stand in the wrong order: rows and columns are interchanged",
        "{what}次序有误：行与列互换了",
    ),
    "order rows": (
        "{what} stand in another order: {order}",
        "{what}次序不同：{order}",
    ),
    "order columns": (
        "{what} stand in another order: {order}",
        "{what}次序不同：{order}",
    ),
    "single": ("{what}: {n} differ, without a pattern", "{what}：{n} 个不一致，没有规律"),
}

WHAT: dict[str, Text] = {
    "all": ("All gradients", "所有梯度"),
    "layer": ("All gradients of {layers}", "第 {layers} 层的所有梯度"),
    "weights": ("The weights of {layers}", "第 {layers} 层的权重"),
    "biases": ("The biases of {layers}", "第 {layers} 层的偏置"),
    "rows": ("The rows of {names} ({layers})", "{names} 的行（第 {layers} 层）"),
    "row": ("The numbers in the row of {names} ({layers})", "{names} 一行的数（第 {layers} 层）"),
    "columns": ("The columns of {names} ({layers})", "{names} 的列（第 {layers} 层）"),
    "column": (
        "The numbers in the column of {names} ({layers})",
        "{names} 一列的数（第 {layers} 层）",
    ),
    "all rows": ("The rows of {layers}", "第 {layers} 层的各行"),
    "all columns": ("The columns of {layers}", "第 {layers} 层的各列"),
}

SAID: dict[str, Text] = {
    "of file": ("gradients of {file}, {type}", "{file} 的梯度，{type}"),
    "given": ("gradients given, {type}", "给出的梯度，{type}"),
    "in layers": (" ({layers})", "（第 {layers} 层）"),
    "steps": (
        "{factor} is −η: these are steps Δw and no gradients",
        "{factor} 就是 −η：给出的是更新量 Δw，而不是梯度",
    ),
    "more": ("{n} more of the kind", "另有 {n} 条"),
    "cause": ("Cause: {cause}{where}", "原因：{cause}{where}"),
    "rival": ("The same numbers: {cause}{where}", "数值相同的另一种解释：{cause}{where}"),
    "no cause": (
        "No single mistake of the table, made everywhere or in one layer, explains all of them",
        "表中没有哪一种错误（处处犯，或只在一层犯）能解释所有差异",
    ),
    "everywhere": (", in {name} and likewise everywhere", "（见 {name}，其余各处相同）"),
    "some layers": (
        ", in {name} and likewise in all of {layers}",
        "（见 {name}，第 {layers} 层各处相同）",
    ),
    "column theirs": ("given", "给出"),
    "column right": ("right", "正确"),
    "times": ("differs: {factor} times", "不一致：{factor} 倍"),
    "not finite": ("differs: not finite", "不一致：不是有限数"),
    "agrees within": ("agrees within {type}", "在 {type} 精度内一致"),
    "undecided": ("undecided: rounding", "无法判定：舍入"),
    "left out": (
        "{n} more gradients are not shown; --all shows them",
        "另有 {n} 个梯度未显示；--all 全部显示",
    ),
}
