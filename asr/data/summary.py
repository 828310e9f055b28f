"""Summaries of manifests: how much is said, by whom, how fast, in which words, how loud.

:func:`summarize_utterances` describes one manifest, :func:`summarize_manifests` several together.
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

from asr.audio.inputs import AudioInput
from asr.audio.meter import AudioMeter, Measures
from asr.audio.read import open_audio
from asr.audio.shared import share
from asr.data.leakage import Leakage, find_leakage
from asr.data.manifest import Utterance, read_manifest
from asr.errors import AudioError
from asr.model.directory import ModelInfo
from asr.prefetch import prefetch_map

T = TypeVar("T", int, float)
Values = npt.NDArray[np.float64]
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BINS = 15
"""The largest number of bins of a histogram."""
NEARLY_ALL = 0.99
"""The share of values that the bins of a histogram are made for; the last bin holds the others,
too."""
FREQUENT = 50
"""The number of words that are listed."""
CLIPPED = 0.001
"""The least share of samples at full scale with which a recording counts as clipped."""


@dataclass(frozen=True)
class AudioSummary:
    """The measurements of a random sample of the recordings of a manifest.

    ``level`` and ``noise`` (n,) are in dB relative to full scale, and ``clipped`` (n,) holds shares
    of samples at full scale, all three for the n recordings that hold a frame. ``files`` is the
    number of recordings drawn, ``unreadable`` the number of those that cannot be decoded.
    """

    files: int
    unreadable: int
    level: Values
    noise: Values
    clipped: Values


@dataclass(frozen=True)
class ManifestSummary:
    """The facts about a manifest.

    ``durations`` (utterances,) are in seconds; ``speakers`` gives the seconds of each speaker.
    ``word_rates`` and ``character_rates`` (n,) are per second, for the n utterances that have text
    and a duration. ``words`` and ``characters`` are counts, the most frequent first; a space is a
    character, too. ``silent`` is the number of utterances without text, ``anonymous`` the number of
    those without a speaker. ``audio`` is None if no recording was decoded.
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
    audio: AudioSummary | None

    @property
    def hours(self) -> float:
        """The duration of all utterances together."""
        return float(self.durations.sum()) / 3600

    @property
    def once(self) -> int:
        """The number of words that occur once."""
        return sum(count == 1 for count in self.words.values())

    @property
    def measures(self) -> dict[str, Values]:
        """Everything that has a distribution, by name: values (n,), where n may be 0."""
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
class NewWords:
    """The words of a manifest that the first manifest lacks, with their counts; ``running`` is the
    number of all words of the manifest, repetitions counted."""

    path: Path
    words: Counter[str]
    running: int

    @property
    def share(self) -> float:
        """The share of the running words that the first manifest lacks."""
        return self.words.total() / self.running if self.running else 0.0


@dataclass(frozen=True)
class CorpusSummary:
    """The summaries of manifests that belong together, such as training, development and test set.

    ``shared`` holds, for each pair, the later manifest, the earlier one, and what the later has in
    common with the earlier; ``new_words`` are those of every manifest but the first.
    """

    manifests: list[ManifestSummary]
    shared: list[tuple[Path, Path, Leakage]]
    new_words: list[NewWords]


