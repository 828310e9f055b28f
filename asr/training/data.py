"""The data of an acoustic model's run: its utterances, babble and noise as batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio.read import Samples
from asr.data.manifest import read_manifest
from asr.errors import AudioError
from asr.training.augment import Augmenter, Draw
from asr.training.cache import AudioCache, cached_share
from asr.training.config import Config
from asr.training.datamodule import BucketData
from asr.training.dataset import SpeechDataset
from asr.training.mix import Mix
from asr.training.preparation import Corpus

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
        cache = AudioCache(Path(config.data.cache), rate)
        dev_durations, durations = (
            [item.duration for item in items] for items in (corpus.dev, corpus.train)
        )
        every = cached_share([*dev_durations, *durations], rate, config.data.cache_gigabytes)
        dev = SpeechDataset(corpus.dev, corpus.vocabulary, config.num_frames, cache, every)
        train = SpeechDataset(
            corpus.train,
            corpus.vocabulary,
            config.num_frames,
            cache,
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
        )
        spoken = [item.duration if item.text else 0.0 for item in corpus.train]
        draw_talker = _draw_from(train, spoken) if any(spoken) else None
        train.augmenter = Augmenter(config.augment, rate, draw_talker, self._draw_noise(cache))

    def _draw_noise(self, cache: AudioCache) -> Draw | None:
        if not self.config.augment.noise.manifest:
            return None
        items = read_manifest(self.config.augment.noise.manifest)
        vocabulary = self.train.vocabulary
        return _draw_from(
            SpeechDataset(items, vocabulary, self.config.num_frames, cache, len(items)),
            [1.0] * len(items),
        )


def _draw_from(dataset: SpeechDataset, weights: Sequence[float]) -> Draw:
    """Return a function that draws recordings with probabilities in proportion to ``weights``.

    The weights of babble are durations, so that each second of speech is as likely: a recording of
    a single word would otherwise be heard as that word again and again.
    """
    bounds = np.cumsum(weights)

    def draw(rng: Any) -> Samples:
        for attempt in range(TRIES):
            try:
                place = np.searchsorted(bounds, rng.random() * bounds[-1], side="right")
                return dataset.read(int(place))
            except AudioError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError

    return draw
