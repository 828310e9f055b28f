"""Prepare the King James Bible: make texts of Debian's package bible-kjv.

    apt-get install bible-kjv
    python recipes/kjv/prepare.py --output data/kjv

The script writes ``train.txt``, ``dev.txt`` and ``test.txt``, with one verse in each line, in lower
case and without punctuation. ``words.txt`` lists the words that stand twice or more in the training
text. Of every twenty chapters, one is for development and one for the test.
"""

import argparse
import hashlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from asr.counts import counted
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.text import normalize

COMMAND = ("bible", "-f", "gen1:1-rev22:21")
SHA256 = "cd45f0c9cedab8e4439bd6486c8952c77cc8b0ecc5d1f6ae3513f2039f47229d"
CHAPTERS = 20
PLACES = {"dev": 9, "test": 19}
"""The place of a part's chapter among every twenty chapters, counted from 0."""

MIN_COUNT = 2
VERSE = re.compile(r"(\w+?\d+):\d+ (.+)")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help=f"a file with the output of {' '.join(COMMAND)}")
    parser.add_argument(
        "--output", type=Path, default=Path("data/kjv"), help="the folder; default: data/kjv"
    )
    options = parser.parse_args(arguments)
    try:
        prepare(read(options.text), options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def read(path: Path | None) -> bytes:
    """Return the whole text, with one verse in each line.

    Raises:
        DataError: the text, or the program that prints it, is missing or fails.
    """
    try:
        if path:
            return path.read_bytes()
        return subprocess.run(
            COMMAND, check=True, stdin=subprocess.DEVNULL, capture_output=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(
            f"cannot read {path or 'the output of ' + COMMAND[0]} ({error}); install Debian's "
            "bible-kjv, or give its output with --text FILE"
        ) from error


def prepare(data: bytes, output: Path) -> None:
    """Check the text, split it, and write the parts and the list of words.

    Raises:
        DataError: ``data`` is not the text of bible-kjv 4.38.
    """
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise DataError(f"the SHA-256 of the text is {digest}, that of bible-kjv 4.38 is {SHA256}")
    parts: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    chapters: dict[str, int] = {}
    for chapter, text in VERSE.findall(data.decode()):
        place = chapters.setdefault(chapter, len(chapters)) % CHAPTERS
        part = next((name for name, own in PLACES.items() if own == place), "train")
        parts[part].append(words_of(text))
    counts = Counter(word for line in parts["train"] for word in line.split())
    parts["words"] = sorted(word for word, count in counts.items() if count >= MIN_COUNT)
    for name, lines in parts.items():
        write_atomically(output / f"{name}.txt", "".join(f"{line}\n" for line in lines))
        print(
            f"{output / name}.txt: {counted(len(lines), 'line')}, "
            f"{len(' '.join(lines).split())} words"
        )


def words_of(text: str) -> str:
    """Return the words of a text without anything else, as a recogniser writes them."""
    return normalize(re.sub(r"[^a-z' ]", " ", text.lower()))


if __name__ == "__main__":
    main()
