"""A plan comes from options, from a file, from a preset, in this order; and says what is wrong with it."""

from dataclasses import asdict
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from console.option_groups import GroupedCommand
from console.plan_options import with_plan
from model_export.training.plan import PRESETS, TrainingPlan, make_plan, read_plan, write_plan
from schemas.errors import ConfigurationError


def plan_of(*arguments: str) -> TrainingPlan:
    """What a command with the options of a plan gets."""
    plans: list[TrainingPlan] = []

    @click.command(cls=GroupedCommand)
    @with_plan
    def command(plan: TrainingPlan) -> None:
        plans.append(plan)

    outcome = CliRunner().invoke(command, arguments)
    if outcome.exception is not None:
        raise outcome.exception
    return plans[0]


def written(folder: Path, toml: str) -> str:
    path = folder / "plan.toml"
    path.write_text(toml)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "preset"),
    [
        ((), "encoder"),
        (("--mode", "lora"), "lora"),
        (("--mode", "frozen"), "frozen"),
        (("--architecture", "textcnn"), "from-scratch"),
        (("--preset", "default-model"), "default-model"),
    ],
)
def test_what_is_not_said_is_taken_from_the_preset_that_suits(
    arguments: tuple[str, ...], preset: str
) -> None:
    assert plan_of(*arguments) == PRESETS[preset]


def test_options_count_more_than_a_file_and_a_file_more_than_a_preset(tmp_path: Path) -> None:
    path = written(tmp_path, 'architecture = "bilstm"\nepochs = 3\nseed = 11\n')

    plan = plan_of("--plan", path, "--epochs", "5", "--batch-norm")

    assert (plan.architecture, plan.epochs, plan.seed, plan.batch_norm) == ("bilstm", 5, 11, True)
    assert plan.learning_rate == PRESETS["from-scratch"].learning_rate


def test_the_plan_of_an_earlier_run_is_that_plan_again(tmp_path: Path) -> None:
    plan = make_plan({"architecture": "gpt2", "patience": 3, "bf16": False, "pooling": "mean"})
    write_plan(plan, tmp_path / "training.json")

    assert plan_of("--plan", str(tmp_path / "training.json")) == plan


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("epoch = 3", "epoch: Unexpected keyword argument"),
        ("epochs = 0", "epochs: Input should be greater than 0"),
        ('mode = "half"', "mode: Input should be 'full', 'lora' or 'frozen'"),
        ("epochs = ", "cannot be read as a plan"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(tmp_path: Path, toml: str, message: str) -> None:
    path = written(tmp_path, toml)

    with pytest.raises(ConfigurationError) as refused:
        read_plan(Path(path))

    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_every_field_of_a_plan_is_an_option_under_a_heading() -> None:
    @click.command(cls=GroupedCommand)
    @with_plan
    def command(plan: TrainingPlan) -> None: ...

    shown = CliRunner().invoke(command, ["--help"]).output

    assert all("--" + name.replace("_", "-") in shown for name in asdict(TrainingPlan()))
    assert [line for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "Plan:",
        "Network:",
        "Text:",
        "Networks from scratch:",
        "What is trained:",
        "Steps:",
        "Loss:",
        "Run:",
        "Options:",
    ]
