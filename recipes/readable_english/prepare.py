"""Prepare texts of books: train, dev and test are different books.

    python recipes/readable_english/prepare.py books.txt.xz --output data/readable_english

``books.txt`` (also .xz, .gz) holds a sentence a line, with its capitals and marks, and a line
``# NAME`` before each book. The script writes ``train.txt``, ``dev.txt`` and ``test.txt``.
"""

import argparse
import sys
from pathlib import Path

from asr.data.texts import read_text_lines
from asr.errors import AsrError, DataError
from asr.files import write_atomically

PARTS = {
    "dev": ("Hard-Times_786", "The-Memoirs-of-Sherlock-Holmes_834", "Anne-of-Green-Gables_45"),
    "test": ("Silas-Marner_550", "The-Hound-of-the-Baskervilles_2852", "The-Age-of-Innocence_541"),
}
"""The books to choose by, and those of the test; three authors each."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("books", type=Path, help="the text of the books; also .xz or .gz")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("data/readable_english"),
        help="the folder; default: data/readable_english",
    )
    options = parser.parse_args(arguments)
    try:
        prepare(options.books, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def prepare(books: Path, output: Path) -> None:
    """Write the parts.

    Raises:
        DataError: the text cannot be read, or a book of the dev or test part is missing.
    """
    parts: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    seen = set()
    part = "train"
    for line in read_text_lines(books):
        if line.startswith("# "):
            name = line.removeprefix("# ").strip()
            seen.add(name)
            part = next((key for key, names in PARTS.items() if name in names), "train")
        elif line:
            parts[part].append(line)
    missing = {name for names in PARTS.values() for name in names} - seen
    if missing:
        raise DataError(f"{books}: no book {', '.join(sorted(missing))}; the line '# NAME' tells")
    for name, lines in parts.items():
        path = output / f"{name}.txt"
        write_atomically(path, "".join(f"{line}\n" for line in lines))
        print(f"{path}: {len(lines)} lines, {sum(len(line.split()) for line in lines)} words")


if __name__ == "__main__":
    main()
