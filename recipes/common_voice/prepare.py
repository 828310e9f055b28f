"""Prepare Common Voice: make manifests of the release of a language.

    python recipes/common_voice/prepare.py --archive cv-corpus-17.0-2024-03-15-cy.tar.gz

The script writes ``train.jsonl``, ``dev.jsonl`` and ``test.jsonl`` of the official split, beside
the unpacked release or, with ``--folder``, apart from it. A sentence becomes the text that is to be
recognised in these steps: it is put into Unicode NFC, then into lower case (Turkish and Azerbaijani
have a dotless i); typographic apostrophes become plain ones; punctuation and symbols become spaces,
but apostrophes inside words stay; runs of spaces become one space.

The script leaves out, and counts, lines that have not as many cells as the header, rows without a
sentence, and clips that are missing or cannot be read. A character that occurs in fewer than
``--min-count`` training sentences is not taken for one of the language and gets no symbol.
Sentences with such a character are left out of training and development, but never of the test.
Durations are those that decoding gives, whatever ``clip_durations.tsv`` says.
"""

import sys
import unicodedata
from collections import Counter
from itertools import chain
from pathlib import Path

from asr.counts import counted
from asr.data.archives import have_unpacked
from asr.data.corpora import source_parser, with_durations, write_parts
from asr.data.manifest import Utterance
from asr.errors import AsrError, DataError
from asr.evaluation.normalization import NO_PUNCTUATION
from asr.files import read_text

PARTS = ("train", "dev", "test")
TABLE = "train.tsv"
COLUMNS = ("client_id", "path", "sentence")
FIELDS = ("age", "gender", "accent", "accents", "variant")
"""These columns are kept as they are; a release may lack some of them."""

DOTLESS = {"tr", "az"}
"""In these languages, I is not the capital of i."""

# There is no URL of an archive: Mozilla gives a release to a browser only, so that
# torchaudio.datasets.COMMONVOICE downloads nothing either.


def main(arguments: list[str] | None = None) -> None:
    parser = source_parser(
        __doc__.splitlines()[0],
        "data/common_voice",
        "a release of one language, cv-corpus-….tar.gz",
        folder="the folder of an unpacked release, or of a language in it",
    )
    parser.add_argument(
        "--sha256", metavar="DIGEST", help="the checksum of the archive, as its page gives it"
    )
    parser.add_argument(
        "--min-count",
        type=int,
        default=5,
        help="a character must occur in this many training sentences to get a symbol; default: 5",
    )
    options = parser.parse_args(arguments)
    if options.folder and options.sha256:
        parser.error("--sha256 goes with --archive")
    try:
        folder = options.folder
        if folder is None:
            have_unpacked(options.archive, options.output, options.sha256)
            folder = options.output
        prepare(find(folder), options.output, options.min_count)
    except AsrError as error:
        sys.exit(f"error: {error}")


def find(folder: Path) -> Path:
    """Return the folder of the language: ``folder``, or in it ``cv-corpus-…/LANGUAGE``.

    Raises:
        DataError: there is none, or there are several.
    """
    for pattern in (TABLE, f"*/{TABLE}", f"*/*/{TABLE}"):  # not among the clips
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            names = ", ".join(str(path.parent) for path in found)
            raise DataError(f"{folder}: several languages, {names}; name one with --folder")
        if found:
            return found[0].parent
    raise DataError(f"{folder}: no {TABLE} in it, nor in cv-corpus-…/LANGUAGE")


def prepare(folder: Path, output: Path, min_count: int) -> None:
    """Write the manifests of the parts of the language in ``folder``."""
    parts = {part: read_part(folder, part) for part in PARTS}
    counts = Counter(chain.from_iterable(set(item.text) for item in parts["train"]))
    symbols = {" "} | {symbol for symbol, count in counts.items() if count >= min_count}
    for part in ("train", "dev"):
        kept = [item for item in parts[part] if symbols.issuperset(item.text)]
        left_out = len(parts[part]) - len(kept)
        print(
            f"{part}: {counted(left_out, 'sentence')} with rare characters left out",
            file=sys.stderr,
        )
        parts[part] = kept
    print(f"characters: {''.join(sorted(symbols))!r}", file=sys.stderr)
    speakers = {part: {item.speaker for item in items} for part, items in parts.items()}
    if shared := speakers["test"] & (speakers["train"] | speakers["dev"]):
        print(
            f"warning: {counted(len(shared), 'speaker')} of the test also in train or dev; in an "
            "official split there are none",
            file=sys.stderr,
        )
    write_parts(output, parts)


def read_part(folder: Path, part: str) -> list[Utterance]:
    """Return the utterances of ``PART.tsv``, and print to standard error what is left out.

    The first line of the table names its columns. Quotation marks are characters like any other.

    Raises:
        DataError: there is no such table, or it lacks a column that is needed.
    """
    path = folder / f"{part}.tsv"
    head, *lines = read_text(path, "table").removeprefix("\ufeff").split("\n")
    names = head.rstrip("\r").split("\t")
    if missing := [name for name in COLUMNS if name not in names]:
        raise DataError(f"{path}: no column {missing[0]}; it has {', '.join(names)}")
    language = folder.absolute().name
    left_out: Counter[str] = Counter()
    utterances = []
    for line in filter(None, (line.rstrip("\r") for line in lines)):
        cells = line.split("\t")
        if len(cells) != len(names):
            left_out["lines that are no rows"] += 1
            continue
        row = dict(zip(names, cells, strict=True))
        text = target(row["sentence"], language)
        name = row["path"] if row["path"].endswith(".mp3") else f"{row['path']}.mp3"
        audio = folder / "clips" / name
        if not text:
            left_out["without a sentence"] += 1
        elif not audio.is_file():
            left_out["without a clip"] += 1
        else:
            extra = {field: row[field] for field in FIELDS if row.get(field)}
            utterances.append(Utterance(audio, 0.0, text, audio.stem, row["client_id"], extra))
    found, errors = with_durations(utterances)
    left_out["with a clip that cannot be read"] = len(errors)
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    print(
        f"{path}: {counted(len(found), 'utterance')}; left out: {reasons or 'none'}",
        file=sys.stderr,
    )
    return found


def target(sentence: str, language: str) -> str:
    """Return the text that is to be recognised, by the steps that the top of this file gives.

    >>> target("«L’été», dit-il: 100 % !", "fr")
    "l'été dit il 100"
    >>> target("Isparta'da İyi", "tr")
    "ısparta'da iyi"
    """
    sentence = unicodedata.normalize("NFC", sentence)
    if language in DOTLESS:
        sentence = sentence.replace("I", "ı").replace("İ", "i")
    return NO_PUNCTUATION.apply(sentence)


if __name__ == "__main__":
    main()
