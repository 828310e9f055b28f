"""Docstrings of the package as Markdown: roles become code, examples become blocks of code, and
sections of the configuration get a table of their options."""

import json
import re
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import griffe

sys.path.insert(0, str(Path(__file__).parents[1]))

from asr.config import HELP, RULE, Rule, Section

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?([^`]+)`")
COLUMNS = re.compile(r"(\S+(?:, \S+)*)  +(\S)")
NAMES = re.compile(r"\w+(?:, \w+)*")
EXAMPLE = re.compile(r"(?:^>>> .*\n?(?:^(?!>>> )\S.*\n?|^\.\.\. .*\n?|^    .*\n?)*)+", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute, if it has one."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)

    def on_class_members(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Append a table of its options to the docstring of a section of the configuration."""
        if cls.docstring is None or not any("option(" in str(v.value) for v in own_fields(cls)):
            return
        section = getattr(import_module(cls.module.path), cls.name)
        cls.docstring.value += f"\n\n{options_table(section)}"
        # The table stands in place of the signature and of the list of base classes.
        cls.decorators = []
        cls.labels.discard("dataclass")
        cls.bases = []


def own_fields(cls: griffe.Class) -> list[griffe.Attribute]:
    """Return the attributes that a class body assigns."""
    return [member for member in cls.members.values() if isinstance(member, griffe.Attribute)]


def options_table(section: type[Section]) -> str:
    """Return the options of a section as a Markdown table: name, default as TOML, meaning."""
    hints = get_type_hints(section)
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for item in fields(section):  # type: ignore[arg-type]
        if HELP not in item.metadata:
            continue  # a section in a section, which has a table of its own
        many = str(hints[item.name]).startswith("tuple")
        default = json.dumps(item.default, ensure_ascii=False)
        meaning = item.metadata[HELP]
        if item.metadata[RULE] is not None:
            meaning += f" ({allowed(item.metadata[RULE], many)})"
        rows.append(f"| `{item.name}` | `{default}` | {meaning} |")
    return "\n".join(rows)


def allowed(rule: Rule, many: bool) -> str:
    """Return what a rule allows, as Markdown.

    >>> allowed(Rule(choices=("white", "pink")), many=True)
    'some of `white`, `pink`'
    """
    if not rule.choices:
        return rule.needs(many)
    names = ", ".join(f"`{choice}`" for choice in rule.choices)
    return f"{'some' if many else 'one'} of {names}"


def to_list(paragraph: str) -> str:
    """Return a paragraph of two aligned columns as a list, and any other as it is.

    >>> print(to_list("a.json   one\\n         line\\nb, c     two"))
    - `a.json`: one line
    - `b, c`: two
    """
    lines = paragraph.splitlines()
    starts = [COLUMNS.match(line) for line in lines]
    if len(lines) < 2 or starts[0] is None:
        return paragraph
    column = starts[0].start(2)
    items: list[str] = []
    for line, start in zip(lines, starts, strict=True):
        if start is not None and start.start(2) == column:
            items.append(f"- `{start[1]}`: {line[column:]}")
        elif line.startswith(" " * column):
            items[-1] += f" {line[column:]}"
        elif NAMES.fullmatch(line):
            items.append(f"- `{line}`")
        else:
            return paragraph
    return "\n".join(items)


def reference(name: str) -> str:
    """Return the full name of a module, class or function as a link, if it has a place in the
    reference, and any other name as code."""
    if not name.startswith("asr."):
        return f"`{name}`"
    return f'<autoref identifier="{name}" optional><code>{name}</code></autoref>'


def to_markdown(text: str) -> str:
    """Return a docstring in which Markdown shows what is meant."""
    text = "\n\n".join(to_list(paragraph) for paragraph in text.split("\n\n"))
    text = ROLE.sub(lambda match: reference(match[1]), text)
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)
