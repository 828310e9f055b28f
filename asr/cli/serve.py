"""``asr serve`` answers requests over HTTP."""

from pathlib import Path
from typing import Any

import click

from asr.cli.options import decodes, model_option


@click.command(context_settings={"auto_envvar_prefix": "ASR_SERVE"})
@model_option
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Listen at this address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    metavar="N",
    help="Listen at this port; 0: any free one.",
)
@decodes
def serve(model: Path | None, host: str, port: int, search: dict[str, Any]) -> None:
    """Serve transcriptions over HTTP, in OpenAI's interface."""
    from asr.errors import needs_extra

    with needs_extra("asr serve needs", "serve"):
        from asr.serving.run import serve as run
    from asr.serving.settings import Settings

    run(Settings(model=model, host=host, port=port, search=search))
