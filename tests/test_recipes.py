"""Every recipe has all its parts, its commands exist, and the table of all is current."""

import argparse
import re
import shlex
import subprocess
import sys
import tomllib

import miniatures
import overview
import pytest
import typer
from conftest import ROOT

from asr.cli.main import app
from asr.config import from_mapping, read_values, to_mapping
from asr.errors import DataError
from asr.training.config import Config, load_config
from asr.training.lm.config import LmConfig

RECIPES = ROOT / "recipes"
CORPORA = overview.find_recipes(RECIPES)
READMES = sorted(RECIPES.glob("*/README.md"))


def name_of(path):
    return path.name if path.is_dir() else path.parent.name


def commands(readme):
    """The lines of its blocks of commands, as lists of arguments."""
    blocks = re.findall(r"```bash\n(.*?)```", readme.read_text(), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("recipe", CORPORA, ids=name_of)
def test_parts(recipe):
    readme = (recipe / "README.md").read_text()
    assert set(overview.facts(recipe / "README.md")) == set(overview.FACTS)
    used = [" ".join(command) for command in commands(recipe / "README.md")]
    for part in (
        f"python recipes/{recipe.name}/prepare.py ",
        "asr train --config ",
        "asr evaluate ",
    ):
        assert any(command.startswith(part) for command in used), part
    ran, cost = overview.outcome(recipe)
    assert cost
    generated = re.findall(r"<!-- ([a-z-]+: \S+) -->\n(.*)", readme)
    assert generated
    if ran == overview.NOT_RUN:
        assert ran in readme or ("Not measured yet." in dict(generated).values())
    else:
        assert any(line.startswith("|") for _, line in generated)
    assert (recipe / "test_recipe.py").exists()
    documentation = (recipe / "prepare.py").read_text().split('"""')[1]
    assert f"    python recipes/{recipe.name}/prepare.py " in documentation


def test_recipes_are_told_from_studies():
    names = {recipe.name for recipe in CORPORA}
    assert {"an4", "librispeech", "yesno", "common_voice"} <= names
    assert not names & {"cells", "kjv"}


@pytest.mark.parametrize(
    "path",
    sorted(path for recipe in CORPORA for path in recipe.glob("*.toml") if path.name != "lm.toml"),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_configuration_holds_what_differs_from_the_defaults(path):
    load_config(path)

    def equal(values, defaults):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from (f"{key}.{name}" for name in equal(value, defaults[key]))
            elif value == defaults[key]:
                yield key

    assert list(equal(tomllib.loads(path.read_text()), to_mapping(Config()))) == []


class Parsed(Exception):
    """A command line that was understood."""


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_commands_parse(readme, monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self, arguments=None, namespace=None):
        raise Parsed(parse(self, arguments, namespace))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.chdir(ROOT)
    seen = commands(readme)
    assert seen
    for program, *arguments in seen:
        if program == "asr":
            check_asr(arguments)
        elif program == "python":
            folder, script = arguments[0].rsplit("/", 1)
            module = miniatures.load(f"../{folder}", script.removesuffix(".py"))
            with pytest.raises(Parsed):
                module.main(arguments[1:])
        else:
            assert program == "apt-get", program
        for place, word in enumerate(arguments):
            if word == "--config" and arguments[place + 1].startswith("recipes/"):
                assert (ROOT / arguments[place + 1]).exists()


def check_asr(arguments):
    """Parse a command line of the program, without running it."""
    command, names = typer.main.get_command(app), ["asr"]
    while hasattr(command, "commands"):
        name, *arguments = arguments
        names.append(name)
        command = command.commands[name]
    with command.make_context(" ".join(names), list(arguments)):
        pass


def test_a_command_that_does_not_parse():
    with pytest.raises(Exception, match="--no-such-option"):
        check_asr(["lm", "build", "text", "--no-such-option"])
    with pytest.raises(KeyError):
        check_asr(["lm", "no-such-command"])


def test_every_configuration_loads():
    for path in RECIPES.glob("*/config.toml"):
        load_config(path)
    models = [*RECIPES.glob("*/lm.toml")]
    assert {"an4", "kjv"} <= {path.parent.name for path in models}
    for path in models:
        from_mapping(LmConfig, read_values(path))


def test_the_table_is_current():
    script = [sys.executable, ROOT / "scripts/tables.py", "--check"]
    subprocess.run(script, check=True, cwd=ROOT)
    table = (RECIPES / "README.md").read_text()
    for recipe in CORPORA:
        assert f"| [{recipe.name}]({recipe.name}) |" in table


def test_facts_that_are_missing(tmp_path):
    (tmp_path / "README.md").write_text(
        "# A\n\n| | |\n|---|---|\n| corpus | a |\n| speech | 1 h |\n"
    )
    with pytest.raises(DataError, match="needs the rows corpus, language, speech, licence"):
        overview.facts(tmp_path / "README.md")
