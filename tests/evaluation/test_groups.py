"""Groups of utterances, calibration, what is shared with training, normalisations."""

import numpy as np
import pytest
import soundfile

from asr.data.leakage import find_leakage
from asr.data.manifest import Utterance
from asr.errors import ConfigError, DataError
from asr.evaluation.groups import group_fields
from asr.evaluation.normalization import NORMALIZATIONS, find_normalization
from asr.evaluation.reliability import Bin, calibrate
from asr.evaluation.scoring import ErrorCounts


def test_groups_by_hand():
    rows = [
        ("ann", 0.5, 12.0, {"room": "hall", "take": 1}),
        ("bob", 2.0, 31.0, {"room": "lab", "take": 2}),
        ("ann", 3.9, None, {"room": "hall"}),
        ("bob", 40.0, 70.0, {"speaker": "a field of the same name"}),
    ]
    utterances = [
        {"speaker": speaker, "duration": duration, "noise": noise, "fields": fields}
        for speaker, duration, noise, fields in rows
    ]
    counts = [ErrorCounts(hits, 1) for hits in (1, 2, 3, 4)]
    found = group_fields(utterances, counts)
    short = {
        name: [(item.value, item.utterances, item.counts) for item in groups]
        for name, groups in found.items()
    }
    assert short == {
        "speaker": [("ann", 2, ErrorCounts(4, 2)), ("bob", 2, ErrorCounts(6, 2))],
        "duration": [
            ("below 1 s", 1, counts[0]),
            ("2 to 4 s", 2, ErrorCounts(5, 2)),
            ("30 s and more", 1, counts[3]),
        ],
        "noise": [
            ("10 to 20 dB", 1, counts[0]),
            ("30 to 40 dB", 1, counts[1]),
            ("50 dB and more", 1, counts[3]),
        ],
        "room": [("hall", 2, ErrorCounts(4, 2)), ("lab", 1, counts[1])],
        "take": [("1", 1, counts[0]), ("2", 1, counts[1])],
    }
    hall, lab = found["room"]
    assert lab.interval is None and hall.interval.over == "utterances"
    assert hall.interval.low < hall.counts.rate < hall.interval.high


def test_fields_that_name_utterances_are_left_out():
    utterances = [{"fields": {"file": str(i), "same": "x"}} for i in range(60)]
    assert group_fields(utterances, [ErrorCounts(1)] * 60) == {}


def test_calibration_by_hand():
    found = calibrate([0.95, 1.0, 0.9, 0.25, 0.21], [True, True, False, False, True])
    low, high = found.bins
    assert low == Bin(0.2, 0.3, 2, pytest.approx(0.23), 0.5)
    assert high == Bin(0.9, 1.0, 3, pytest.approx(0.95), pytest.approx(2 / 3))
    assert found.words == 5
    assert found.ece == pytest.approx((2 * (0.5 - 0.23) + 3 * (0.95 - 2 / 3)) / 5)
    assert calibrate([], []) is None


def test_words_that_are_right_as_often_as_they_say():
    rng = np.random.default_rng(1)
    confidences = rng.random(20_000)
    correct = rng.random(20_000) < confidences
    assert calibrate(confidences.tolist(), correct.tolist()).ece < 0.02
    assert calibrate(confidences.tolist(), (~correct).tolist()).ece > 0.4


@pytest.fixture
def make(tmp_path):
    """An utterance whose audio is a constant."""

    def make(name, speaker, text, level):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.full(800, level), 16000)
        return Utterance(path, 0.05, text, name, speaker)

    return make


def test_what_is_shared_with_training(make):
    training = [make("a", "ann", "yes", 0.1), make("b", None, "no", 0.2)]
    test = [
        make("c", "ann", "yes", 0.3),
        make("d", "bob", "stop", 0.2),  # another name, the same recording
        make("e", None, "no", 0.4),
    ]
    found = find_leakage(test, training)
    assert (found.speakers, found.texts, found.audio) == (("ann",), 2, 1)
    assert str(found) == (
        "1 speakers of the test set are in the training data, 2 of its 3 texts and 1 of its "
        "recordings"
    )
    assert find_leakage(test, test[:0]).audio == 0
    test[0].audio.unlink()
    with pytest.raises(DataError, match=r"cannot read .*c\.wav: No such file"):
        find_leakage(test, training)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("basic", "  Well-known, isn't\tit? ", "well-known, isn't it?"),
        ("no-punctuation", "  Well-known, isn’t\tit? ", "well known isn't it"),
        ("no-punctuation", "'tis “so” – 5 % … cafe\u0301", "tis so 5 café"),
        ("no-punctuation", "?!", ""),
    ],
)
def test_normalizations(name, text, expected):
    applied = find_normalization(name)
    assert applied.apply(text) == expected == applied.apply(expected)
    assert applied.steps and NORMALIZATIONS[name] is applied


def test_unknown_normalization():
    with pytest.raises(ConfigError, match="is 'whisper', needs one of basic, no-punctuation"):
        find_normalization("whisper")
