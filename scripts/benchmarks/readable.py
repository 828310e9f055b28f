"""Measure what the readable form of transcripts costs.

    python scripts/benchmarks/readable.py --manifest data/an4/test.jsonl

The script runs ``asr transcribe`` with and without ``--verbatim`` in turn on three seconds and on
an hour of audio, and prints the medians of their seconds and their peak memory. The audio is made
of the recordings of the manifest, or else of those in samples/. Let nothing else run meanwhile.
"""

import statistics
import tempfile
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from workload import Maker, make_parser, process, read_recordings

from asr.audio.read import Samples

FORMS = {"readable": [], "recognised words": ["--verbatim"]}


def main() -> None:
    """Measure everything and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        nargs="+",
        default=[3, 3600],
        help="the lengths of the audio; default: 3 3600",
    )
    parser.add_argument(
        "--repeats",
        type=int,
        nargs="+",
        default=[21, 5],
        help="how often each is transcribed; default: 21 5",
    )
    options = parser.parse_args()
    if len(options.seconds) != len(options.repeats):
        parser.error("--repeats needs a number for each of --seconds")
    recordings = read_recordings(options.manifest)
    table = Table("audio", "form", "seconds", "peak memory, MB", box=MARKDOWN)
    for seconds, repeats in zip(options.seconds, options.repeats, strict=True):
        for form, (median, peak) in measure(options.model, recordings, seconds, repeats).items():
            table.add_row(f"{seconds:g} s", form, f"{median:.3f}", f"{peak:.0f}")
    Console().print(table)


def measure(
    model: Path, recordings: list[Samples], seconds: float, repeats: int
) -> dict[str, tuple[float, float]]:
    """Return the median seconds and the highest memory (MB) of each form."""
    times: dict[str, list[float]] = {form: [] for form in FORMS}
    peaks: dict[str, list[float]] = {form: [] for form in FORMS}
    with tempfile.TemporaryDirectory() as folder:
        path = Maker(Path(folder), recordings).joined(seconds)
        for _ in range(repeats):
            for form, extra in FORMS.items():
                taken, peak = process(["transcribe", "--model", str(model), *extra, str(path)], 1)
                times[form].append(taken)
                peaks[form].append(peak)
    return {form: (statistics.median(times[form]), max(peaks[form])) for form in FORMS}


if __name__ == "__main__":
    main()
