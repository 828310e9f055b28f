"""The development sets are counted one by one."""

from pathlib import Path

import pytest

from asr.data.manifest import Utterance
from asr.errors import ConfigError
from asr.evaluation.scoring import count_character_errors, count_errors
from asr.training.dev_sets import DevSets


def test_rates_by_set():
    """Three of four words of a small set are wrong, and one of sixteen of a large one."""
    texts = {"a": "yes no", "b": "go on", "c": " ".join(["word"] * 16)}
    recognised = {"a": "yes on", "b": "", "c": " ".join(["word"] * 15 + ["ward"])}
    nats = {"a": 3.0, "b": 5.0, "c": 39.5}
    extra = {"a": {"set": "short"}, "b": {"set": "short"}, "c": {"set": "long"}}
    items = [Utterance(Path("x.wav"), 1.0, texts[id], id, extra=extra[id]) for id in texts]
    sets = DevSets(items)
    for _ in range(2):  # what was counted before is forgotten
        sets.reset()
        for id, text in texts.items():
            errors = count_errors(text, recognised[id])
            sets.add(id, errors, count_character_errors(text, recognised[id]), nats[id])
    assert sets.names == ["long", "short"]
    assert sets.rate == pytest.approx((3 / 4 + 1 / 16) / 2)
    assert sets.columns("wer") == pytest.approx(
        {
            "wer_long": 100 / 16,
            "cer_long": 100 / 79,
            "nats_long": 39.5 / 79,
            "wer_short": 75.0,
            "cer_short": 100 * 7 / 11,
            "nats_short": 8 / 11,
        }
    )


def test_every_utterance_needs_a_set():
    with pytest.raises(ConfigError, match=r'data.dev_sets needs the field "set" .*; b has none'):
        DevSets([Utterance(Path("x.wav"), 1.0, "yes", "b")])
