"""What the README tells people to type exists, and what it promises of exit codes is so."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import SUBCOMMANDS, cli
from schemas import errors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("reviewstream ")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_readme_exist_with_their_options(command: str) -> None:
    _, name, *arguments = command.split()
    if name.startswith("--"):
        return
    help_text = CliRunner().invoke(cli, [name, "--help"]).output
    for option in (argument for argument in arguments if argument.startswith("--")):
        assert option in help_text


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_subcommand_stands_in_the_readme() -> None:
    for name in SUBCOMMANDS.keys() - {"demo"}:
        assert f"reviewstream {name}" in README


def test_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    codes = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.Fatal) and error is not errors.Fatal
    }
    documented = {
        int(code) for code in re.findall(r"(?:; |: )(\d+)[, ]", README.split("Exit codes:")[1][:700])
    }
    assert codes <= documented


PROMISES = (ROOT / "docs" / "promises.md").read_text()


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[^`]+)`", PROMISES))))
def test_the_tests_that_prove_the_promises_exist(named: str) -> None:
    file, _, name = named.partition("::")

    assert f"def {name}" in (ROOT / file).read_text()
