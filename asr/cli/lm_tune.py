"""``asr lm tune`` chooses the weights of beam search on a development set."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.options import (
    PATH,
    check_picture,
    lexicon_option,
    lm_option,
    needs_plots,
    rescore_lm_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asr.evaluation.tuning import Trial, Tuning


@click.command()
@click.option(
    "--manifest",
    required=True,
    type=PATH,
    metavar="FILE",
    help="The development set, neither trained on nor tested on.",
)
@click.option(
    "--model",
    required=True,
    type=PATH,
    metavar="DIR",
    help="The model directory, into which the result is written.",
)
@lm_option
@lexicon_option
@rescore_lm_option
@click.option(
    "--ship-lm",
    type=PATH,
    metavar="FILE",
    help="Put this language model in the directory instead of the tuned one: it is of the same "
    "kind, but built from the development texts too.",
)
@click.option(
    "--ship-lexicon",
    type=PATH,
    metavar="FILE",
    help="Put this lexicon in the directory, likewise.",
)
@click.option(
    "--ship-rescore-lm",
    type=PATH,
    metavar="FILE",
    help="Put this recurrent model in the directory, likewise.",
)
@click.option(
    "--attention",
    is_flag=True,
    help="Choose the weight of the model's decoder with attention too.",
)
@click.option(
    "--dev-sets",
    is_flag=True,
    help="Weigh all sets of the manifest alike, which the field set of its lines names.",
)
@click.option(
    "--by-default",
    is_flag=True,
    help="Let the model recognise by beam search unless another decoder is asked for.",
)
@click.option("--dry-run", is_flag=True, help="Show the result and leave the directory as it is.")
@click.option(
    "--plot",
    type=PATH,
    metavar="FILE.png",
    callback=check_picture,
    help="Draw a picture of the surface (.png, .pdf or .svg); needs the extra plots.",
)
def tune(
    manifest: Path,
    model: Path,
    lm: str | None,
    lexicon: str | None,
    rescore_lm: str | None,
    ship_lm: Path | None,
    ship_lexicon: Path | None,
    ship_rescore_lm: Path | None,
    attention: bool,
    dev_sets: bool,
    by_default: bool,
    dry_run: bool,
    plot: Path | None,
) -> None:
    """Choose the weights of beam search on a development set.

    The acoustic model runs once. Then LM weight, word bonus and the score of unknown words are
    searched on a grid, and after them the narrowest beam that is as good as the widest, and the
    weight and share of a recurrent model, and the weight of a decoder with attention. The chosen
    settings, the language models and the lexicon go into the model directory, where asr transcribe
    --decoder beam, --rescore and --attention find them.
    """
    from dataclasses import replace

    from asr.decoding.bundle import open_bundle, write_bundle
    from asr.decoding.lexicon import read_lexicon
    from asr.evaluation.reliability import fit_beam
    from asr.evaluation.tuning import tune_manifest
    from asr.files import sha256
    from asr.lm.ngram_file import read_lm
    from asr.lm.recurrent_lm import read_recurrent_lm
    from asr.model.directory import read_model

    bundle = open_bundle(model, read_model(model), lm, lexicon, rescore_lm)
    shipped_lm = read_lm(ship_lm) if ship_lm else bundle.lm
    shipped_words = tuple(read_lexicon(ship_lexicon)) if ship_lexicon else bundle.lexicon
    shipped_rescore_lm = (
        read_recurrent_lm(ship_rescore_lm) if ship_rescore_lm else bundle.rescore_lm
    )
    if plot is not None:
        needs_plots()
    tuning, overlap = tune_manifest(manifest, model, bundle, attention, dev_sets)
    _show(tuning)
    if overlap is not None and overlap.warning:
        print(f"warning: {manifest}: {overlap.warning}", file=sys.stderr)
    if plot is not None:
        _plot(tuning, plot)
    if dry_run:
        return
    provenance = {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
        "dev": str(tuning.chosen.errors),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    tuned = replace(bundle, options=tuning.chosen.options, provenance=provenance)
    calibrator = fit_beam(model, manifest, tuned)
    attended = fit_beam(model, manifest, tuned, attention=True) if attention else None
    shipped = replace(tuned, lm=shipped_lm, lexicon=shipped_words, rescore_lm=shipped_rescore_lm)
    info = write_bundle(model, shipped, calibrator, by_default, attended)
    option = "" if info.decoder == "beam" else " --decoder beam"
    option += " --attention" if attention else ""
    print(f"written into {model}; used by: asr transcribe --model {model}{option}")


def _show(tuning: "Tuning") -> None:
    """Print tables of the tuning to standard output."""
    from rich.console import Console
    from rich.table import Table

    from asr.evaluation.tuning import LM_WEIGHTS, RESCORE_SHARES

    console = Console()
    title = "word errors by LM weight and word bonus"
    if tuning.chosen.weighed is not None:
        title = f"{title}, if all sets had equally many words"
    if tuning.word_cost:
        title += f",\nto which LM weight x {tuning.word_cost:g} is added, the cost of a word"
    table = Table("LM weight", *(f"{bonus:+g}" for bonus in tuning.word_bonuses), title=title)
    for weight, row in zip(tuning.lm_weights, tuning.surface, strict=True):
        table.add_row(f"{weight:g}", *_cells(row, tuning.middle))
    console.print(table)
    if tuning.unknown:
        scores = ", ".join(
            f"{trial.options.unknown_score:g}: {trial.compared:.0f}" for trial in tuning.unknown
        )
        console.print(f"fewest word errors by score of unknown words: {scores}")
    beams = Table("beam size", "threshold", "word errors", "seconds")
    for trial in tuning.beams:
        beams.add_row(
            str(trial.options.beam_size),
            f"{trial.options.beam_threshold:g}",
            f"{trial.compared:.0f}",
            f"{trial.seconds:.3f}",
        )
    console.print(beams)
    if tuning.rescoring:
        rescoring = Table(
            "LM weight",
            *(f"share {share:g}" for share in RESCORE_SHARES),
            title="word errors by LM weight and share of the recurrent model",
        )
        for weight, trials in zip(LM_WEIGHTS, tuning.rescoring, strict=True):
            rescoring.add_row(f"{weight:g}", *_cells(trials, tuning.chosen))
        console.print(rescoring)
    options = tuning.chosen.options
    attention = f", attention weight {options.attention_weight:g}" if tuning.attention else ""
    if tuning.attention:
        counts = ", ".join(
            f"{trial.options.attention_weight:g}: {trial.compared:.0f}"
            for trial in tuning.attention
        )
        console.print(f"word errors by weight of the decoder with attention: {counts}")
    console.print(
        f"chosen: LM weight {options.lm_weight:g}, word bonus {options.word_bonus:g}, "
        f"unknown score {options.unknown_score:g}, beam {options.beam_size}, threshold "
        f"{options.beam_threshold:g}{attention}: {tuning.chosen.errors}",
        markup=False,
        highlight=False,
    )


def _cells(trials: "Sequence[Trial]", taken: "Trial") -> list[str]:
    """Return the word errors of ``trials`` as text, those of the trial ``taken`` in reverse
    video."""
    errors = [(trial is taken, f"{trial.compared:.0f}") for trial in trials]
    return [f"[reverse]{count}[/]" if mark else count for mark, count in errors]


def _plot(tuning: "Tuning", path: Path) -> None:
    """Draw the surface as a picture."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    from asr.report.summary_picture import write_figure

    rates = [[100 * trial.errors.rate for trial in row] for row in tuning.surface]
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    image = axes.imshow(rates, aspect="auto", origin="lower", cmap="viridis_r")
    axes.set_xticks(range(len(tuning.word_bonuses)), [f"{x:g}" for x in tuning.word_bonuses])
    axes.set_yticks(range(len(tuning.lm_weights)), [f"{x:g}" for x in tuning.lm_weights])
    added = f", to which LM weight x {tuning.word_cost:g} is added" if tuning.word_cost else ""
    axes.set(
        xlabel=f"word bonus{added}",
        ylabel="LM weight",
        title="Word error rate on the development set",
    )
    lightest = min(map(min, rates)) + 0.5 * (max(map(max, rates)) - min(map(min, rates)))
    for y, row in enumerate(tuning.surface):
        for x, trial in enumerate(row):
            axes.text(
                x, y, f"{rates[y][x]:.1f}", ha="center", va="center", fontsize=8,
                color="white" if rates[y][x] > lightest else "black",
                fontweight="bold" if trial is tuning.middle else "normal",
            )  # fmt: skip
    figure.colorbar(image, label="WER (%)")
    write_figure(figure, path)
