"""A dataset turns utterances into batches, and a cache keeps their decoded audio."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import noise

from asr.data.manifest import Utterance
from asr.errors import AudioError
from asr.text import Vocabulary
from asr.training import cache as caching
from asr.training import dataset as datasets
from asr.training.augment import Augmenter
from asr.training.cache import AudioCache, cached_share
from asr.training.config import AugmentConfig, Config
from asr.training.dataset import SpeechDataset
from asr.training.sampler import MicroBatch

VOCABULARY = Vocabulary.from_characters("ab")


@pytest.fixture
def items(tmp_path):
    """Two utterances of half a second and three quarters of a second of noise."""
    made = []
    for index, count in enumerate((8000, 12000)):
        path = tmp_path / f"{index}.wav"
        soundfile.write(path, noise(count, index), 16000, subtype="PCM_16")
        made.append(Utterance(path, count / 16000, "ab" * (index + 1), str(index)))
    return made


def dataset(items, folder=None, **options):
    """Return a dataset of utterances with a cache in ``folder``."""
    cache = AudioCache(folder, 16000)
    return SpeechDataset(items, VOCABULARY, Config().num_frames, cache, len(items), **options)


def micro(*indices, speed=1.0, epoch=0):
    """Return a micro-batch of the utterances with these indices."""
    return MicroBatch(list(indices), [speed] * len(indices), epoch, 7, 9, [0.0] * len(indices))


def test_a_batch_is_padded_with_zeros(items):
    batch = dataset(items).__getitems__(micro(0, 1))
    assert batch.waveforms.shape == (2, 12000) and batch.lengths.tolist() == [8000, 12000]
    assert (batch.waveforms[0, 8000:] == 0).all()
    np.testing.assert_allclose(batch.waveforms[0, :8000], noise(8000, 0), atol=1e-4)
    assert batch.labels.tolist() == [1, 2, 1, 2, 1, 2]
    assert batch.label_lengths.tolist() == [2, 4]
    assert (batch.ids, batch.texts, batch.rejected) == (["0", "1"], ["ab", "abab"], ())
    assert (batch.epoch, batch.index, batch.utterances) == (0, 7, 9)


def test_speed_and_augmentation_depend_on_epoch_and_utterance(items):
    options = AugmentConfig.__dataclass_fields__["noise"].default_factory()
    augment = AugmentConfig(noise=type(options)(probability=1.0, kinds=("white",)))
    made = dataset(items, augmenter=Augmenter(augment, 16000), seed=3)
    first = made.__getitems__(micro(0, speed=0.8))
    assert first.lengths.tolist() == [10000]
    assert first.waveforms.equal(made.__getitems__(micro(0, speed=0.8)).waveforms)
    beside = made.__getitems__(micro(1, 0, speed=0.8)).waveforms[1, :10000]
    assert first.waveforms[0].equal(beside)
    later = made.__getitems__(micro(0, speed=0.8, epoch=1))
    assert not first.waveforms.equal(later.waveforms)


def test_silence_is_as_long_as_the_batch_says(items):
    made = dataset(items, augmenter=Augmenter(AugmentConfig(), 16000), seed=3)
    batch = made.__getitems__(replace(micro(0, 1, speed=0.8), silences=[0.25, 0.0]))
    assert batch.lengths.tolist() == [10000 + 4000, 15000]


def test_what_cannot_be_used_is_left_out_with_the_reason(items, tmp_path):
    """An utterance that cannot be used is left out of its batch, and the reason is told."""
    path = items[0].audio
    items += [
        Utterance(tmp_path / "none.wav", 1.0, "a", "missing"),
        Utterance(path, 5.0, "a", "short"),
        Utterance(path, 0.5, "ab" * 40, "crammed"),
    ]
    batch = dataset(items).__getitems__(micro(2, 0, 3, 4))
    assert batch.ids == ["0"] and len(batch.waveforms) == 1
    reasons = {item.id: reason for item, reason in batch.rejected}
    assert reasons == {
        "missing": f"{tmp_path / 'none.wav'}: no such file",
        "short": "5.00 s in the manifest, the audio has 0.50 s",
        "crammed": "80 characters do not fit in 0.50 s of audio",
    }


def test_a_batch_of_nothing_is_silence_without_an_id(items, tmp_path):
    items.append(Utterance(tmp_path / "none.wav", 1.0, "a", "missing"))
    for indices in ((), (2,)):
        batch = dataset(items).__getitems__(micro(*indices))
        assert batch.ids == [] and batch.label_lengths.tolist() == [0]
        assert not batch.waveforms.any() and batch.waveforms.shape[0] == 1


def test_the_cache_decodes_once(items, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    first = AudioCache(folder, 16000).read(items[0])
    with monkeypatch.context() as patch:
        patch.setattr(caching, "read_audio", None)
        again = AudioCache(folder, 16000).read(items[0])
    assert np.array_equal(first, again) and first.dtype == np.float32
    direct = AudioCache(None, 16000).read(items[0])
    assert np.array_equal(first, direct)
    assert len(AudioCache(folder, 8000).read(items[0])) == 4000
    # A file that has changed is read again.
    soundfile.write(items[0].audio, noise(100), 16000, subtype="PCM_16")
    os.utime(items[0].audio, (1, 1))
    assert len(AudioCache(folder, 16000).read(items[0])) == 100


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_a_damaged_cache_file_counts_as_missing(items, tmp_path, damage):
    cache = AudioCache(tmp_path / "cache", 16000)
    first = cache.read(items[0])
    (path,) = (tmp_path / "cache").rglob("*.npy")
    path.write_bytes(damage)
    assert np.array_equal(first, cache.read(items[0]))
    assert np.load(path).dtype == np.int16


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(items, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert len(AudioCache(tmp_path / "cache", 16000).read(items[0])) == 8000


def test_an_audio_file_that_is_none_is_an_error(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"nonsense")
    with pytest.raises(AudioError, match="not readable as audio"):
        AudioCache(tmp_path / "cache", 16000).read(Utterance(path, 1.0, "a", "a"))
    assert not list(Path(tmp_path).rglob("*.npy"))


def test_the_share_that_is_cached_stays_under_the_limit():
    durations = [10.0] * 10  # each takes 320 kB
    assert cached_share(durations, 16000, 1e-3) == 3
    assert cached_share(durations, 16000, 0.0) == 0
    assert cached_share(durations, 16000, 1.0) == 10


def test_the_cache_keeps_pieces_apart(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(16000, 0), 16000, subtype="PCM_16")
    whole = Utterance(path, 1.0, "ab", "w")
    first, second = (
        Utterance(path, 0.25, "ab", f"p{offset}", offset=offset) for offset in (0.0, 0.5)
    )
    cache = AudioCache(tmp_path / "cache", 16000)
    for _ in range(2):
        samples = cache.read(whole)
        np.testing.assert_array_equal(cache.read(first), samples[:4000])
        np.testing.assert_array_equal(cache.read(second), samples[8000:12000])
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 3
    batch = dataset([whole, first, second], tmp_path / "cache").__getitems__(micro(0, 1, 2))
    assert batch.lengths.tolist() == [16000, 4000, 4000] and batch.rejected == ()


def test_storage_that_is_slow_to_answer_is_asked_for_many_at_once(items, monkeypatch):
    read, asked, lock = caching.read_audio, [0, 0], threading.Lock()

    def slow(*arguments):
        with lock:
            asked[0] += 1
            asked[1] = max(asked)
        time.sleep(0.2)
        with lock:
            asked[0] -= 1
        return read(*arguments)

    monkeypatch.setattr(caching, "read_audio", slow)
    many = [replace(items[0], id=str(number)) for number in range(20)]
    batch = dataset(many).__getitems__(micro(*range(20)))
    assert asked[1] > 10 and batch.ids == [str(number) for number in range(20)]
    monkeypatch.setattr(datasets, "PATIENCE", 100.0)
    asked[1] = 0
    assert dataset(many).__getitems__(micro(0, 1, 2)).ids == ["0", "1", "2"]
    assert asked[1] == 1
