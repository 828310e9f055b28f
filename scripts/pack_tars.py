"""Pack the recordings of a manifest into tar files of a size, for storage that likes large files.

    python scripts/pack_tars.py data/train.jsonl --output data/tars [--megabytes 1000] [--seed 1]

The folder gets ``00000.tar`` and so on, each with an index beside it, and a manifest of the same
name, whose lines lead through the tar files. Recordings are packed as they are, in an order that
the seed shuffles, so that each tar file is a sample of all; the lines keep the order of the
manifest.
"""

import argparse
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from asr.audio.members import write_index
from asr.data.manifest import read_manifest, write_manifest
from asr.errors import AsrError, DataError


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path, help="the manifest")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write")
    parser.add_argument(
        "--megabytes", type=float, default=1000.0, help="the size of a tar file; default: 1000"
    )
    parser.add_argument("--seed", type=int, default=1, help="the seed of the order; default: 1")
    options = parser.parse_args(arguments)
    try:
        pack(options.manifest, options.output, options.megabytes, options.seed)
    except AsrError as error:
        sys.exit(f"error: {error}")


def pack(manifest: Path, output: Path, megabytes: float, seed: int) -> None:
    """Write the tar files and the manifest.

    Raises:
        DataError: the manifest or a recording cannot be read.
    """
    items = read_manifest(manifest)
    recordings = list(dict.fromkeys(item.audio for item in items))
    output.mkdir(parents=True, exist_ok=True)
    packed: dict[Path, Path] = {}
    paths: list[Path] = []
    left = np.random.default_rng(seed).permutation(len(recordings)).tolist()
    try:
        while left:
            paths.append(output / f"{len(paths):05}.tar")
            size = 0
            with tarfile.open(paths[-1], "w") as tar:
                while left and size < megabytes * 1e6:
                    recording = recordings[place := left.pop()]
                    name = f"{place:08}{recording.suffix}"
                    tar.add(recording, name)
                    size += recording.stat().st_size
                    packed[recording] = paths[-1] / name
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    for path in paths:
        write_index(path)
    moved = (replace(item, audio=packed[item.audio].absolute()) for item in items)
    write_manifest(output / manifest.name, moved)
    print(f"{output / manifest.name}: {len(recordings)} recordings in {len(paths)} tar files")


if __name__ == "__main__":
    main()
