"""``asr score`` scores the texts of any recogniser against references."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.cli.options import PATH, check_open, open_report_option, report_folder, show_page
from asr.counts import counted
from asr.evaluation.formats import FORMATS

if TYPE_CHECKING:
    from asr.evaluation.interval import Interval
    from asr.evaluation.scoring import Score

NO_INTERVAL = "no interval: too few utterances, or too unlike each other"

FILES = ".trn, .stm, .ctm, .jsonl, .srt, .vtt, .tsv, Kaldi's text, or .txt with a text a line"


@click.command()
@click.argument("reference", type=PATH, metavar="REF", help=f"What was said: {FILES}.")
@click.argument(
    "hypothesis",
    type=PATH,
    metavar="HYP",
    help="What was recognised, in the same formats.",
)
@click.option(
    "--ref-format",
    type=click.Choice(FORMATS),
    help="Format of REF, where its name does not tell it.",
)
@click.option(
    "--hyp-format",
    type=click.Choice(FORMATS),
    help="Format of HYP, where its name does not tell it.",
)
@report_folder
@open_report_option
@click.option(
    "--normalization",
    default="basic",
    metavar="NAME",
    help="Change both texts before they are compared. basic: lower case, NFC and single spaces. "
    "no-punctuation: also without punctuation and symbols. spoken: also with English figures that "
    "are said in one way, such as 42, as words. characters and "
    "no-punctuation-characters do the same and score characters, for languages in which nothing "
    "separates words.",
)
@click.option(
    "--display",
    is_flag=True,
    help="Also score the marks and capitals of the texts as they are written, in figures of their "
    "own; for files that are not NIST's.",
)
def score(
    reference: Path,
    hypothesis: Path,
    ref_format: str | None,
    hyp_format: str | None,
    output_dir: Path | None,
    open_report: bool,
    normalization: str,
    display: bool,
) -> None:
    """Score the texts of any recogniser.

    Prints the word and character error rates with their counts. Utterances are matched by their
    ids: (speaker-utterance) in trn files, "id" or the name of the audio file in JSON Lines, the
    first word of a line in Kaldi's text, the line number in plain text. The words of a ctm file are
    divided between the segments of an stm file by their times; what a ctm file does not list counts
    as empty. Subtitles and tables are one utterance. - is standard input.
    """
    from asr.evaluation.interval import wer_interval
    from asr.evaluation.normalization import SPOKEN, find_normalization
    from asr.evaluation.results import common_values, write_results
    from asr.evaluation.scoring import score as score_texts
    from asr.evaluation.transcripts import (
        STANDARD_INPUT,
        doubt,
        pair_transcripts,
        read_transcripts,
    )
    from asr.report.page import write_report

    check_open(open_report, output_dir)
    if str(reference) == str(hypothesis) == STANDARD_INPUT:
        raise click.BadParameter("only one of REF and HYP can be standard input", param_hint="HYP")
    applied = find_normalization(normalization)
    references = read_transcripts(reference, True, ref_format)
    hypotheses = read_transcripts(hypothesis, False, hyp_format)
    items = pair_transcripts(references, hypotheses)
    if warning := doubt(references, hypotheses):
        print(f"warning: {warning}", file=sys.stderr)
    written = [item.pop("written") for item in items]
    if display:
        print_display(written)
    if applied.name == SPOKEN.name:
        print_uncertain(items)
    for item in items:
        for side in ("reference", "hypothesis"):
            item[side] = applied.apply(item[side])
    if any(len(item.get("words", ())) != len(item["hypothesis"].split()) for item in items):
        for item in items:  # normalisation changed the words that the times belong to
            item.pop("words", None)
    texts = [(item["reference"], item["hypothesis"]) for item in items]
    result = score_texts([one for one, _ in texts], [two for _, two in texts], applied.unit)
    interval = wer_interval(result.by_utterance, [item["speaker"] for item in items])
    print_score(result, interval, applied.unit)
    print(f"{counted(len(items), 'utterance')}")
    if output_dir is not None:
        files = {"reference": references, "hypothesis": hypotheses}
        sources = {
            name: {"path": str(item.path), "sha256": item.sha256} for name, item in files.items()
        }
        values = common_values(items, result, interval, applied) | {"texts": sources}
        page = write_report(output_dir, [write_results(output_dir, values)])
        show_page(page, open_report)


def print_display(written: "list[tuple[str | None, str | None]]") -> None:
    """Print how well the marks and capitals of written texts agree.

    Raises:
        DataError: a format that does not keep them.
    """
    from asr.errors import DataError
    from asr.evaluation.display_scores import score_display

    pairs = [(one, two) for one, two in written if one is not None and two is not None]
    if len(pairs) < len(written):
        raise DataError(
            "--display needs texts with their marks and capitals: a text a line, JSON, Kaldi's "
            "text, subtitles or tables, none of NIST's formats"
        )
    result = score_display([one for one, _ in pairs], [two for _, two in pairs])
    for mark in result.marks:
        print(mark)
    print(f"case {result.case}")


def print_uncertain(items: "list[dict[str, Any]]") -> None:
    """Note which figures of the texts are scored as they are, because people say them in several
    ways."""
    from asr.display.spoken import to_spoken

    for side in ("reference", "hypothesis"):
        found = [token for item in items for token in to_spoken(item[side]).uncertain]
        if found:
            shown = ", ".join(dict.fromkeys(found[:5]))
            print(
                f"note: {counted(len(found), 'figure')} of the {side} can be said in several ways "
                f"and stayed as written: {shown}{', …' if len(found) > 5 else ''}",
                file=sys.stderr,
            )


def print_score(score: "Score", interval: "Interval | None", unit: str) -> None:
    """Print a score; ``unit`` is ``"word"``, or ``"character"`` where these were scored."""
    print(f"{'WER' if unit == 'word' else 'CER'}  {score.words}")
    if interval is not None:
        print(f"     {interval}")
    elif len(score.by_utterance) > 1 and score.words.reference:
        print(f"     {NO_INTERVAL}")
    if unit == "word":
        print(f"CER  {score.characters}, spaces counted")
        print(f"CER  {score.characters_without_spaces}, spaces stripped")
    print(f"SER  {100 * score.ser:.2f} % [{score.sentence_errors} / {score.sentences}]")
