"""``asr lm sample`` prints text that a recurrent language model makes up."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The file lm.onnx of asr lm train.")
    ],
    prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="Begin every text with these words.")
    ] = "",
    temperature: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0,
            help="1 draws by the probabilities of the model, lower values prefer likely words, 0 "
            "always takes the likeliest.",
        ),
    ] = 1.0,
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Print this many texts.")] = 1,
    max_tokens: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Stop each text after this many words or characters."
        ),
    ] = 100,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="The same seed gives the same texts.")
    ] = 1,
) -> None:
    """Print texts that a model makes up, one on each line."""
    from asr.lm.recurrent_lm import read_recurrent_lm
    from asr.lm.sampling import sample_texts
    from asr.text import normalize

    opened = read_recurrent_lm(model)
    for text in sample_texts(opened, normalize(prompt), temperature, count, max_tokens, seed):
        print(text)
