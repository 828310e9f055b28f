"""The data of an acoustic model's run: its utterances, babble and noise as batches."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.audio.members import read_ahead
from asr.audio.read import Samples
from asr.config import require
from asr.data.manifest import read_manifest
from asr.errors import AudioError
from asr.training.augment import Augmenter, Draw
from asr.training.cache import AudioCache, cached_share
from asr.training.config import Config
from asr.training.datamodule import BucketData, Pools
from asr.training.dataset import SpeechDataset
from asr.training.mix import Mix
from asr.training.preparation import Corpus
from asr.training.utterances import durations_of

TRIES = 10
"""The recordings that are drawn before one that cannot be read is an error."""


class SpeechData(BucketData):
    """Batches of utterances, by their duration in seconds.

    Babble is drawn from the training utterances, noise from its manifest.
    """

    train: SpeechDataset
    dev: SpeechDataset

    def __init__(self, config: Config, corpus: Corpus) -> None:
        self.config = config
        rate = config.features.sample_rate
        decoded = AudioCache(Path(config.data.cache), rate)
        dev_durations, durations = durations_of(corpus.dev), corpus.train.durations
        both = np.concatenate([dev_durations, durations])
        every = cached_share(both, rate, config.data.cache_gigabytes)
        dev = SpeechDataset(corpus.dev, corpus.vocabulary, config.num_frames, decoded, every)
        train = SpeechDataset(
            corpus.train,
            corpus.vocabulary,
            config.num_frames,
            decoded,
            every - len(corpus.dev),
            seed=config.seed,
        )
        mix = config.data.mix
        self.mix = Mix(mix, corpus.train, config.seed) if mix else None
        super().__init__(
            train,
            dev,
            durations,
            dev_durations,
            config.training.batch_seconds,
            config.training,
            config.seed,
            config.augment.speeds,
            config.augment.silence,
            self.mix,
            _pools(config, corpus),
        )
        spoken = corpus.train.spoken
        draw_talker = None
        if (spoken & (durations > 0)).any():
            draw_talker = _draw_from(train, lambda: np.where(spoken, durations, 0.0))
        train.augmenter = Augmenter(config.augment, rate, draw_talker, self._draw_noise(decoded))

    def _draw_noise(self, decoded: AudioCache) -> Draw | None:
        if not self.config.augment.noise.manifest:
            return None
        items = read_manifest(self.config.augment.noise.manifest)
        vocabulary = self.train.vocabulary
        return _draw_from(
            SpeechDataset(items, vocabulary, self.config.num_frames, decoded, len(items)),
            lambda: np.ones(len(items)),
        )


def _pools(config: Config, corpus: Corpus) -> Pools | None:
    at_once = config.data.tars_at_once
    if not at_once:
        return None
    numbers, names = corpus.train.in_tars()
    require(
        "" not in names or not (numbers == names.index("")).any(),
        f"data.tars_at_once is {at_once}, which needs recordings in tar files; some are not in one",
    )

    def ahead(tars: npt.NDArray[np.int64]) -> None:
        for number in tars.tolist():
            read_ahead(Path(names[number]))

    return Pools(numbers, at_once, ahead)


def _draw_from(dataset: SpeechDataset, weights: Callable[[], npt.NDArray[np.float64]]) -> Draw:
    """Return a function that draws recordings with probabilities in proportion to ``weights``,
    which are asked for when the first is drawn.

    The weights of babble are durations, so that each second of speech is as likely: a recording of
    a single word would otherwise be heard as that word again and again.
    """

    @cache
    def bounds() -> npt.NDArray[np.float64]:
        return np.cumsum(weights())

    def draw(rng: Any) -> Samples:
        for attempt in range(TRIES):
            try:
                place = np.searchsorted(bounds(), rng.random() * bounds()[-1], side="right")
                return dataset.read(int(place))
            except AudioError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError

    return draw
