"""Speakers, texts and recordings that a test set shares with the training data."""

import tarfile
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from asr.data.leakage import find_leakage
from asr.data.manifest import Utterance
from asr.errors import DataError


@pytest.fixture
def make(tmp_path):
    """A function that makes an utterance whose audio is constant."""

    def make(name, speaker, text, level):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.full(800, level), 16000)
        return Utterance(path, 0.05, text, name, speaker)

    return make


def test_what_is_shared_with_training(make):
    """Speakers, texts and recordings that the test set shares with training are counted."""
    training = [make("a", "ann", "yes", 0.1), make("b", None, "no", 0.2)]
    test = [
        make("c", "ann", "yes", 0.3),
        make("d", "bob", "stop", 0.2),  # the recording of "b" under another name
        make("e", None, "no", 0.4),
    ]
    found = find_leakage(test, training)
    assert (found.speakers, found.texts, found.audio) == (("ann",), 2, 1)
    assert str(found) == (
        "1 speaker of the test set, 2 of its 3 texts and 1 of its recordings are "
        "in the training data"
    )
    assert find_leakage(test, test[:0]).audio == 0
    test[0].audio.unlink()
    with pytest.raises(DataError, match=r"cannot read .*c\.wav: No such file"):
        find_leakage(test, training)


def test_recordings_of_tar_files_are_compared_as_files_are(make, tmp_path):
    """A member counts as the file that it is a copy of, and as missing if there is none."""
    training = [make("a", None, "yes", 0.1), make("b", None, "no", 0.2)]
    tar = tmp_path / "000.tar"
    with tarfile.open(tar, "w") as archive:
        archive.add(training[0].audio, "a.wav")
    test = [replace(training[0], audio=tar / "a.wav")]
    assert find_leakage(test, training).audio == 1
    assert find_leakage(test, training, skip_missing=True).audio == 1
    test.append(replace(training[1], audio=tar / "none.wav"))
    assert find_leakage(test, training, skip_missing=True).audio == 1
    with pytest.raises(DataError, match=r"000\.tar has no member none\.wav"):
        find_leakage(test, training)
