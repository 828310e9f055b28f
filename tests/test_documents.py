"""The commands, examples and tables of the README and the documentation are true."""

import shlex
import subprocess
import sys
from dataclasses import MISSING, fields

import click
import documents
import pytest
from conftest import ROOT

from asr.cli.main import app
from asr.training.config import Config
from asr.training.lm.config import LmConfig
from asr.training.tagger.config import TaggerConfig

README = ROOT / "README.md"
PAGES = sorted([README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LIMIT = 10_000  # bytes of the README


def name_of(page):
    """Return the path of a page from the root of the project."""
    return str(page.relative_to(ROOT))


def having(language):
    """Return a mark that runs a test for each page with a block of code in ``language``."""
    pages = [page for page in PAGES if documents.blocks(page, language)]
    return pytest.mark.parametrize("page", pages, ids=name_of)


def test_both_commands_stand_there_once_and_whole():
    lines = [line for line in README.read_text().splitlines() if line.startswith("python3 -m venv")]
    assert lines == [
        "python3 -m venv .venv && .venv/bin/pip install . && "
        ".venv/bin/asr transcribe samples/*.wav",
        'python3 -m venv .venv-dev && .venv-dev/bin/pip install -e ".[dev]" -c constraints.txt && '
        ".venv-dev/bin/pytest",
    ]


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= LIMIT


@having("bash")
def test_commands_parse(page, monkeypatch):
    for command in documents.commands(page):
        documents.check_command(command, monkeypatch)


@having("python")
def test_python_examples(page, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    names = {}
    for code in documents.blocks(page, "python"):
        exec(code, names)
    lines = capsys.readouterr().out.splitlines()
    match name_of(page):
        case "README.md":
            assert lines[0].startswith("P-E-T-E-R-S-O-N. [('p', ")
            assert lines[1] == "50.00 % [1 / 2: 0 ins, 1 del, 0 sub]"
        case "docs/guides/transcribe.md":
            live = lines.index("['p e t e r s o n']")  # what is final, behind what was partial
            assert live > 0 and all(line.startswith("[] ") for line in lines[:live])
            assert lines[live + 1].startswith("p e t e r s o n [('p', ")
            assert lines[live + 2].endswith(" p e t e r s o n")
        case "docs/guides/language-models.md":
            assert lines[0].startswith("yes repeat ") and lines[-1] == "True"
        case other:
            raise AssertionError(f"{other}: say what its examples print")


@having("console")
def test_console_examples_give_what_stands_there(page):
    text = "".join(documents.blocks(page, "console"))
    steps = [step.partition("\n") for step in text.split("$ asr ") if step]
    assert steps
    for arguments, _, expected in steps:
        done = subprocess.run(
            [sys.executable, "-m", "asr", *shlex.split(arguments)],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert (done.stdout + done.stderr, done.returncode) == (expected, 0)


@pytest.mark.parametrize("config", [Config, LmConfig, TaggerConfig])
def test_every_section_of_the_configuration_has_its_table(config):
    page = (ROOT / "docs" / "guides" / "configuration.md").read_text()
    sections = [config]
    for section in sections:
        sections += [item.default_factory for item in fields(section) if is_section(item)]
    for section in {*sections} - {config}:
        assert f"::: {section.__module__}.{section.__name__}\n" in page


def is_section(item):
    """Return True if a field of the configuration is a section."""
    return item.default_factory is not MISSING


def test_every_command_is_in_the_table():
    page = (ROOT / "docs" / "guides" / "commands.md").read_text()
    for name, command in documents.members(app).items():
        parts = documents.members(command) if isinstance(command, click.Group) else [""]
        for part in parts:
            assert f"`asr {name} {part}".rstrip() in page


def test_a_command_that_does_not_parse(monkeypatch):
    with pytest.raises(Exception, match="--no-such-option"):
        documents.check_asr(["lm", "build", "text", "--no-such-option"])
    with pytest.raises(KeyError):
        documents.check_asr(["lm", "no-such-command"])
    with pytest.raises(AssertionError):
        documents.check_command(["no-such-program"], monkeypatch)
