"""What is in manifests: how much is said, by whom, how fast, in which words, how loud.

:func:`describe` looks at one manifest, :func:`compare` at several together.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from asr.audio.meter import AudioMeter, Measures
from asr.audio.read import open_audio
from asr.data.leakage import Leakage, find_leakage
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AudioError
from asr.model.directory import ModelInfo
from asr.prefetch import prefetch_map

T = TypeVar("T", int, float)
Values = npt.NDArray[np.float64]
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BINS = 15
"""Of a histogram, at most."""
NEARLY_ALL = 0.99
"""The share of values that the bins of a histogram are made for; its last one holds the others."""
FREQUENT = 50
"""Words that are listed."""
CLIPPED = 0.001
"""The share of samples at full scale from which on a recording counts as clipped."""


@dataclass(frozen=True)
class Audio:
    """Of a sample of the recordings: ``level`` and ``noise`` (n,) in dB relative to full scale, and
    ``clipped`` (n,), the shares of samples at full scale, of those that hold a frame;
    ``unreadable`` is the number of those that cannot be decoded."""

    files: int
    unreadable: int
    level: Values
    noise: Values
    clipped: Values


@dataclass(frozen=True)
class Statistics:
    """Of a manifest.

    ``durations`` (utterances,) in seconds; ``speakers``, the seconds of each; ``word_rates`` and
    ``character_rates`` (n,) a second, of utterances that have text and a duration; ``words`` and
    ``characters`` with their counts, the most frequent first (a space is a character, too);
    ``silent`` is the number of utterances without text, ``anonymous`` of those without a speaker.
    """

    path: Path
    durations: Values
    speakers: dict[str, float]
    word_rates: Values
    character_rates: Values
    words: Counter[str]
    characters: Counter[str]
    silent: int
    anonymous: int
    audio: Audio | None

    @property
    def hours(self) -> float:
        """How long all utterances are together."""
        return float(self.durations.sum()) / 3600

    @property
    def once(self) -> int:
        """Words that occur once."""
        return sum(count == 1 for count in self.words.values())

    @property
    def measures(self) -> dict[str, Values]:
        """Everything that has a distribution, by name; values (n,), n may be 0."""
        values = {
            "seconds an utterance": self.durations,
            "seconds a speaker": np.array(list(self.speakers.values()), float),
            "words a second": self.word_rates,
            "characters a second": self.character_rates,
        }
        if self.audio:
            values |= {"level (dB)": self.audio.level, "noise (dB)": self.audio.noise}
        return values


@dataclass(frozen=True)
class News:
    """Words of a manifest that the first one lacks, with their counts; ``running`` is the number of
    all its words."""

    path: Path
    words: Counter[str]
    running: int

    @property
    def share(self) -> float:
        """Of the running words."""
        return self.words.total() / self.running if self.running else 0.0


@dataclass(frozen=True)
class Comparison:
    """``shared``: for each pair of manifests the later, the earlier, and what the later has in
    common with it; ``news`` of all but the first."""

    manifests: list[Statistics]
    shared: list[tuple[Path, Path, Leakage]]
    news: list[News]


def compare(
    paths: Sequence[Path],
    info: ModelInfo,
    audio_files: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Statistics of manifests, and what they have in common. Levels are measured as ``info`` hears
    them, of ``audio_files`` recordings of each manifest, which ``seed`` draws; ``progress`` gets
    the number of recordings measured and to be measured.

    Raises:
        DataError: a manifest that cannot be read.
    """
    sets = [read_manifest(path) for path in paths]
    samples = [[item.audio for item in draw(items, audio_files, seed)] for items in sets]
    total = sum(map(len, samples))
    threads = os.cpu_count() or 1
    found: list[Statistics] = []
    done = 0
    for path, items, sample in zip(paths, sets, samples, strict=True):
        heard = []
        for one in prefetch_map(partial(measure, info=info), sample, threads, 8 * threads):
            heard.append(one)
            done += 1
            progress(done, total)
        found.append(describe(path, items, summarize(heard) if heard else None))
    first = found[0].words
    return Comparison(
        manifests=found,
        shared=[
            (
                paths[later],
                paths[earlier],
                find_leakage(sets[later], sets[earlier], skip_missing=True),
            )
            for earlier, later in combinations(range(len(sets)), 2)
        ],
        news=[
            News(
                item.path,
                Counter({word: n for word, n in item.words.items() if word not in first}),
                item.words.total(),
            )
            for item in found[1:]
        ],
    )


