"""The words of the output, in English and Chinese. A new word is one line here."""

from __future__ import annotations

import os
from collections.abc import Iterable

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
    "rule is": ("{rule}: {about}", "{rule}：{about}"),
    "nothing changes": (
        "the output is right, so nothing changes",
        "输出正确，因此参数不变",
    ),
    "from update": ("from update", "起始更新"),
    "learning rate": ("learning rate", "学习率"),
    "step": ("Step {step}", "第 {step} 步"),
    "step of": ("Step {step} of {steps}", "第 {step}/{steps} 步"),
    "sample": ("sample {sample}", "样本 {sample}"),
    "samples": ("samples {first}–{last}", "样本 {first}–{last}"),
    "source has": ("the source has {printed}", "原文为 {printed}"),
    "before": ("before", "更新前"),
    "after": ("after", "更新后"),
    "more weights": ("{n} more; --json has them all", "另有 {n} 个，--json 全部给出"),
    "more samples": (
        "… and {n} more samples of the batch; --sample S prints one of them",
        "…… 批内另有 {n} 个样本；用 --sample S 打印其中一个",
    ),
    "given": ("given", "已知"),
    "compiling": (
        "compiling: once on this machine, a dozen seconds for each kernel …",
        "正在编译：本机只需一次，每个计算内核约十几秒……",
    ),
    "kernel of steps: tiny": ("steps of tiny networks", "小型网络的更新步骤"),
    "kernel of steps: single samples": ("steps of single samples", "逐样本更新步骤"),
    "kernel of steps: batches": ("steps of batches", "批量更新步骤"),
    "kernel of steps with formula": (
        "the same for networks with own formulas",
        "同上，用于含自定义公式的网络",
    ),
    "kernel of gradcheck": ("gradient checks", "梯度检验"),
    "kernel of gradcheck with formula": (
        "the same for networks with own formulas",
        "同上，用于含自定义公式的网络",
    ),
    "compiled in": ("compiled in {s} s", "编译用时 {s} 秒"),
    "was there": ("there already, loaded in {s} s", "已存在，加载用时 {s} 秒"),
    "all compiled": (
        "All is ready after {s} s. The machine code is kept in {folder}",
        "全部就绪，用时 {s} 秒。机器码保存在 {folder}",
    ),
    "no steps": (
        "there are 0 steps to print; --steps 1 calculates one",
        "没有可打印的步骤；用 --steps 1 计算一步",
    ),
    "much memory": (
        "this run takes {size} of memory",
        "此次运行占用内存 {size}",
    ),
    "steps left out": (
        "of {steps} steps only the first and the last are printed; --step K prints another",
        "共 {steps} 步，只打印了第一步和最后一步；用 --step K 打印其他步",
    ),
    "trace steps": ("steps", "步数"),
    "of goal": ("{steps} of {goal}", "{steps}（共 {goal}）"),
    "checkpoints": ("checkpoints", "检查点"),
    "every steps": ("every {n} steps", "每 {n} 步"),
    "in full": ("in full", "完整保存"),
    "on disk": ("on disk", "占用磁盘"),
    "size of full": (
        "{size}; the records of all steps would take {full}",
        "{size}；若保存所有步的完整记录需要 {full}",
    ),
    "verified": ("verified", "核对"),
    "as written": ("every file is as it was written", "所有文件均与写入时一致"),
    "go on": ("go on", "继续"),
    "any step": ("any step", "任意一步"),
    "steps added": ("{n} steps were added", "新增 {n} 步"),
    "column gradient": ("gradient", "梯度"),
    "column differences": ("differences", "差分"),
    "column bound": ("±", "±"),
    "column digits": ("digits", "有效位"),
    "column ulp": ("ulp", "ulp"),
    "digits of": ("{digits} of {possible}", "{digits}/{possible}"),
    "exactly": ("exact", "精确"),
    "agrees": ("agrees", "一致"),
    "differs": ("differs", "不一致"),
    "differs by factor": ("differs: {factor} times the slope", "不一致：为真实斜率的 {factor} 倍"),
    "undecided kink": ("undecided: a kink", "无法判定：折点"),
    "undecided kinks": ("undecided: several kinks", "无法判定：多个折点"),
    "undecided narrow": ("undecided: all steps are too coarse", "无法判定：步长都太大"),
    "undecided denied": ("undecided: dual numbers differ", "无法判定：对偶数给出的值不同"),
    "undecided bent": ("undecided: E bends too sharply", "无法判定：E 弯曲过急"),
    "undecided jump": ("undecided: E jumps", "无法判定：E 有跳跃"),
    "undecided not finite": ("undecided: not finite", "无法判定：不是有限数"),
    "undecided underflow": ("undecided: underflow", "无法判定：下溢"),
    "undecided too small": (
        "undecided: hidden by the rounding of E",
        "无法判定：被 E 的舍入误差掩盖",
    ),
    "gradients left out": (
        "{n} more gradients are not shown; --all shows them, --only h1 those of one neuron",
        "另有 {n} 个梯度未显示；--all 全部显示，--only h1 只显示一个神经元的",
    ),
    "gradients judged": (
        "{n} gradients: {agrees} agree, {differs} differ, {undecided} undecided",
        "共 {n} 个梯度：{agrees} 个一致，{differs} 个不一致，{undecided} 个无法判定",
    ),
    "at a kink": (
        "At a kink E has a slope on each side; the gradient is one of what lies between. "
        "bptrace takes the slope of the table there: relu 0, leaky-relu that of the leak.",
        "折点两侧 E 各有一个斜率，梯度可取两者之间的任意值。"
        "bptrace 取表中的约定：relu 为 0，leaky-relu 为泄漏侧的斜率。",
    ),
    "at several kinks": (
        "Where several kinks meet, a gradient that follows the table at each of them need not lie "
        "between the two slopes of E.",
        "多个折点相遇处，每个折点都按约定取值的梯度不一定落在 E 的两个斜率之间。",
    ),
    "certified": (
        "Proved with balls of {bits} bits: each of {n} float64 gradients lies within {ulp} ulp of "
        "the exact value; the farthest off is {name}",
        "用 {bits} 位球算术证明：{n} 个 float64 梯度与精确值的距离都不超过 {ulp} ulp；"
        "最远的是 {name}",
    ),
    "not certified": (
        "About {n} gradients nothing is proved: a ball reaches across a kink, or is not finite",
        "{n} 个梯度未能证明：球跨过折点，或不是有限数",
    ),
    "dual numbers": (
        "Slopes by dual numbers, without differences: off by {size} at most ({name})",
        "用对偶数（不做差分）求得的斜率：最多相差 {size}（{name}）",
    ),
    "twice the digits": (
        "Rounding, seen with twice the digits: float64 is off by {ulp} ulp at most ({name})",
        "用双倍位数重算看舍入误差：float64 最多相差 {ulp} ulp（{name}）",
    ),
    "written": (
        "{path} is written. Now try: bptrace run {path}",
        "已写出 {path}。接着可以运行：bptrace run {path}",
    ),
    "activations": ("Activations", "激活函数"),
    "losses": ("Losses", "损失函数"),
    "rules": ("Learning rules", "学习规则"),
    "schedules": ("Schedules of the learning rate", "学习率的变化"),
    "dialects": ("Dialects", "记法"),
    "examples": ("Examples", "例题"),
    "column name": ("name", "名称"),
    "column value": ("value", "值"),
    "column slope": ("slope", "斜率"),
    "column range": ("range", "值域"),
    "column share": ("share of E", "E 的份额"),
    "column step": ("step", "步长"),
    "column new": ("after it", "更新后"),
    "column memory": ("memory", "记忆量"),
    "column rate": ("rate", "学习率"),
    "column title": ("title", "标题"),
    "column source": ("source", "出处"),
    "after updates": ("{name} after {n} updates", "{n} 次更新后的 {name}"),
    "after update": ("{name} after the update", "更新后的 {name}"),
    "more rows": ("{n} more", "另有 {n} 个"),
    "hebb adds": (
        "Hebb's rule looks only at what fires together; whether the output is right has no part "
        "in it.",
        "Hebb 规则只看哪些量一起激活，与输出是否正确无关。",
    ),
    "delta adds": (
        "The δ rule adds the error: where the output is right, nothing changes.",
        "δ 规则加入了误差：输出正确时什么都不变。",
    ),
    "gradient-descent adds": (
        "Gradient descent adds the slope ∂out/∂in, and by it the chain rule reaches hidden layers, "
        "too.",
        "梯度下降加入了斜率 ∂out/∂in；链式法则由此也能到达隐藏层。",
    ),
    "slope is": (
        "Here {slope} = {value}; by this factor the steps of delta and of gradient-descent differ.",
        "此处 {slope} = {value}；delta 与 gradient-descent 的更新量相差这个因子。",
    ),
    "slope is 0": (
        "Here {slope} = 0, so gradient-descent stands still.",
        "此处 {slope} = 0，因此 gradient-descent 停滞不前。",
    ),
    "hidden changes": (
        "Parameters of hidden layers that change: {numbers}.",
        "隐藏层中改变的参数个数：{numbers}。",
    ),
    "other loss": (
        "The file has no error; here {name} is {loss}.",
        "文件没有误差；此处 {name} 采用 {loss}。",
    ),
    "slope in delta": (
        "{slope} = {value} stands in {delta} of {squared}; in that of {crossed} it cancels.",
        "{squared} 的 {delta} 含有 {slope} = {value}；{crossed} 的 {delta} 中它被约去。",
    ),
    "times as large": (
        "So {delta} is {times} times as large with {crossed}.",
        "因此采用 {crossed} 时 {delta} 是前者的 {times} 倍。",
    ),
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
        "one update per {n}, summed",
        "每 {n} 个样本更新一次，梯度求和",
    ),
    "one update per batch, mean": (
        "one update per {n}, averaged",
        "每 {n} 个样本更新一次，梯度取平均",
    ),
    "shuffled": ("shuffled with seed {seed}", "顺序随机（种子 {seed}）"),
    "listed order": ("in the order of a list", "按给定列表的顺序"),
    "data from": ("data: {source}", "数据：{source}"),
    "kept for the test": ("{n} more kept for the test", "另留 {n} 个作测试"),
    "rows left out": ("{n} rows not taken", "{n} 行未取用"),
    "classes": ("classes: {names}", "类别：{names}"),
    "standardised": (
        "all {n} inputs are standardised: (x − mean)/deviation of the samples for training "
        "(--json has the numbers)",
        "{n} 个输入均已标准化：按训练样本的 (x − 均值)/标准差（数值见 --json）",
    ),
    "standardised by": (
        "inputs are standardised, (x − mean)/deviation of the samples for training: {inputs}",
        "输入已标准化，按训练样本的 (x − 均值)/标准差：{inputs}",
    ),
    "moments": ("{name}: {mean} and {deviation}", "{name}：{mean} 与 {deviation}"),
    "generators": ("Generators of points", "点集生成器"),
    "datasets": ("Data sets", "数据集"),
    "column about": ("what it is", "说明"),
    "column noise": ("noise", "噪声"),
    "too large": (
        "{equations} equations are too many to print; this is the step in short.",
        "共 {equations} 个式子，无法全部列出；以下为本步摘要。",
    ),
    "ask for a part": ("To see a part of it:", "查看其中一部分："),
    # verdicts
    "right": ("right", "正确"),
    "rounding": ("rounding", "舍入"),
    "carried": ("carried", "沿用"),
    "wrong": ("wrong", "错误"),
    "missing": ("missing", "未填"),
    "certain": ("certain", "确定"),
    "likely": ("likely", "很可能"),
    "possible": ("possible", "可能"),
    "unexplained": ("unexplained", "无法解释"),
    "misprint": ("misprint", "笔误"),
    "numbers": ("{n} numbers", "共 {n} 个数"),
    "number": ("1 number", "共 1 个数"),
    "count": ("{n} {verdict}", "{verdict} {n} 个"),
    "all right": ("all right", "全部正确"),
    "all right, rounding": (
        "all right, {n} of them but for the author's own rounding",
        "全部正确，其中 {n} 个只差作者自己的舍入",
    ),
    "from mistakes": ("from {n} mistakes", "来自 {n} 处失误"),
    "from mistake": ("from 1 mistake", "来自 1 处失误"),
    "the first is at": ("the first is at {name} ({place})", "第一处在 {name}（{place}）"),
    "it is at": ("at {name} ({place})", "在 {name}（{place}）"),
    "of which misprints": (" ({n} of them misprints)", "（其中笔误 {n} 处）"),
    "of which misprint": (" (1 of them a misprint)", "（其中笔误 1 处）"),
    "is misprint": (" (a misprint)", "（笔误）"),
    "nothing claimed": (
        "there is nothing to check: the file has no [[claims]] with numbers",
        "没有可检查的内容：文件中没有带数字的 [[claims]]",
    ),
    "blank": ("1 number is still to be found", "还有 1 个数未填"),
    "blanks": ("{n} numbers are still to be found", "还有 {n} 个数未填"),
    "still to be found": ("{n} still to be found", "还有 {n} 个未填"),
    "no explanation": ("none of the known mistakes gives this number", "已知的失误都得不出这个数"),
    "in the unprinted": ("{cause}, in the unprinted {name}", "在未写出的 {name} 中：{cause}"),
    "with the right value": (
        "{cause}, with the right value of {names}",
        "{cause}，{names} 取的是正确值",
    ),
    "possibly": ("possibly: {cause}", "可能：{cause}"),
    "carries": ("follows correctly from the wrong {names}", "由错误的 {names} 正确推出"),
    "rounding only": (
        "follows from the author's own rounded numbers",
        "由作者自己舍入后的数得出",
    ),
    "in step": ("step {step}", "第 {step} 步"),
    "of step": ("{name} (step {step})", "{name}（第 {step} 步）"),
    "step list": ("in step {step}: {names}", "第 {step} 步：{names}"),
    "and more": (" … and {n} more", " …… 另有 {n} 个"),
    "by accident": ("a match by accident is 1 in {odds}", "偶然吻合的机会为 {odds} 分之一"),
    "few digits": (
        "with so few digits some formula fits by accident",
        "数字位数太少，总会有某个式子偶然吻合",
    ),
    "sure and odds": ("{sure}; {odds}", "{sure}；{odds}"),
    "strange operand": (
        "{number} is put in, which does not belong here",
        "代入的 {number} 不属于此式",
    ),
    "operand for": ("{number} is put in where {name} belongs", "应代入 {name} 处写了 {number}"),
    "value of": ("; it is the value of {name}", "；这是 {name} 的数值"),
    "label printed": ("printed", "所写"),
    "label expected": ("expected", "应为"),
    "label exact": ("exact", "精确值"),
    "label cause": ("cause", "原因"),
    "label evident": ("computed", "所算"),
    "label right": ("right", "正确"),
    "label so": ("and so", "于是"),
    "label sure": ("how sure", "把握"),
    "label equal": ("same value", "同值"),
    "label rivals": ("or else", "另一可能"),
    "label operands": ("put in", "代入"),
    "label used": ("carried by", "被沿用"),
    "label unused": ("not by", "未沿用"),
    "label hint": ("hint", "提示"),
    "from own numbers": ("{number}, from the numbers before it", "{number}，由前面的数算出"),
    "exact only": ("{number}, with all right before it", "{number}，前面全部正确时"),
    "tell apart": ("with another value of {name} they would differ", "换一个 {name} 即可区分"),
    "uses right": (
        "{names}: calculated with the right value",
        "{names}：用的是正确的值",
    ),
    "not used": ("no later number carries it on", "后面没有数沿用它"),
    "misprints": (
        "Misprints: wrong where they stand, but what follows uses the right value",
        "笔误：此处写错，但后面用的是正确的值",
    ),
    "more mistakes": (
        "… and {n} more mistakes; --all shows every number",
        "…… 另有 {n} 处失误；--all 列出全部数值",
    ),
    "notes": ("Notes", "备注"),
    "line": ("line {line}", "第 {line} 行"),
    "equation": ("eq. {eq}", "式 {eq}"),
    "places": ("{n} places", "{n} 处"),
    "note does not follow": (
        "{name} is right, but does not follow from the numbers before it",
        "{name} 正确，但不能由前面的数得出",
    ),
    "note given twice": (
        "{name} was given before, with another value",
        "{name} 前面已给出另一个值",
    ),
    "note operand": ("{name}: {text}", "{name}：{text}"),
    "note operand right": (
        "{name}: {text}; the result is right without it",
        "{name}：{text}；结果与此无关，是对的",
    ),
    "note missing": ("still to be found: {names}", "未填：{names}"),
    "note reading": (
        "if the page is read with “{title}”, {wrong} instead of {stated}",
        "若按“{title}”理解，全页有 {wrong}；按文件所述则有 {stated} 行",
    ),
    "note everywhere": (
        "if the same mistake was made everywhere (“{title}”), {wrong} instead of {stated}",
        "若同一失误处处出现（“{title}”），全页有 {wrong}；逐行看则有 {stated} 行",
    ),
    "note rate": (
        "{name} is judged with {rate}, as the file says for it",
        "{name} 按文件为它指定的 {rate} 评判",
    ),
    "wrong lines": ("{n} lines are wrong", "{n} 行错误"),
    "wrong line": ("1 line is wrong", "1 行错误"),
    "no wrong line": ("no line is wrong", "0 行错误"),
    "column line": ("line", "行"),
    "column quantity": ("quantity", "量"),
    "column printed": ("printed", "所写"),
    "column exact": ("exact", "精确值"),
    "column expected": ("expected", "应为"),
    "column verdict": ("verdict", "判定"),
    "column from": ("from", "来自"),
    "column before": ("before", "原来"),
    "column after": ("after", "改后"),
    "every number": ("Every number", "全部数值"),
    "right value used": ("right value used", "用了正确的值"),
    "unprinted steps rounded": ("unprinted steps rounded", "未写出的步骤也舍入了"),
    "does not follow": ("does not follow", "并非由前面得出"),
    "given twice": ("given twice", "给出两次"),
    "operand rounded": ("an operand rounded early", "代入的数过早舍入"),
    "another print used": (
        "another printing of a number used",
        "用了同一个数的另一处写法",
    ),
    "repair": ("The page without its first mistake", "改正第一处失误后的页面"),
    "repair nothing": ("there is no mistake to mend", "没有需要改正的失误"),
    "repair none": ("no number changes", "没有数因此改变"),
    "repair one": ("this is the only number that changes", "只有这一个数改变"),
    "repair rest": (
        "{n} numbers change, {right} of them become right; all others stay as they are",
        "{n} 个数改变，其中 {right} 个变为正确；其余不变",
    ),
    "class": ("{files} files, {clean} of them all right", "共 {files} 份，其中 {clean} 份全部正确"),
    "kinds": ("Mistakes", "失误"),
    "column sum": ("all", "合计"),
    "no certain cause": ("no certain explanation", "无确定的解释"),
    "row numbers": ("numbers asked for", "应填的数"),
    "row missing": ("missing", "未填"),
    "row mistakes": ("mistakes in all", "失误合计"),
    "row mark": ("mark", "得分"),
    "faulty": ("faulty", "有误"),
    "faulty files": ("Faulty files", "有误的文件"),
    "mark rule": (
        "mark: one point for every number asked for, less one per mistake and per missing number; "
        "what only carries a mistake on costs nothing",
        "得分：每个应填的数一分，每处失误、每个未填的数扣一分；仅沿用失误的数不扣分",
    ),
    "blank written": (
        "{path} is written, with {n} empty claims. When they are filled in: bptrace check {path}",
        "已写出 {path}，有 {n} 个空待填。填好后运行：bptrace check {path}",
    ),
    "carried from": ("from {names}", "沿用 {names}"),
    "wrong for": ("wrong: read {number}", "错误，应为 {number}"),
    # lint
    "lint head": (
        "{n:,} different mistakes, {digits} digits, {printing}",
        "{n:,} 种不同的错误，{digits} 位有效数字，{printing}",
    ),
    "all printed": ("every step printed", "打印每一步"),
    "textbook printed": ("printed as in a textbook", "按教科书方式打印"),
    "lint unprinted": (
        " (besides, {n:,} about quantities that are not printed)",
        "（另有 {n:,} 种只涉及未打印的量）",
    ),
    "lint sample": (
        "; of {steps} steps, {tried} spread evenly were looked at",
        "；共 {steps} 步，均匀抽查了 {tried} 步",
    ),
    "score lost": ("leave no trace on the page", "页面上毫无痕迹"),
    "score confused": ("give the same page as another", "与另一种错误页面相同"),
    "score misread": ("look like one misread digit", "看似抄错一位数字"),
    "score bad": ("not telling, in all", "合计难以判别"),
    "as it is": ("as it is", "现状"),
    "changed": ("changed", "修改后"),
    "changes": ("best changes found: {changes}", "找到的最佳修改：{changes}"),
    "change": ("{name} = {new} (not {old})", "{name} 取 {new}（原为 {old}）"),
    "choose": (
        "try {changes}: {before} not telling becomes {after}",
        "可令 {changes}：难以判别的由 {before} 降至 {after}",
    ),
    "no remedy": ("nothing that was tried is better", "试过的数都没有更好的"),
    "not searched": (
        "the network is too large to try other numbers",
        "网络过大，未试算其他数值",
    ),
    "coincidences": ("What hides mistakes", "哪些数掩盖了错误"),
    "lint equal": ("{names} are equal ({value})", "{names} 相等（{value}）"),
    "lint same digits": ("{names} show the same digits ({value})", "{names} 数字相同（{value}）"),
    "lint neutral": (
        "{names} is {value}: whether one multiplies by it cannot be seen",
        "{names} 为 {value}：是否乘了它看不出来",
    ),
    "lint vanishing": (
        "{names} is 0: what is multiplied by it vanishes",
        "{names} 为 0：与它相乘的项都消失",
    ),
    "lint constant": (
        "{names} is {value}, as are constants of the formulas",
        "{names} 为 {value}，与公式中的常数相同",
    ),
    "lint round": (
        "{names} are round: sums and products of such numbers are easily the same",
        "{names} 是整齐的数：它们的和与积容易相同",
    ),
    "lint small target": (
        "{names} = {value}: forgetting it looks like one misread digit",
        "{names} = {value}：忘了它，看起来只像抄错一位数字",
    ),
    "lint saturated": (
        "{names} = {value}: the neuron is saturated, its slope next to nothing",
        "{names} = {value}：神经元已饱和，斜率几乎为零",
    ),
    "lint dead": (
        "{names} = {value}: the slope is 0, so nothing comes back through this neuron",
        "{names} = {value}：斜率为 0，误差无法经此神经元返回",
    ),
    "worst steps": ("Where most is hidden", "掩盖最多的步骤"),
    "step score": (
        "{lost} without a trace, {confused} alike, of {total}",
        "无痕迹 {lost} 种，相同 {confused} 种，共 {total} 种",
    ),
    "same page": ("Cannot be told apart", "无法区分"),
    "lost list": ("Without a trace", "毫无痕迹"),
    "misread list": ("Look like one misread digit", "看似抄错一位数字"),
    "lint more": ("… and {n:,} more (--all)", "…… 另有 {n:,} 项（--all）"),
    # pictures made of characters
    "hidden neurons": ("hidden neurons: {n}", "隐藏神经元：{n}"),
    "left the numbers": (
        "the training left the numbers (nan or infinite weights), so no boundary is drawn; "
        "a smaller learning rate may help",
        "训练中权重变成了无穷大或 nan，因此没有画决策边界；可尝试较小的学习率",
    ),
    "nothing to draw": ("there is nothing to draw yet", "还没有可画的内容"),
    "logarithmic": ("logarithmic", "对数刻度"),
    "step axis": ("steps", "步"),
    "epoch axis": ("epochs", "轮"),
    "step number": ("step {n}", "第 {n} 步"),
    "epoch number": ("epoch {n}", "第 {n} 轮"),
    "not finite": ("not a number in {place}", "{place}不是有限数"),
    "answers": ("answer {kind}", "判为 {kind}"),
    "right answers": ("{percent} right", "正确率 {percent}"),
    # train
    "why done": ("all steps are done", "步数已全部完成"),
    "why error": (
        "E over the last epoch is less than {error:g}",
        "最近一轮的 E 小于 {error:g}",
    ),
    "why patience": (
        "no smaller E for {patience:,} epochs",
        "连续 {patience:,} 轮 E 没有减小",
    ),
    "why diverged": ("step {step:,} leaves the finite numbers", "第 {step:,} 步超出有限数"),
    "why interrupted": ("interrupted", "已中断"),
    "steps done": ("{steps:,} steps", "{steps:,} 步"),
    "step done": ("1 step", "1 步"),
    "steps done of": ("{steps:,} of {planned:,} steps", "{planned:,} 步中的 {steps:,} 步"),
    "epochs done": (" ({epochs:,.4g} epochs)", "（{epochs:,.4g} 轮）"),
    "label ended": ("ended after", "结束于"),
    "label train": ("training", "训练"),
    "label test": ("test", "测试"),
    "label epoch": ("last epoch", "最近一轮"),
    "mean of samples": (" (mean over {n:,} samples)", "（{n:,} 个样本的平均）"),
    "before each update": (
        " (mean over the samples, each before its update)",
        "（样本平均，各取其更新之前的值）",
    ),
    "right of": ("{right:,} of {n:,} right ({share})", "{n:,} 个中 {right:,} 个正确（{share}）"),
    "trained parameters": ("After training", "训练之后"),
    "classes by answer": ("Classes (rows) and answers (columns)", "类别（行）与网络的回答（列）"),
    "classes by answer, test": (
        "Test: classes (rows) and answers (columns)",
        "测试：类别（行）与网络的回答（列）",
    ),
    "diverged": (
        "The first number of step {step:,} that is not finite: {name} = {value}",
        "第 {step:,} 步中第一个不是有限数的量：{name} = {value}",
    ),
    "diverged hint": (
        "The parameters are those before this step. Try a learning rate below {rate:g}.",
        "参数为该步之前的值。请试用小于 {rate:g} 的学习率。",
    ),
    "no step to train": (
        "there are 0 steps to do; --steps 1000 does some",
        "没有要做的步骤；可用 --steps 1000",
    ),
    "one step to train": (
        "that was one step, as in a hand calculation; --steps 1000 or --until-error 1e-4 does more",
        "只做了一步，与手算相同；可用 --steps 1000 或 --until-error 1e-4 继续",
    ),
    "steps per second": ("{rate:,.0f} steps/s", "{rate:,.0f} 步/秒"),
    "time left": ("{time} left", "还需 {time}"),
    "time left at most": ("at most {time} left", "最多还需 {time}"),
    "label hidden": ("hidden", "隐藏"),
    "label steps": ("steps", "步数"),
    "label error": ("E before → after", "E 前 → 后"),
    "took": ("{steps} in {time}, engine: {engine}", "{steps}，用时 {time}，引擎：{engine}"),
    "and": (", ", "、"),
    "comma": (", ", "，"),
    "colon": (": ", "："),
    "semicolon": ("; ", "；"),
}


class Words:
    """Looks words up in one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"
        self._column = LANGUAGES.index(self.language)

    def __call__(self, key: str, /, **fields: object) -> str:
        """Return the word for `key` (an English phrase), with its fields filled in."""
        return _WORDS[key][self._column].format(**fields)

    def note(self, note: str) -> str:
        """Return a note of the checks in words; one that has none yet as it is."""
        return self(note) if note in _WORDS else note

    def has(self, key: str) -> bool:
        """Whether there is such a word."""
        return key in _WORDS

    def of(self, pair: tuple[str, str]) -> str:
        """Return the text of a pair (English, Chinese)."""
        return pair[self._column]

    def list(self, texts: Iterable[str]) -> str:
        """Return texts one after the other, with the comma of the language between them."""
        return self("and").join(texts)


def language_of_locale() -> str:
    """Return "zh" for a Chinese locale, else "en"."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((name for name in names if name), "")
    return "zh" if first.lower().startswith("zh") else "en"
