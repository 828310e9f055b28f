"""``asr evaluate``: a manifest and a model to a word error rate."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from asr.cli.score import print_score
from asr.cli.search import decodes


@decodes
def evaluate(
    manifest: Annotated[
        Path, typer.Option(metavar="FILE", help="A JSON Lines manifest with texts.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A model directory; default: the one in the package."),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            "-o",
            metavar="DIR",
            help="Write results.json, ref.trn and hyp.trn here.",
        ),
    ] = None,
    training_manifest: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Also score the texts that are not in this manifest; repeatable."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Files recognised at once.")] = 16,
    *,
    search: dict[str, Any],
) -> None:
    """Transcribe a manifest and score it: WER, CER and counts."""
    from asr.report.evaluate import evaluate as evaluate_manifest
    from asr.report.evaluate import results
    from asr.report.results import write_results
    from asr.transcriber import Transcriber

    transcriber = Transcriber(model, **search)
    evaluation = evaluate_manifest(manifest, transcriber, training_manifest or [], batch_size)
    if output_dir is not None:
        write_results(output_dir, results(evaluation, manifest, transcriber))
    print_score(evaluation.score, evaluation.interval)
    if evaluation.unseen is not None:
        unseen = evaluation.unseen
        print(f"WER  {unseen.words} on the {unseen.sentences} texts not in the training manifests")
    if evaluation.overlap is not None:
        print(f"language model: {evaluation.overlap}")
        if evaluation.overlap.warning:
            print(f"warning: {manifest}: {evaluation.overlap.warning}", file=sys.stderr)
    speed = evaluation.duration / evaluation.seconds
    print(
        f"{len(evaluation.utterances)} utterances, {evaluation.duration / 60:.2f} min of audio in "
        f"{evaluation.seconds:.2f} s ({speed:.0f} times real time)"
    )