def describe(path: Path, utterances: Sequence[Utterance], audio: Audio | None = None) -> Statistics:
    """Statistics of the utterances of a manifest."""
    speakers: defaultdict[str, float] = defaultdict(float)
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for item in utterances:
        words.update(item.text.split())
        characters.update(item.text)
        if item.speaker is not None:
            speakers[item.speaker] += item.duration
    spoken = [item for item in utterances if item.text and item.duration > 0]
    return Statistics(
        path=path,
        durations=np.array([item.duration for item in utterances], float),
        speakers=_sorted(speakers),
        word_rates=np.array([len(item.text.split()) / item.duration for item in spoken], float),
        character_rates=np.array([len(item.text) / item.duration for item in spoken], float),
        words=Counter(_sorted(words)),
        characters=Counter(_sorted(characters)),
        silent=sum(not item.text for item in utterances),
        anonymous=sum(item.speaker is None for item in utterances),
        audio=audio,
    )


def draw(utterances: Sequence[Utterance], count: int, seed: int) -> list[Utterance]:
    """Up to ``count`` of them, in their order; the same for the same ``seed``."""
    order = np.random.default_rng(seed).permutation(len(utterances))
    return [utterances[index] for index in sorted(order[:count].tolist())]


def measure(path: Path, info: ModelInfo) -> Measures | AudioError | None:
    """What is noticed of a recording at the model's rate, why it cannot be read, or None of one
    that is shorter than a frame."""
    meter = AudioMeter(info.sample_rate, info.min_samples)
    try:
        with open_audio(path, info.sample_rate) as stream:
            for block in stream:
                meter.add(block)
    except AudioError as error:
        return error
    return meter.measures


def summarize(heard: Sequence[Measures | AudioError | None]) -> Audio:
    """What :func:`measure` gave of several recordings, together."""
    measures = [item for item in heard if isinstance(item, Measures)]
    return Audio(
        files=len(heard),
        unreadable=sum(isinstance(item, AudioError) for item in heard),
        level=np.array([item.level for item in measures], float),
        noise=np.array([item.noise for item in measures], float),
        clipped=np.array([item.clipped for item in measures], float),
    )


def quantiles(values: Values) -> list[float] | None:
    """``QUANTILES`` of values (n,), linear between them; None where there are none."""
    return np.quantile(values, QUANTILES).tolist() if len(values) else None


def round_edges(values: Values) -> Values:
    """Edges of at most ``BINS`` bins of a round width (1, 2 or 5 times a power of ten) that hold
    ``NEARLY_ALL`` of the values (n,), from a multiple of the width on."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(np.quantile(values, NEARLY_ALL))
    power = 10.0 ** np.floor(np.log10(max(high - low, 1e-3) / BINS))
    for width in power * np.array([1, 2, 5, 10, 20]):
        first, last = np.floor(low / width), np.floor(high / width) + 1
        if last - first <= BINS:
            break
    edges: Values = np.round(np.arange(first, last + 1) * width, 9)
    return edges


def histogram(values: Values, edges: Values) -> list[int]:
    """Values (n,) in each bin from one edge up to the next; the last holds all beyond."""
    index = np.searchsorted(edges[1:-1], values, side="right")
    return [int(count) for count in np.bincount(index, minlength=len(edges) - 1)]


def to_json(comparison: Comparison) -> dict[str, Any]:
    """What ``asr data stats --json`` writes."""
    return {
        "quantiles": list(QUANTILES),
        "manifests": [_manifest_to_json(item) for item in comparison.manifests],
        "shared": [
            {"manifest": str(later), "with": str(earlier), **asdict(sharing)}
            for later, earlier, sharing in comparison.shared
        ],
        "new_words": [
            {
                "manifest": str(item.path),
                "distinct": len(item.words),
                "running": item.words.total(),
                "share": item.share,
                "words": dict(item.words),
            }
            for item in comparison.news
        ],
    }


def _manifest_to_json(item: Statistics) -> dict[str, Any]:
    distributions = {}
    for name, values in item.measures.items():
        edges = round_edges(values)
        distributions[name] = {
            "quantiles": quantiles(values),
            "edges": edges.tolist(),
            "counts": histogram(values, edges),
        }
    audio = item.audio
    return {
        "manifest": str(item.path),
        "utterances": len(item.durations),
        "hours": item.hours,
        "without_text": item.silent,
        "without_speaker": item.anonymous,
        "speakers": item.speakers,
        "words": item.words.total(),
        "distinct_words": len(item.words),
        "words_once": item.once,
        "frequent_words": dict(item.words.most_common(FREQUENT)),
        "characters": dict(item.characters),
        "distributions": distributions,
        "audio": audio
        and {
            "files": audio.files,
            "unreadable": audio.unreadable,
            "clipped": int((audio.clipped >= CLIPPED).sum()),
            "most_clipped": float(audio.clipped.max(initial=0.0)),
        },
    }


def _sorted(counts: Mapping[str, T]) -> dict[str, T]:
    """The largest first, then by name."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
