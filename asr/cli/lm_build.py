"""``asr lm build`` estimates an n-gram language model from text."""

import re
import sys
from enum import StrEnum
from pathlib import Path

import click

from asr.cli.options import PATH, output_option

ARPA, BINARY = (".arpa", ".arpa.gz", ".arpa.bz2", ".arpa.xz"), ".ngram"


class Unit(StrEnum):
    """Units that n-grams are made of."""

    word = "word"
    character = "character"


def _check_prune(_: click.Context, __: click.Parameter, text: str) -> str:
    if not re.fullmatch(r"\d+([ ,]+\d+)*", text.strip()):
        raise click.BadParameter(f"{text!r} needs to be counts such as 0,0,1")
    return text


@click.command()
@click.argument(
    "texts",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="TEXT...",
    help="Plain text with a sentence on each line (also .gz, .xz), or .jsonl manifests.",
)
@output_option(
    "FILE", "Write NAME.arpa (also .gz, .bz2, .xz), which other tools read, or NAME.ngram (binary)."
)
@click.option(
    "--order",
    type=click.IntRange(min=1, max=6),
    default=3,
    metavar="N",
    help="Length of the longest n-grams.",
)
@click.option(
    "--unit", type=click.Choice(Unit), default=Unit.word, help="Units that n-grams are made of."
)
@click.option(
    "--prune",
    default="0",
    metavar="COUNTS",
    callback=_check_prune,
    help="For each order, leave out n-grams that occur this often or less, e.g. 0,0,1.",
)
@click.option(
    "--vocabulary",
    type=PATH,
    metavar="FILE",
    help="Use only the words in this file, one on each line; all others become <unk>.",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "32"]),
    default="8",
    help="Bits of a probability in NAME.ngram: 8 round those of each order to 256 values, which "
    "halves the file; 32 keep all as they are.",
)
@click.option(
    "--heldout",
    type=PATH,
    metavar="FILE",
    help="Print the perplexity of this text.",
)
@click.option(
    "--test-text",
    type=PATH,
    metavar="FILE",
    help="Print how much of this text occurs in TEXT.",
)
def build(
    texts: tuple[Path, ...],
    output: Path,
    order: int,
    unit: Unit,
    prune: str,
    vocabulary: Path | None,
    bits: str,
    heldout: Path | None,
    test_text: Path | None,
) -> None:
    """Estimate an n-gram model from text.

    The estimate is interpolated modified Kneser-Ney smoothing.
    """
    from asr.data.texts import read_texts
    from asr.lm.arpa import write_arpa
    from asr.lm.kneser_ney import estimate
    from asr.lm.ngram_file import write_binary
    from asr.lm.overlap import model_overlap, text_overlap
    from asr.lm.packing import pack
    from asr.lm.perplexity import perplexity

    if not output.name.endswith((*ARPA, BINARY)):
        raise click.BadParameter(
            f"{output} needs to end in {', '.join(ARPA)} or {BINARY}", param_hint="--output"
        )
    # Inputs that can be wrong are read before the long work.
    heldout_texts = read_texts(heldout) if heldout else None
    test_texts = read_texts(test_text) if test_text else None
    words = read_texts(vocabulary) if vocabulary else None
    lines = [line for path in texts for line in read_texts(path)]
    thresholds = [int(count) for count in re.split(r"[ ,]+", prune.strip())]
    kind = "word" if unit is Unit.word else "token"
    result = estimate(lines, order, kind, thresholds, words)
    if output.name.endswith(BINARY):
        model = pack(result.ngrams, int(bits))
        write_binary(output, model)
    else:
        model = result.model
        write_arpa(output, result.ngrams)

    for k, count in enumerate(model.counts, start=1):
        pruned = f" of {result.seen[k - 1]}" if result.seen[k - 1] != count else ""
        values = " ".join(f"{value:.3f}" for value in result.discounts[k - 1])
        fixed = ", fixed: too little text to estimate them" if result.fixed[k - 1] else ""
        print(f"{k}-grams: {count}{pruned}, discounts {values}{fixed}")
    if heldout_texts is not None:
        print(f"{heldout}: {perplexity(model, heldout_texts)}")
    if test_texts is not None:
        seen, held = text_overlap(lines, test_texts, order, kind), model_overlap(model, test_texts)
        print(f"{test_text}: {seen}")
        print(f"{test_text}: {held}")
        for warning in filter(None, (seen.warning, held.warning)):
            print(f"warning: {test_text}: {warning}", file=sys.stderr)
