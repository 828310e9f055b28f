"""Prepare the data of the model in the package: AN4, FSDD and synthetic speech, as manifests.

    python recipes/letters_and_digits/prepare.py --an4 an4_sphere.tar.gz \\
        --fsdd free-spoken-digit-dataset.tar.gz --data data

The data are letters, digits, numbers and control words. The script prepares both corpora by their
own recipes, as ``DATA/an4`` and ``DATA/fsdd``. Because some stages hear them several times in an
epoch, it also writes a manifest of each in which every training utterance stands several times.
Then it has the synthesisers speak ``DATA/synthetic`` to ``DATA/synthetic-5``. Nothing that exists
already is made again.
"""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from stages import SPEECH, TIMES

from asr.data.manifest import read_manifest, write_manifest
from asr.errors import AsrError, DataError

HERE = Path(__file__).parent
PARTS = {"an4": ("train", "dev", "test"), "fsdd": ("train", "dev", "test", "test_strings")}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--an4", type=Path, metavar="FILE", help="the official an4_sphere.tar.gz")
    parser.add_argument("--fsdd", type=Path, metavar="FILE", help="the dataset as .tar.gz")
    parser.add_argument(
        "--download", action="store_true", help="fetch the archives that are not given"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="the folder of all data; default: data"
    )
    parser.add_argument(
        "--hours",
        type=float,
        default=2.0,
        help="the first stage hears this much synthetic speech, the others in proportion; "
        "default: 2",
    )
    options = parser.parse_args(arguments)
    archives = {"an4": options.an4, "fsdd": options.fsdd}
    try:
        for corpus, archive in archives.items():
            prepare(corpus, archive, options.download, options.data / corpus)
            repeat(options.data / corpus / "train.jsonl", TIMES[corpus])
        for name, (share, how) in SPEECH.items():
            synthesise(options.data / name, share * options.hours, *how)
    except AsrError as error:
        sys.exit(f"error: {error}")


def prepare(corpus: str, archive: Path | None, download: bool, output: Path) -> None:
    """Make the manifests of a corpus by its recipe, unless they exist.

    Raises:
        DataError: no archive is given and none may be downloaded, or the recipe fails.
    """
    if all((output / f"{part}.jsonl").exists() for part in PARTS[corpus]):
        return
    if archive is None and not download:
        raise DataError(f"{output} is not prepared: needs --{corpus} FILE, or --download")
    source = ["--download"] if archive is None else ["--archive", archive]
    call(HERE.parent / corpus / "prepare.py", *source, "--output", output)


def synthesise(output: Path, hours: float, *more: str) -> None:
    """Make synthetic speech, unless ``train.jsonl``, which is written last, exists already."""
    if not (output / "train.jsonl").exists():
        call(HERE / "make_synthetic.py", "--output", output, "--hours", hours, *more)


def repeat(manifest: Path, times: int) -> None:
    """Write another manifest beside this one, with each of its utterances ``times`` times."""
    items = [
        replace(item, id=f"{item.id}-{count}" if count > 1 else item.id)
        for count in range(1, times + 1)
        for item in read_manifest(manifest)
    ]
    write_manifest(manifest.with_name(f"{manifest.stem}_{times}_times.jsonl"), items)


def call(script: Path, *arguments: object) -> None:
    """Run a script in a process of its own.

    Raises:
        DataError: the script failed; it has printed why.
    """
    done = subprocess.run([sys.executable, str(script), *map(str, arguments)])
    if done.returncode:
        raise DataError(f"{script.name} failed")


if __name__ == "__main__":
    main()
