"""Write the texts of the language model: books, what people read, and what the model must not lose.

    python recipes/english/lm_texts.py --books books.txt.xz --read librispeech_train.txt.xz \
        --train data/english/train.jsonl --output data/english/lm.txt
    asr lm build data/english/lm.txt --order 4 --prune 0,0,2,3 -o data/english/lm.ngram

The transcripts of real training recordings are among them, and so are numbers, spelled names and
commands that are drawn, so that the model hears these as well as sentences.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from prepare import COMBINED, SYNTHETIC
from texts import Texts, clean

from asr.data.manifest import read_manifest
from asr.data.texts import read_text_lines
from asr.errors import AsrError
from asr.files import write_atomically

DRAWN = 60_000
KINDS = {"number": 0.45, "letters": 0.35, "word": 0.2}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--books", type=Path, required=True, help="sentences of books, one a line")
    add("--read", type=Path, required=True, help="lines of an id and a text that people read")
    add("--train", type=Path, required=True, help="the manifest of the training recordings")
    add("--output", type=Path, default=Path("data/english/lm.txt"), help="the text")
    options = parser.parse_args(arguments)
    try:
        lines = lm_texts(options.books, options.read, options.train)
    except AsrError as error:
        sys.exit(f"error: {error}")
    write_atomically(options.output, "".join(f"{line}\n" for line in lines))
    print(f"{options.output}: {len(lines)} lines, {sum(len(line.split()) for line in lines)} words")


def lm_texts(books: Path, read: Path, train: Path) -> list[str]:
    """Return the lines.

    Raises:
        DataError: a file cannot be read.
    """
    lines = [
        pair[1]
        for line in read_text_lines(books)
        if not line.startswith("# ") and (pair := clean(line, most=1000))
    ]
    lines += [line.partition(" ")[2] for line in read_text_lines(read) if line]
    for item in read_manifest(train):
        name = item.extra["set"]
        if item.text and name not in SYNTHETIC and not name.startswith(COMBINED):
            lines.append(item.text)
    texts = Texts(books, read)
    rng = np.random.default_rng(0)
    lines += [texts.draw(rng, KINDS).words for _ in range(DRAWN)]
    return lines


if __name__ == "__main__":
    main()
