"""``asr lm sample`` prints text that a recurrent language model makes up."""

from pathlib import Path

import click

from asr.cli.options import PATH


@click.command()
@click.argument(
    "model",
    type=PATH,
    help="The file lm.onnx of asr lm train.",
)
@click.option(
    "--prompt",
    default="",
    show_default=False,
    metavar="TEXT",
    help="Begin every text with these words.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    default=1.0,
    metavar="X",
    help="1 draws by the probabilities of the model, lower values prefer likely words, 0 always "
    "takes the likeliest.",
)
@click.option(
    "--count", type=click.IntRange(min=1), default=1, metavar="N", help="Print this many texts."
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=100,
    metavar="N",
    help="Stop each text after this many words or characters.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    metavar="N",
    help="The same seed gives the same texts.",
)
def sample(
    model: Path,
    prompt: str,
    temperature: float,
    count: int,
    max_tokens: int,
    seed: int,
) -> None:
    """Print texts that a model makes up, one on each line."""
    from asr.lm.recurrent_lm import read_recurrent_lm
    from asr.lm.sampling import sample_texts
    from asr.text import normalize

    opened = read_recurrent_lm(model)
    for text in sample_texts(opened, normalize(prompt), temperature, count, max_tokens, seed):
        print(text)
