"""Groups of commands that import a command when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group of commands, each imported when it runs or when its help is shown.

    ``members`` maps the names of the commands, in the order of the help page, to where they are
    defined: ``"module:attribute"``.
    """

    def __init__(self, *args: Any, members: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.members = members

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, None if there is no such command."""
        if cmd_name not in self.members:
            return None
        module, _, attribute = self.members[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command
