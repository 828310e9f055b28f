"""Yesno: from the official archive to manifests.

    python recipes/yesno/prepare.py --archive waves_yesno.tar.gz --output data/yesno

The corpus has no official split. Here, as in lhotse and icefall, every second recording in
alphabetical order is the test set, 30 recordings of 8 words; of the others every sixth is the
development set. (Kaldi's recipe takes the last 29 as the test set.) All are of one speaker.
"""

from pathlib import Path

from asr.data.archives import have_unpacked
from asr.data.corpora import prepare_source, with_durations, write_parts
from asr.data.manifest import Utterance
from asr.errors import DataError

# Both as in torchaudio.datasets.YESNO; what else that class does, reading, needs torchcodec, and
# asr.audio.read does it.
URL = "http://www.openslr.org/resources/1/waves_yesno.tar.gz"
SHA256 = "c3f49e0cca421f96b75b41640749167b52118f232498667ca7a5f9416aef8e73"
FOLDER = "waves_yesno"
COUNT = 60
WORDS = {"0": "no", "1": "yes"}
DEV_EVERY = 6


def main(arguments: list[str] | None = None) -> None:
    description = __doc__.splitlines()[0]
    prepare_source(
        prepare, description, "data/yesno", "the official waves_yesno.tar.gz", URL, arguments
    )


def prepare(archive: Path | str, output: Path) -> None:
    """Check, unpack and list the corpus, of which ``archive`` is a file or a URL."""
    have_unpacked(archive, output, SHA256)
    utterances, errors = with_durations(read(output / FOLDER))
    if errors:
        raise DataError(str(errors[0]))
    rest = utterances[::2]
    dev = rest[DEV_EVERY - 1 :: DEV_EVERY]
    train = [item for item in rest if item not in dev]
    write_parts(output, {"train": train, "dev": dev, "test": utterances[1::2]})


def read(folder: Path) -> list[Utterance]:
    """The recordings, whose names say what they hold: ``1_0_0_0_0_0_0_0.wav``. The durations are
    still 0.

    Raises:
        DataError: more or fewer than there should be, or another name.
    """
    paths = sorted(folder.glob("*.wav"))
    if len(paths) != COUNT:
        raise DataError(f"{folder}: {len(paths)} recordings, the corpus has {COUNT}")
    utterances = []
    for path in paths:
        digits = path.stem.split("_")
        if not set(digits) <= WORDS.keys():
            raise DataError(f"{path}: needs a name of 0 and 1, as 1_0_0_0_0_0_0_0.wav")
        text = " ".join(WORDS[digit] for digit in digits)
        utterances.append(Utterance(path, 0.0, text, path.stem, "1"))
    return utterances


if __name__ == "__main__":
    main()
