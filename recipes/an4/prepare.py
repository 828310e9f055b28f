"""Prepare CMU AN4: make manifests of the official archive.

    python recipes/an4/prepare.py --archive an4_sphere.tar.gz --output data/an4

The script writes ``train.jsonl``, ``dev.jsonl`` and ``test.jsonl`` beside the unpacked corpus. The
test set is the official one. The development set is every tenth of the official training speakers
in alphabetical order, so that no speaker of it is trained on.
"""

from pathlib import Path

from asr.audio.read import read_audio
from asr.data.archives import have_unpacked
from asr.data.corpora import prepare_source, write_parts
from asr.data.manifest import Utterance
from asr.errors import DataError
from asr.text import normalize

URL = "http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz"
SHA256 = "c3a535f28a22acb6077ce2e03d302851943894e10e100e4729bff2046f6f0868"
COUNTS = {"train": 948, "test": 130}


def main(arguments: list[str] | None = None) -> None:
    description = __doc__.splitlines()[0]
    prepare_source(
        prepare, description, "data/an4", "the official an4_sphere.tar.gz", URL, arguments
    )


def prepare(archive: Path | str, output: Path) -> None:
    """Check and unpack ``archive``, a file or a URL, and write the manifests of the corpus."""
    have_unpacked(archive, output, SHA256)
    corpus = output / "an4"
    official = {part: read_part(corpus, part) for part in COUNTS}
    speakers = sorted({item.speaker or "" for item in official["train"]})
    held_out = set(speakers[5::10])
    parts = {
        "train": [item for item in official["train"] if item.speaker not in held_out],
        "dev": [item for item in official["train"] if item.speaker in held_out],
        "test": official["test"],
    }
    write_parts(output, parts)


def read_part(corpus: Path, part: str) -> list[Utterance]:
    """Read an official part, which has a list of file ids and one of texts, ``<s> TEXT </s> (id)``.

    Raises:
        DataError: the lists do not fit together.
    """
    lists = corpus / "etc"
    ids = (lists / f"an4_{part}.fileids").read_text().split()
    lines = (lists / f"an4_{part}.transcription").read_text().splitlines()
    if not len(ids) == len(lines) == COUNTS[part]:
        raise DataError(
            f"{lists} has {len(ids)} ids and {len(lines)} texts, but needs {COUNTS[part]} of each"
        )
    utterances = []
    for fileid, line in zip(ids, lines, strict=True):
        text, _, name = line.rpartition("(")
        path = corpus / "wav" / f"{fileid}.sph"
        name = name.strip(" )")
        if path.stem != name:
            raise DataError(f"{lists}: {fileid} stands beside the text of {name}")
        text = normalize(text.replace("<s>", " ").replace("</s>", " "))
        duration = read_audio(path, 16000).duration
        utterances.append(Utterance(path, duration, text, path.stem, path.parent.name))
    return utterances


if __name__ == "__main__":
    main()
