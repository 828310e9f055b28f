"""``asr data``: the commands for manifests."""

import click

from asr.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    members={
        "validate": "asr.cli.data_validate:validate",
        "stats": "asr.cli.data_stats:stats",
        "import": "asr.cli.data_import:importing",
        "export": "asr.cli.data_export:exporting",
    },
)
def data() -> None:
    """Check, describe and convert manifests."""
