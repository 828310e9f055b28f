"""The help of commands, with arguments by their names alone.

Typer puts the Python type behind an argument ("AUDIO <list[str]>") and braces around it in the
line of usage, which are no part of what a user types.
"""

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help shows arguments as ``NAME``, ``NAME...`` or ``[NAME]``.

    It is given to ``typer.Typer.command`` as ``cls``.
    """

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the line of usage."""
        pieces = [self.options_metavar or ""]
        for item in self.get_params(ctx):
            if item.param_type_name == "argument":
                name = str(item.metavar) if item.required else f"[{item.metavar}]"
                pieces.append(name if item.nargs == 1 else f"{name}...")
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of arguments and of options."""
        for title in ("Arguments", "Options"):
            lines = []
            for item in self.get_params(ctx):
                line = item.get_help_record(ctx)
                if line is None or not title.lower().startswith(item.param_type_name):
                    continue
                lines.append((str(item.metavar), line[1]) if title == "Arguments" else line)
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)
