"""Prepare yesno: make manifests of the official archive.

    python recipes/yesno/prepare.py --archive waves_yesno.tar.gz --output data/yesno

The corpus has no official split. Here, as in lhotse and icefall, every second recording in
alphabetical order is in the test set, which has 30 recordings of 8 words. Every sixth of the other
recordings is in the development set. (Kaldi's recipe takes the last 29 as the test set.) All
recordings are of one speaker.
"""

from pathlib import Path

from asr.data.archives import have_unpacked
from asr.data.corpora import prepare_source, with_durations, write_parts
from asr.data.manifest import Utterance
from asr.errors import DataError

# The URL and the SHA-256 are those of torchaudio.datasets.YESNO. That class needs torchcodec to
# read the recordings; asr.audio.read reads them here.
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
    """Check and unpack ``archive``, a file or a URL, and write the manifests of the corpus."""
    have_unpacked(archive, output, SHA256)
    utterances, errors = with_durations(read(output / FOLDER))
    if errors:
        raise DataError(str(errors[0]))
    rest = utterances[::2]
    dev = rest[DEV_EVERY - 1 :: DEV_EVERY]
    train = [item for item in rest if item not in dev]
    write_parts(output, {"train": train, "dev": dev, "test": utterances[1::2]})


def read(folder: Path) -> list[Utterance]:
    """Return the recordings, whose names tell their words, as ``1_0_0_0_0_0_0_0.wav``.

    Their durations are still 0.

    Raises:
        DataError: there are more or fewer recordings than there should be, or one has another name.
    """
    paths = sorted(folder.glob("*.wav"))
    if len(paths) != COUNT:
        raise DataError(f"{folder} has {len(paths)} recordings, but the corpus has {COUNT}")
    utterances = []
    for path in paths:
        digits = path.stem.split("_")
        if not set(digits) <= WORDS.keys():
            raise DataError(f"{path} needs a name made of 0 and 1, as 1_0_0_0_0_0_0_0.wav")
        text = " ".join(WORDS[digit] for digit in digits)
        utterances.append(Utterance(path, 0.0, text, path.stem, "1"))
    return utterances


if __name__ == "__main__":
    main()
