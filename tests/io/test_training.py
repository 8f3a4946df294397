"""Faults of [training]: rules, options and schedules that cannot be, by line and column."""

from __future__ import annotations

import pytest

from bptrace import io
from bptrace.errors import FileError
from bptrace.maths.rules import RULES
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Problem

FILE = """[network]
loss = "LOSS"
[[network.layer]]
size = 2
[[network.layer]]
activation = "sigmoid"
weights    = [[0.3, -0.5]]
biases     = [0.4]
[[sample]]
x = [2, 0.2]
TARGETS
[training]
"""


def load(tmp_path, training: str, loss: str = "half-squared", targets: str = "t = [1]") -> Problem:
    path = tmp_path / "rule.toml"
    text = FILE.replace("LOSS", loss).replace("TARGETS", targets) + training
    path.write_text(text, encoding="utf-8")
    return io.load(str(path))


RATE = "learning_rate = 0.1\n"


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            'rule = "momentum"\nlearning_rate = 0.1\nmomentum = 1.5',
            "15:12: momentum: expected less than 1, found 1.5",
        ),
        (
            RATE + "beta1 = 0.9",
            "14:1: beta1 is no option of gradient-descent. It belongs to adam, adamw; leave it "
            "out, or choose another rule.",
        ),
        (
            'rule = "adam"\nlearning_rate = 0.1\nepsilon = 0',
            "15:11: epsilon: expected more than 0, found 0",
        ),
        (
            'rule = "adam"\nlearning_rate = 0.1\nbeta2 = 1',
            "15:9: beta2: expected less than 1, found 1",
        ),
        (
            'rule = "hebb"\nlearning_rate = 0.1\nweight_decay = 0.1',
            "15:1: hebb has no weight_decay: it follows no error. Leave it out.",
        ),
        (RATE + "weight_decay = -1", "14:16: weight_decay: expected at least 0, found -1"),
        (RATE + 'rule = "momentun"', "14:8: unknown rule \"momentun\". Did you mean 'momentum'?"),
        (
            RATE + 'schedule = { name = "exponential", every = 3 }',
            "14:36: every is no option of the schedule exponential. Its options: factor.",
        ),
        (
            RATE + 'schedule = { name = "exponentail" }',
            "14:21: unknown schedule \"exponentail\". Did you mean 'exponential'?",
        ),
        (RATE + "schedule = { factor = 0.5 }", "14:1: the schedule has no name. Write name = one"),
        (
            RATE + 'schedule = { name = "step", per = "week" }',
            '14:35: unknown unit "week". Known: step, epoch.',
        ),
        (
            RATE + 'schedule = { name = "linear", over = 0 }',
            "14:38: over: expected at least 1, found 0",
        ),
        (
            RATE + "schedule = [[2, 0.1]]",
            "14:13: schedule: the first pair begins with update 1, found 2. Write [[1, 0.5], ",
        ),
        (RATE + "epochs = 0", "14:10: epochs: expected at least 1, found 0"),
        (RATE + "epochs = 2\nsteps = 3", "14:1: [training] has both steps and epochs."),
        ("learning_rate = 0", "13:17: learning_rate: expected more than 0, found 0"),
        ("learning_rate = -0.5", "13:17: learning_rate: expected more than 0, found -0.5"),
        ("learning_rate = 1e300", "13:17: learning_rate: expected at most 1000000, found 1e300"),
        ("learning_rate = nan", "13:17: learning_rate: nan is not a finite number"),
        ('rule = "adam"', "12:2: [training] has no learning_rate. Write learning_rate = 0.5"),
    ],
)
def test_one_fault_is_told_at_its_place(tmp_path, training: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        load(tmp_path, training)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path / 'rule.toml'}:{message}")


@pytest.mark.parametrize("rule", RULES.names)
def test_rules_that_need_targets_say_so(tmp_path, rule: str) -> None:
    training = f'rule = "{rule}"\nlearning_rate = 0.1'
    local = RULES.get(rule).local
    if local is not None and not local.needs_target:
        assert load(tmp_path, training, targets="").learns
        return
    message = f":9:1: sample 1 has no targets, but {rule} needs them. Write t = [ … ], one number"
    with pytest.raises(FileError, match=r"rule\.toml:9:1") as caught:
        load(tmp_path, training, targets="")
    assert message in str(caught.value)


@pytest.mark.parametrize("rule", RULES.names)
def test_rules_that_follow_an_error_need_a_loss(tmp_path, rule: str) -> None:
    training = f'rule = "{rule}"\nlearning_rate = 0.1'
    if RULES.get(rule).local is not None:
        assert load(tmp_path, training, loss="none").learns
        return
    with pytest.raises(FileError) as caught:
        load(tmp_path, training, loss="none")
    said = f":2:8: {rule} follows the slope of an error, but the loss is none. Choose a loss "
    assert said in str(caught.value)


@pytest.mark.parametrize("rule", RULES.names)
def test_a_rule_takes_its_own_options_and_no_others(tmp_path, rule: str) -> None:
    own = [option.name for option in RULES.get(rule).options]
    everyone = dict.fromkeys(option.name for entry in RULES for option in entry.options)
    for name in everyone:
        training = f'rule = "{rule}"\nlearning_rate = 0.1\n{name} = 0.25'
        if name in own:
            assert load(tmp_path, training).training.options == ((name, 0.25),)
        else:
            with pytest.raises(FileError, match=f"15:1: {name} is no option of {rule}"):
                load(tmp_path, training)


@pytest.mark.parametrize("name", SCHEDULES.names)
def test_a_schedule_takes_its_own_options_and_no_others(tmp_path, name: str) -> None:
    own = [option for option, _ in SCHEDULES.get(name).options]
    for option in dict.fromkeys(option for entry in SCHEDULES for option, _ in entry.options):
        training = RATE + f'schedule = {{ name = "{name}", {option} = 2 }}'
        if option in own:
            schedule = load(tmp_path, training).training.schedule
            assert schedule is not None
            assert schedule.options == ((option, 2.0),)
        else:
            with pytest.raises(FileError, match=f"{option} is no option of the schedule {name}"):
                load(tmp_path, training)
