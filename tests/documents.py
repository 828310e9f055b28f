"""The commands and examples that stand in documents are found and checked without running them."""

import argparse
import re
import shlex

import click
import miniatures
from conftest import ROOT

from asr.cli.main import app

OTHERS = {
    "apt-get",
    "arecord",
    "curl",
    "mkdocs",
    "pip",
    "python3",
    "tensorboard",
    "torchrun",
    "uv",
    "ruff",
    "mypy",
}
"""Programs whose command lines are not parsed."""


class Parsed(Exception):
    """The arguments of a command line, raised when they have been understood."""


def blocks(page, language):
    """Return the blocks of code in ``language`` of a Markdown page."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def commands(page):
    """Return the command lines of a page as lists of arguments, one for each part of a pipe."""
    lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        words = shlex.split(line.replace("…", ""), comments=True)
        for separator in ("&&", "|", ">"):
            words = [";" if word == separator else word for word in words]
        found += [part.split("\0") for part in "\0".join(words).split("\0;\0") if part]
    return found


def check_command(words, monkeypatch):
    """Check that the arguments of one of our command lines are understood, without running it."""
    program, *arguments = words
    program = program.rsplit("/", 1)[-1]
    if program == "asr":
        check_asr(arguments)
    elif program == "python":
        check_script(arguments, monkeypatch)
    else:
        assert program in OTHERS or program == "pytest" or program.endswith((".srt", ".txt")), words


def members(group):
    """Return the commands of a group by their names."""
    context = click.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def check_asr(arguments):
    """Parse a command line of the program, without running it."""
    command, names = app, ["asr"]
    while isinstance(command, click.Group):
        name, *arguments = arguments
        names.append(name)
        command = members(command)[name]
    with command.make_context(" ".join(names), list(arguments)):
        pass


def check_script(arguments, monkeypatch):
    """Parse a command line of one of our scripts, without running it."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self, arguments=None, namespace=None):
        raise Parsed(parse(self, arguments, namespace))

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        patch.chdir(ROOT)
        folder, script = arguments[0].rsplit("/", 1)
        module = miniatures.load(f"../{folder}", script.removesuffix(".py"))
        try:
            module.main(arguments[1:])
        except Parsed:
            return
    raise AssertionError(f"{arguments}: parses no arguments")
