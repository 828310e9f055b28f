"""``asr lm evaluate`` measures how well language models predict a text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.options import PATH

if TYPE_CHECKING:
    from asr.lm.perplexity import Perplexity


@click.command()
@click.argument(
    "models",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="MODEL...",
    help="Models of asr lm build, or .onnx files of asr lm train.",
)
@click.option(
    "--text",
    required=True,
    type=PATH,
    metavar="FILE",
    help="Plain text with a sentence on each line, or a .jsonl manifest.",
)
@click.option(
    "--dev",
    type=PATH,
    metavar="FILE",
    help="Other text, for which the weights of a mixture of the models are chosen.",
)
def evaluate(
    models: tuple[Path, ...],
    text: Path,
    dev: Path | None,
) -> None:
    """Print the perplexity of a text.

    With several models and --dev, their mixture is measured too, in which the probabilities of each
    model have a fixed weight.
    """
    from asr.data.texts import read_texts
    from asr.lm.ngram_file import read_lm
    from asr.lm.perplexity import best_weights, count, mix, token_scores
    from asr.lm.recurrent_lm import read_recurrent_lm

    if dev is not None and len(models) < 2:
        raise click.BadParameter("a mixture needs several models", param_hint="--dev")
    texts = read_texts(text)
    dev_texts = read_texts(dev) if dev else []
    opened = [
        read_recurrent_lm(path) if path.suffix == ".onnx" else read_lm(path) for path in models
    ]
    scores = [token_scores(model, texts) for model in opened]
    for path, item in zip(models, scores, strict=True):
        _show(str(path), count(texts, item))
    if dev is not None:
        weights = best_weights([token_scores(model, dev_texts) for model in opened])
        parts = [f"{weight:.3f} {path}" for weight, path in zip(weights, models, strict=True)]
        _show(" + ".join(parts), count(texts, mix(scores, weights)))


def _show(name: str, result: "Perplexity") -> None:
    print(f"{name}: {result}; {result.per_word:.2f} a word, {result.per_character:.3f} a character")
