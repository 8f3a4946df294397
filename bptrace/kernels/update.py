"""The update: learning rates, rules along the slope, and local rules.

As in `source`, plain Python runs these loops as they stand and `compiled` compiles them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.cast import BY_GRADIENT, Net, Plan
from bptrace.kernels.dispatch import local_step, scheduled, update_one, update_plain, update_two
from bptrace.maths.ieee import power
from bptrace.maths.rules import Constants

if TYPE_CHECKING:
    from bptrace.kernels.source import Numbers


def learning_rate(plan: Plan, number: int) -> float:
    """η of the update `number`, from 1."""
    if not plan.varies:
        return plan.eta
    n = len(plan.rates)
    if n:
        k = 0
        while k + 1 < n and plan.rate_from[k + 1] <= number:
            k += 1
        return plan.rates[k]
    done = float((number - 1) // plan.rate_counts)
    return scheduled(plan.schedule, plan.eta, done, plan.rate_a, plan.rate_b)


def constants_of(plan: Plan, number: int) -> Constants:
    """The rule's constants at the update `number`, from 1."""
    c = plan.constants
    fill_first = fill_second = 1.0
    if plan.corrects:
        fill_first = 1.0 - power(c.keep_first, float(number))
        fill_second = 1.0 - power(c.keep_second, float(number))
    return Constants(
        c.keep_first, c.keep_second, c.epsilon, c.weight_decay, fill_first, fill_second
    )


def after(plan: Plan) -> int:
    """Return where the parameters stand that the update changes."""
    return plan.stride if plan.inside else plan.inside


def writes_next(net: Net, plan: Plan) -> bool:
    """Whether the update writes into the next record what it makes of this one."""
    plain = plan.uniform and net.memories == 0 and plan.learns == BY_GRADIENT
    return bool(plan.inside and plain)


def update_by_gradient(net: Net, plan: Plan, record: Numbers, number: int, eta: float) -> None:
    """p⁺ = rule(p, ∂E/∂p, η, what is remembered of p); p if it is not trained.

    One loop for each number of memories, so short that the rule is chosen outside of it. If all is
    calculated in the log, parameters have been copied behind the record, and change there, unless
    `writes_next`.
    """
    c = constants_of(plan, number)
    if net.memories == 0:
        update_without_memory(net, plan, record, eta, c)
    elif net.memories == 1:
        update_with_one_memory(net, plan, record, eta, c)
    else:
        update_with_two_memories(net, plan, record, eta, c)


def update_without_memory(net: Net, plan: Plan, record: Numbers, eta: float, c: Constants) -> None:
    """p⁺ = rule(p, ∂E/∂p, η)."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    if writes_next(net, plan):
        for k in range(net.n_parameters):
            record[p_at + k] = update_plain(code, record[k], record[g + k], eta, c)
        return
    if plan.uniform:
        for k in range(plan.first_updated, net.n_parameters):
            record[p_at + k] = update_plain(code, record[p_at + k], record[g + k], eta, c)
        return
    for k in range(plan.first_updated, net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new = update_plain(code, p, gradient, eta, c)
        record[p_at + k] = new if net.trained[k] else old


def update_with_one_memory(net: Net, plan: Plan, record: Numbers, eta: float, c: Constants) -> None:
    """The same for rules that remember one number of each parameter; 0 if it is not trained."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    first = p_at + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory = update_one(code, p, gradient, eta, record[first + k], c)
        record[p_at + k] = new if net.trained[k] else old
        record[first + k] = memory if net.trained[k] else 0.0


def update_with_two_memories(
    net: Net, plan: Plan, record: Numbers, eta: float, c: Constants
) -> None:
    """The same for rules that remember two."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    first = p_at + net.n_parameters
    second = first + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory, other = update_two(
            code, p, gradient, eta, record[first + k], record[second + k], c
        )
        record[p_at + k] = new if net.trained[k] else old
        record[first + k] = memory if net.trained[k] else 0.0
        record[second + k] = other if net.trained[k] else 0.0


def local_steps(net: Net, plan: Plan, record: Numbers, first: int, count: int, eta: float) -> None:
    """Sum up over the batch what each sample adds to each weight and bias by a local rule.

    It stands where gradients stand otherwise. A layer without targets has t = 0; it is trained only
    by rules that do not look at t.
    """
    for l in range(plan.first_taught, net.depth + net.one):
        layer = net.layers[l]
        begin_sums(record, net.gradients + layer.w_at, layer.sources * layer.size)
        begin_sums(record, net.gradients + layer.b_at, layer.biases)
    part = net.samples
    for position in range(count):
        sample = plan.order[first + position]
        for l in range(plan.first_taught, net.depth + net.one):
            teach(net, plan, record, part, sample, l, eta)
        part = part + net.sample_size


def teach(
    net: Net, plan: Plan, record: Numbers, part: int, sample: int, l: int, eta: float
) -> None:
    """Add what a sample adds to the weights and biases of a layer."""
    layer = net.layers[l]
    m, y, x = layer.sources, part + layer.out_at, part + net.layers[l - net.one].out_at
    g, b = net.gradients + layer.w_at, net.gradients + layer.b_at
    has_targets = l == net.depth and len(plan.t) > 0
    target, each = sample * layer.size, 0 if layer.biases == 1 else 1
    for j in range(layer.size):
        t = plan.t[target + j] if has_targets else 0.0
        out = record[y + j]
        for i in range(m):
            record[g + i] += local_step(plan.rule, eta, record[x + i], t, out)
        g = g + m
        if layer.biases:
            record[b + each * j] += local_step(plan.rule, eta, 1.0, t, out)


def begin_sums(record: Numbers, first: int, n: int) -> None:
    """Set `n` numbers to −0.0: what is added to it stays what it is."""
    for k in range(n):
        record[first + k] = -0.0


def update_locally(net: Net, plan: Plan, record: Numbers) -> None:
    """p⁺ = p + Δp; p if it is not trained."""
    p_at = after(plan)
    for k in range(net.n_parameters):
        p = record[p_at + k]
        record[p_at + k] = p + record[net.gradients + k] if net.trained[k] else p
