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


def to_markdown(text: str) -> str:
    """Return a docstring in which Markdown shows what is meant."""
    text = ROLE.sub(r"`\1`", text)
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)
