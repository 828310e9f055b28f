"""``asr data stats`` describes what is in manifests."""

from pathlib import Path

import click

from asr.cli.options import PATH, check_picture, needs_plots


@click.command()
@click.argument(
    "manifests",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="FILE...",
    help="JSON Lines manifests, such as training, development and test set.",
)
@click.option(
    "--audio",
    type=click.IntRange(min=0),
    default=300,
    metavar="N",
    help="Decode this many recordings of each manifest to measure levels and clipping.",
)
@click.option(
    "--seed", type=int, default=0, metavar="N", help="Seed by which these recordings are drawn."
)
@click.option(
    "--json",
    "json_file",
    type=PATH,
    metavar="FILE",
    help="Write all numbers to this file.",
)
@click.option(
    "--plot",
    type=PATH,
    metavar="FILE.png",
    callback=check_picture,
    help="Draw the distributions to this file (.png, .pdf or .svg); needs the extra plots.",
)
def stats(
    manifests: tuple[Path, ...],
    audio: int,
    seed: int,
    json_file: Path | None,
    plot: Path | None,
) -> None:
    """Describe what is in manifests.

    Prints how much is said, by whom, how fast, in which words and how loud. For several manifests,
    also prints the speakers, texts and recordings that they share, and the words that the first one
    lacks.
    """
    from rich.console import Console

    from asr import files
    from asr.cli.progress import CountProgress
    from asr.data.summary import summarize_manifests, to_json
    from asr.model.directory import default_model, read_model
    from asr.report.summary_tables import names, print_summary

    if plot is not None:
        needs_plots()
    with CountProgress("recordings") as progress:
        info = read_model(default_model())
        comparison = summarize_manifests(manifests, info, audio, seed, progress.reached)
    print_summary(comparison, Console(highlight=False, markup=False))
    if json_file:
        text = files.to_json(to_json(comparison), indent=1)
        files.write_atomically(json_file, text + "\n")
    if plot is not None:
        from asr.report.summary_picture import draw_statistics

        draw_statistics(comparison.manifests, names(manifests), plot)
