"""``asr evaluate`` scores a model on a manifest."""

import sys
from pathlib import Path
from typing import Any

import click

from asr.cli.options import (
    PATH,
    batch_size_option,
    check_open,
    decodes,
    model_option,
    open_report_option,
    report_folder,
    show_page,
)
from asr.cli.score import print_score
from asr.counts import counted


@click.command()
@click.option(
    "--manifest",
    required=True,
    type=PATH,
    metavar="FILE",
    help="A JSON Lines manifest with texts.",
)
@model_option
@report_folder
@open_report_option
@click.option(
    "--training-manifest",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="Count what the test set shares with this manifest, and score the texts that are not in "
    "it separately; repeatable.",
)
@batch_size_option
@decodes
def evaluate(
    manifest: Path,
    model: Path | None,
    output_dir: Path | None,
    open_report: bool,
    training_manifest: tuple[Path, ...],
    batch_size: int,
    search: dict[str, Any],
) -> None:
    """Transcribe a manifest and score the result.

    Prints the word and character error rates with their counts, or the character error rate alone
    if nothing separates words in the model's language. With --output-dir, errors are also
    attributed to their causes, and a page for a browser shows everything, recordings included.
    """
    import asr
    from asr.evaluation.normalization import model_normalization

    check_open(open_report, output_dir)
    transcriber = asr.load(model, display=False, **search)
    evaluation = asr.evaluate(
        manifest, transcriber, training_manifests=training_manifest or (), batch_size=batch_size
    )
    unit = model_normalization(transcriber.model.vocabulary).unit
    print_score(evaluation.score, evaluation.interval, unit)
    if evaluation.unseen is not None:
        unseen = evaluation.unseen
        texts = f"the {unseen.sentences} texts not in the training manifests"
        print(f"{'WER' if unit == 'word' else 'CER'}  {unseen.words} on {texts}")
    if evaluation.leakage is not None:
        print(evaluation.leakage)
    if evaluation.lm_overlap is not None:
        print(f"language model: {evaluation.lm_overlap}")
        if evaluation.lm_overlap.warning:
            print(f"warning: {manifest}: {evaluation.lm_overlap.warning}", file=sys.stderr)
    speed = evaluation.duration / evaluation.seconds
    print(
        f"{counted(len(evaluation.utterances), 'utterance')}, {evaluation.duration / 60:.2f} "
        "min of audio in "
        f"{evaluation.seconds:.2f} s ({speed:.0f} times real time)"
    )
    if output_dir is not None:
        from asr.report.page import write_evaluation

        show_page(write_evaluation(output_dir, evaluation, transcriber), open_report)