def summarize_manifests(
    paths: Sequence[Path],
    info: ModelInfo,
    audio_files: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CorpusSummary:
    """Summarise manifests, and find what they have in common.

    Args:
        paths: of manifests, one at least.
        info: the model at whose rate and frame length recordings are measured.
        audio_files: the number of recordings of each manifest that are decoded.
        seed: draws these recordings.
        progress: is called with the number of recordings measured and of all to be measured.

    Raises:
        DataError: a manifest that cannot be read.
    """
    sets = [read_manifest(path) for path in paths]
    samples = [
        share([item.source for item in draw_sample(items, audio_files, seed)]) for items in sets
    ]
    total = sum(map(len, samples))
    threads = os.cpu_count() or 1
    found: list[ManifestSummary] = []
    done = 0
    for path, items, sample in zip(paths, sets, samples, strict=True):
        heard = []
        for one in prefetch_map(
            partial(measure_recording, info=info), sample, threads, 8 * threads
        ):
            heard.append(one)
            done += 1
            progress(done, total)
        found.append(summarize_utterances(path, items, summarize_audio(heard) if heard else None))
    first = found[0].words
    return CorpusSummary(
        manifests=found,
        shared=[
            (
                paths[later],
                paths[earlier],
                find_leakage(sets[later], sets[earlier], skip_missing=True),
            )
            for earlier, later in combinations(range(len(sets)), 2)
        ],
        new_words=[
            NewWords(
                item.path,
                Counter({word: n for word, n in item.words.items() if word not in first}),
                item.words.total(),
            )
            for item in found[1:]
        ],
    )


def summarize_utterances(
    path: Path, utterances: Sequence[Utterance], audio: AudioSummary | None = None
) -> ManifestSummary:
    """Summarise the utterances of one manifest; ``audio`` becomes part of the summary.

    >>> items = [Utterance(Path("a.wav"), 2.0, "yes no yes", "a", "ann")]
    >>> summary = summarize_utterances(Path("train.jsonl"), items)
    >>> summary.words.most_common(1), summary.word_rates.tolist(), summary.speakers
    ([('yes', 2)], [1.5], {'ann': 2.0})
    """
    speakers: defaultdict[str, float] = defaultdict(float)
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for item in utterances:
        words.update(item.text.split())
        characters.update(item.text)
        if item.speaker is not None:
            speakers[item.speaker] += item.duration
    spoken = [item for item in utterances if item.text and item.duration > 0]
    return ManifestSummary(
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


def draw_sample(utterances: Sequence[Utterance], count: int, seed: int) -> list[Utterance]:
    """Return up to ``count`` random utterances, in their order; the same ones for the same
    ``seed``."""
    order = np.random.default_rng(seed).permutation(len(utterances))
    return [utterances[index] for index in sorted(order[:count].tolist())]


def measure_recording(source: AudioInput, info: ModelInfo) -> Measures | AudioError | None:
    """Measure level, noise and clipping of a recording at the model's rate.

    Returns:
        None if the recording is shorter than a frame; the error if it cannot be read.
    """
    meter = AudioMeter(info.sample_rate, info.min_samples)
    try:
        with open_audio(source, info.sample_rate) as stream:
            for block in stream:
                meter.add(block)
    except AudioError as error:
        return error
    return meter.measures


def summarize_audio(heard: Sequence[Measures | AudioError | None]) -> AudioSummary:
    """Put together what :func:`measure_recording` returned for several recordings."""
    measures = [item for item in heard if isinstance(item, Measures)]
    return AudioSummary(
        files=len(heard),
        unreadable=sum(isinstance(item, AudioError) for item in heard),
        level=np.array([item.level for item in measures], float),
        noise=np.array([item.noise for item in measures], float),
        clipped=np.array([item.clipped for item in measures], float),
    )


def quantiles(values: Values) -> list[float] | None:
    """Return the :data:`QUANTILES` of values (n,), by linear interpolation; None if n is 0."""
    return np.quantile(values, QUANTILES).tolist() if len(values) else None


def round_edges(values: Values) -> Values:
    """Return the edges of the bins of a histogram of values (n,).

    There are at most :data:`BINS` bins, which hold :data:`NEARLY_ALL` of the values. Their width is
    round (1, 2 or 5 times a power of ten), and the first edge is a multiple of it.

    >>> round_edges(np.array([0.5, 1.2, 2.9])).tolist()[:4]
    [0.4, 0.6, 0.8, 1.0]
    """
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
    """Count the values (n,) in each bin, from one edge up to the next; the first and the last bin
    hold all values beyond, too."""
    index = np.searchsorted(edges[1:-1], values, side="right")
    return [int(count) for count in np.bincount(index, minlength=len(edges) - 1)]


def to_json(summary: CorpusSummary) -> dict[str, Any]:
    """Return what ``asr data stats --json`` writes, as plain values."""
    return {
        "quantiles": list(QUANTILES),
        "manifests": [_manifest_to_json(item) for item in summary.manifests],
        "shared": [
            {"manifest": str(later), "with": str(earlier), **asdict(leakage)}
            for later, earlier, leakage in summary.shared
        ],
        "new_words": [
            {
                "manifest": str(item.path),
                "distinct": len(item.words),
                "running": item.words.total(),
                "share": item.share,
                "words": dict(item.words),
            }
            for item in summary.new_words
        ],
    }


def _manifest_to_json(item: ManifestSummary) -> dict[str, Any]:
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
    """Return ``counts`` with the largest first, and equal ones by name."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
