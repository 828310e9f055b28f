"""LibriSpeech: from the official archives, or their unpacked folder, to a manifest for each part.

    python recipes/librispeech/prepare.py --archive train-clean-100.tar.gz dev-clean.tar.gz
    python recipes/librispeech/prepare.py --folder DIR --parts train-clean-100
    python recipes/librispeech/prepare.py --download --lm 3-gram.pruned.1e-7

One part after the other is fetched, checked, unpacked and written as ``PART.jsonl``. Stopped at any
moment, it goes on when run again; an archive that has been unpacked may be removed. ``--folder`` is
the one that holds ``LibriSpeech/``, and is left as it is.

``--lm`` makes the official language model (https://www.openslr.org/11) lower case, which all text
is here.
"""

import gzip
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from asr.data.archives import download, have_unpacked
from asr.data.corpora import source_parser, with_durations, write_parts
from asr.data.manifest import Utterance
from asr.errors import AsrError, DataError
from asr.files import read_text
from asr.text import normalize

# URL and SHA-256 of each archive are those of torchaudio.datasets.LIBRISPEECH; what else that class
# does, reading, needs torchcodec, and asr.audio.read does it.
URL = "http://www.openslr.org/resources/12"
SHA256 = {
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
}
FIRST = ("train-clean-100", "dev-clean", "dev-other", "test-clean", "test-other")
"""What is fetched unless ``--parts`` says otherwise: the configuration of 100 hours."""

LM_URL = "http://www.openslr.org/resources/11"
LM_BYTES = {
    "3-gram.pruned.3e-7": 13_654_242,
    "3-gram.pruned.1e-7": 34_094_057,
    "3-gram": 759_636_181,
    "4-gram": 1_355_172_078,
}
"""Their size as compressed files, by Kaldi's recipe; openslr.org gives no checksums."""

SEXES = {"F": "female", "M": "male"}
BLOCK = 1 << 20


