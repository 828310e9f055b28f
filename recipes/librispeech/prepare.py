"""Prepare LibriSpeech: make a manifest of each official archive, or of each unpacked part.

    python recipes/librispeech/prepare.py --archive train-clean-100.tar.gz dev-clean.tar.gz
    python recipes/librispeech/prepare.py --folder DIR --parts train-clean-100
    python recipes/librispeech/prepare.py --download --lm 3-gram.pruned.1e-7

One part after the other is fetched, checked, unpacked and listed in ``PART.jsonl``. A run that was
stopped at any moment goes on when the command is called again. An archive that has been unpacked
may be removed. ``--folder`` names the folder that holds ``LibriSpeech/``, in which nothing changes.

``--lm`` fetches the official language model (https://www.openslr.org/11) and writes it in lower
case, because all text is in lower case here.
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

# The URL and the SHA-256 of each archive are those of torchaudio.datasets.LIBRISPEECH. That class
# needs torchcodec to read the recordings; asr.audio.read reads them here.
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
"""These parts are fetched unless ``--parts`` names others; the configuration of 100 hours needs
them."""

LM_URL = "http://www.openslr.org/resources/11"
LM_BYTES = {
    "3-gram.pruned.3e-7": 13_654_242,
    "3-gram.pruned.1e-7": 34_094_057,
    "3-gram": 759_636_181,
    "4-gram": 1_355_172_078,
}
"""The sizes of the compressed files, from Kaldi's recipe; openslr.org gives no checksums."""

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
        "--parts",
        nargs="+",
        choices=SHA256,
        metavar="PART",
        help=f"the parts to prepare, among {', '.join(SHA256)}",
    )
    parser.add_argument(
        "--lm",
        nargs="+",
        default=[],
        choices=LM_BYTES,
        metavar="NAME",
        help=f"language models to prepare, among {', '.join(LM_BYTES)}; NAME.arpa.gz is fetched "
        "unless it lies in OUTPUT/official",
    )
    options = parser.parse_args(arguments)
    if options.archive and options.parts:
        parser.error("--parts goes with --folder or --download; an archive's name tells its part")
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
    """Return the part that an archive holds, by its name.

    Raises:
        DataError: it is not the name of an official archive.
    """
    part = archive.name.removesuffix(".tar.gz")
    if part not in SHA256:
        raise DataError(f"{archive}: needs the name of an official archive, PART.tar.gz of {URL}")
    return part


def parts_in(folder: Path) -> list[str]:
    """Return the parts that lie in ``folder/LibriSpeech``.

    Raises:
        DataError: there are none.
    """
    parts = [part for part in SHA256 if (folder / "LibriSpeech" / part).is_dir()]
    if not parts:
        raise DataError(f"{folder}: no folder LibriSpeech with one of {', '.join(SHA256)} in it")
    return parts


def prepare(part: str, source: Path | str, output: Path) -> None:
    """Check and unpack one part, and write its manifest.

    ``source`` is the archive, its URL, or the folder in which ``LibriSpeech/`` lies unpacked.
    """
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
    """Read ``PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt``, whose lines are ``ID TEXT``.

    The recording ``ID.flac`` lies beside it. The durations of the utterances are still 0.

    Raises:
        DataError: a transcript is missing, a text has no recording, or a recording has no text.
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
    """Return the sex of each speaker, or nothing if there is no such file.

    Its lines are ``ID | SEX | PART | MINUTES | NAME``, where names may hold vertical lines too.
    Lines that begin with a semicolon are comments.
    """
    if not path.exists():
        return {}
    rows = [
        [cell.strip() for cell in line.split("|", 4)]
        for line in read_text(path, "list of speakers").splitlines()
        if line.strip() and not line.startswith(";")
    ]
    return {row[0]: SEXES[row[1]] for row in rows if row[1:] and row[1] in SEXES}


def prepare_lm(name: str, output: Path) -> None:
    """Write ``OUTPUT/NAME.arpa.gz``, a copy in lower case of the file in ``OUTPUT/official``.

    Raises:
        DataError: the file in ``OUTPUT/official`` is not the official one, or is damaged.
    """
    lower = output / f"{name}.arpa.gz"
    if not lower.exists():
        official = download(f"{LM_URL}/{lower.name}", output / "official" / lower.name)
        if (size := official.stat().st_size) != LM_BYTES[name]:
            raise DataError(
                f"{official} has {size} bytes, but the official file has {LM_BYTES[name]}; remove "
                "it and get it again"
            )
        temporary = lower.with_name(f".{lower.name}.part")
        lower_case(official, temporary)
        os.replace(temporary, lower)
    print(f"{lower}: the official language model in lower case")


def lower_case(source: Path, target: Path) -> None:
    """Copy a compressed ARPA file in lower case.

    This changes the words, and besides them only ``<UNK>`` and the letter of exponents.

    Raises:
        DataError: the file is damaged, or there is no room for the copy.
    """
    try:
        with gzip.open(source) as upper, gzip.open(target, "wb", compresslevel=1) as lower:
            while block := upper.read(BLOCK):
                lower.write(block.lower())
    except (OSError, EOFError) as error:
        raise DataError(f"{source}: cannot be copied to {target} ({error})") from error


if __name__ == "__main__":
    main()
