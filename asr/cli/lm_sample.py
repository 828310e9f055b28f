"""``asr lm sample``: text that a recurrent language model makes up."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="lm.onnx of asr lm train.")],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="How every text begins.")] = "",
    temperature: Annotated[
        float,
        typer.Option(min=0, help="1: as likely as in the model; lower: surer; 0: always the best."),
    ] = 1.0,
    count: Annotated[int, typer.Option(min=1, help="Number of texts.")] = 1,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest text, in words or characters.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same texts.")] = 1,
) -> None:
    """Print texts drawn from a model, one a line."""
    from asr.lm.recurrent_lm import read_recurrent_lm
    from asr.lm.sampling import sample_texts
    from asr.text import normalize

    opened = read_recurrent_lm(model)
    for text in sample_texts(opened, normalize(prompt), temperature, count, max_tokens, seed):
        print(text)