def main(arguments: list[str] | None = None) -> None:
    parser = source_parser(
        __doc__.splitlines()[0],
        "data/librispeech",
        "official archives; their names say which parts they hold",
        URL,
        "the folder that holds LibriSpeech/",
        many=True,
    )
    parser.add_argument(
        "--parts", nargs="+", choices=SHA256, metavar="PART", help=f"of {', '.join(SHA256)}"
    )
    parser.add_argument(
        "--lm",
        nargs="+",
        default=[],
        choices=LM_BYTES,
        metavar="NAME",
        help=f"of {', '.join(LM_BYTES)}; NAME.arpa.gz is fetched unless it lies in OUTPUT/official",
    )
    options = parser.parse_args(arguments)
    if options.archive and options.parts:
        parser.error("--parts goes with --folder or --download: archives are named for their part")
    try:
        sources: dict[str, Path | str]
        if options.archive:
            sources = {part_of(archive): archive for archive in options.archive}
        elif options.folder:
            sources = dict.fromkeys(options.parts or parts_in(options.folder), options.folder)
        else:
            sources = {part: f"{URL}/{part}.tar.gz" for part in options.parts or FIRST}
        for part, source in sources.items():
            prepare(part, source, options.output)
        for name in options.lm:
            prepare_lm(name, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def part_of(archive: Path) -> str:
    """The part that an archive holds.

    Raises:
        DataError: its name tells none.
    """
    part = archive.name.removesuffix(".tar.gz")
    if part not in SHA256:
        raise DataError(f"{archive}: needs the name of an official archive, PART.tar.gz of {URL}")
    return part


def parts_in(folder: Path) -> list[str]:
    """The parts that lie in ``folder/LibriSpeech``.

    Raises:
        DataError: none.
    """
    parts = [part for part in SHA256 if (folder / "LibriSpeech" / part).is_dir()]
    if not parts:
        raise DataError(f"{folder}: no folder LibriSpeech with one of {', '.join(SHA256)} in it")
    return parts


def prepare(part: str, source: Path | str, output: Path) -> None:
    """Check, unpack and list one part, of which ``source`` is the archive, its URL, or the folder
    where it lies unpacked."""
    if isinstance(source, Path) and source.is_dir():
        folder = source
    else:
        have_unpacked(source, output, SHA256[part])
        folder = output
    corpus = folder / "LibriSpeech"
    utterances, errors = with_durations(
        read_part(corpus, part, read_sexes(corpus / "SPEAKERS.TXT"))
    )
    if errors:
        raise DataError(f"{errors[0]}; unpack {part} again")
    write_parts(output, {part: utterances})


def read_part(corpus: Path, part: str, sexes: Mapping[str, str]) -> list[Utterance]:
    """``PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt``, with lines ``ID TEXT``, beside
    ``ID.flac``. The durations are still 0.

    Raises:
        DataError: no transcript, or a text or recording without the other.
    """
    utterances = []
    for chapter in sorted(path for path in (corpus / part).glob("*/*") if path.is_dir()):
        speaker = chapter.parent.name
        extra = {"sex": sexes[speaker]} if speaker in sexes else {}
        path = chapter / f"{speaker}-{chapter.name}.trans.txt"
        lines = filter(str.strip, read_text(path, "transcript").splitlines())
        texts = dict(line.partition(" ")[::2] for line in lines)
        recordings = {recording.stem for recording in chapter.glob("*.flac")}
        if lone := sorted(recordings ^ texts.keys()):
            which = "has no text" if lone[0] in recordings else "has no recording"
            raise DataError(f"{path}: {lone[0]} {which}; unpack {part} again")
        utterances += [
            Utterance(path.with_name(f"{name}.flac"), 0.0, normalize(text), name, speaker, extra)
            for name, text in texts.items()
        ]
    if not utterances:
        raise DataError(f"{corpus / part}: no SPEAKER/CHAPTER; unpack {part} there")
    return utterances


def read_sexes(path: Path) -> dict[str, str]:
    """The sex of each speaker, from the lines ``ID | SEX | PART | MINUTES | NAME`` after those that
    begin with a semicolon; empty without the file. Names hold vertical lines too."""
    if not path.exists():
        return {}
    rows = [
        [cell.strip() for cell in line.split("|", 4)]
        for line in read_text(path, "list of speakers").splitlines()
        if line.strip() and not line.startswith(";")
    ]
    return {row[0]: SEXES[row[1]] for row in rows if row[1:] and row[1] in SEXES}


def prepare_lm(name: str, output: Path) -> None:
    """``OUTPUT/NAME.arpa.gz`` in lower case, from the official file, ``OUTPUT/official``.

    Raises:
        DataError: the official file is another one, or damaged.
    """
    lower = output / f"{name}.arpa.gz"
    if not lower.exists():
        official = download(f"{LM_URL}/{lower.name}", output / "official" / lower.name)
        if (size := official.stat().st_size) != LM_BYTES[name]:
            raise DataError(
                f"{official}: {size} bytes, the official file has {LM_BYTES[name]}; remove it and "
                "get it again"
            )
        temporary = lower.with_name(f".{lower.name}.part")
        lower_case(official, temporary)
        os.replace(temporary, lower)
    print(f"{lower}: the official language model in lower case")


def lower_case(source: Path, target: Path) -> None:
    """Copy a compressed file with the letters A to Z made small: words, for there are no others in
    an ARPA file but those of ``<UNK>`` and of exponents.

    Raises:
        DataError: a damaged file, or no room.
    """
    try:
        with gzip.open(source) as upper, gzip.open(target, "wb", compresslevel=1) as lower:
            while block := upper.read(BLOCK):
                lower.write(block.lower())
    except (OSError, EOFError) as error:
        raise DataError(f"{source}: cannot be copied to {target} ({error})") from error


if __name__ == "__main__":
    main()
