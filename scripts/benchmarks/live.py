"""Measure how late a live transcription tells words, and how that grows with the streams.

    python scripts/benchmarks/live.py --manifest data/an4/test.jsonl --model recipes/an4/model

Recordings are fed in packets of 20 ms, each on its own and joined to long ones. The clock is
simulated: a result is there when the packets that it needs have come and the processor time of its
computation has passed on one of ``--cores``. So hours are measured in minutes, and other programs
on the machine do not count; ``--real`` waits instead, with a thread for each core.

The table gives medians and 95th percentiles in seconds, and how many they are of. The delay of a
word is counted from its end in the transcript of the file to the time at which it is ``shown``, and
to that from which on it stays (``settled``); that of a ``final`` from the time at which the pause
after its last word is long enough; that of the ``last`` one from the end of the stream. Then come
the stable words that changed, and the word errors of finals and of files. ``--streams`` measures
streams at once instead, each of ``--minutes``, with the first decoder and manifest; ``--output``
draws their delays (matplotlib, of the extra plots).
"""

import argparse
import heapq
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from picture import INK, LINE, save, style, subplots
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from asr.audio.read import Samples, read_audio
from asr.data.manifest import read_manifest
from asr.errors import AsrError
from asr.evaluation.scoring import ErrorCounts, score
from asr.model.directory import default_model
from asr.recognition.live import Final, LiveTranscription, Partial, Update
from asr.recognition.transcriber import Transcriber
from asr.recognition.words import Word, join_words

PACKET_SECONDS = 0.02
KINDS = ("shown", "settled", "final", "last")
NEAR_SECONDS = 0.4
"""Words of the same text that begin no farther apart are the same."""


@dataclass(frozen=True)
class Recording:
    """What a stream plays: ``samples`` (n,) at ``rate`` Hz, the ``text`` that is said, and the
    ``words`` that are recognised in the files it was joined of."""

    samples: Samples
    rate: int
    text: str
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """The length."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Told:
    """An ``update`` that was there at the time ``at`` (s) of the stream; ``asked`` is True if the
    stream had ended."""

    at: float
    update: Update
    asked: bool


@dataclass
class Delays:
    """The delays in seconds of partial words (``shown`` at first, and ``settled``: from then on
    they stay), of finals after a pause, and of the ``last`` finals after the end of the stream. Of
    ``stable`` words ``changed`` are not in the final."""

    shown: list[float] = field(default_factory=list)
    settled: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    stable: int = 0
    changed: int = 0


def main() -> None:
    """Measure what the options ask for, print the tables and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, nargs="+", required=True, help="the recordings")
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    parser.add_argument(
        "--decoder", nargs="+", default=["greedy", "beam"], help="default: greedy beam"
    )
    parser.add_argument("--endpoint-seconds", type=float, default=0.8, help="default: 0.8")
    parser.add_argument("--minutes", type=float, default=5.0, help="of joined audio; default: 5")
    parser.add_argument("--cores", type=int, default=2, help="default: 2")
    parser.add_argument("--limit", type=int, help="use only so many recordings of each manifest")
    parser.add_argument("--streams", type=int, nargs="*", default=[], help="such as 1 2 4 8 16")
    parser.add_argument("--real", action="store_true", help="measure streams in real time")
    parser.add_argument("--output", type=Path, help="draw delay against streams in this file")
    options = parser.parse_args()
    try:
        run(options)
    except AsrError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    console = Console(width=160)
    if not options.streams:
        console.print(sets(options))
        return
    transcriber = Transcriber(options.model, decoder=options.decoder[0])
    alone = read(transcriber, options.manifest[0], options.limit)
    table = Table("streams", *KINDS[:3], "cores busy", box=MARKDOWN)
    found = dict[int, Delays]()
    for number in options.streams:
        recordings = [rotated(alone, index, 60 * options.minutes) for index in range(number)]
        begin = time.process_time()
        how = play_in_real_time if options.real else play
        stories = how(transcriber, recordings, options.endpoint_seconds, options.cores)
        busy = time.process_time() - begin
        found[number] = Delays()
        for recording, told in zip(recordings, stories, strict=True):
            add_delays(found[number], recording, told, options.endpoint_seconds)
        table.add_row(
            str(number),
            *(spread(getattr(found[number], kind)) for kind in KINDS[:3]),
            f"{busy / max(recording.seconds for recording in recordings):.2f}",
        )
    console.print(table)
    if options.output:
        draw(found, options.output)


def sets(options: argparse.Namespace) -> Table:
    """Return the table of all sets and decoders, each measured as one stream."""
    table = Table(
        *("set", "decoder", *KINDS, "changed", "live WER", "WER of the files"), box=MARKDOWN
    )
    for decoder in options.decoder:
        transcriber = Transcriber(options.model, decoder=decoder)
        for manifest in options.manifest:
            alone = read(transcriber, manifest, options.limit)
            for name, recordings in (
                ("one by one", alone),
                ("joined", list(joined(alone, 60 * options.minutes))),
            ):
                found, live = Delays(), list[str]()
                for recording in recordings:
                    (told,) = play(transcriber, [recording], options.endpoint_seconds, 1)
                    add_delays(found, recording, told, options.endpoint_seconds)
                    live.append(join_words(finals(told)))
                files = [transcriber.transcribe(item.samples).text for item in recordings]
                table.add_row(
                    f"{manifest.stem}, {name}",
                    decoder,
                    *(spread(getattr(found, kind)) for kind in KINDS),
                    f"{found.changed} of {found.stable}",
                    str(counted(recordings, live)),
                    str(counted(recordings, files)),
                )
    return table


def read(transcriber: Transcriber, manifest: Path, limit: int | None) -> list[Recording]:
    """Read the recordings of a manifest, and recognise them as files."""
    rate = transcriber.model.sample_rate
    found = []
    for item in islice(read_manifest(manifest), limit):
        samples = read_audio(item.source, rate).samples
        words = transcriber.transcribe(samples).words
        found.append(Recording(samples, rate, item.text, words))
    return found


def join(parts: list[Recording]) -> Recording:
    """Join recordings to one."""
    words, seconds = list[Word](), 0.0
    for part in parts:
        words += [
            replace(word, start=word.start + seconds, end=word.end + seconds) for word in part.words
        ]
        seconds += part.seconds
    samples = np.concatenate([part.samples for part in parts])
    return Recording(samples, parts[0].rate, " ".join(x.text for x in parts), tuple(words))


def joined(items: list[Recording], seconds: float) -> Iterator[Recording]:
    """Yield recordings of ``seconds`` at least, joined of ``items``; the last may be shorter."""
    group = list[Recording]()
    for item in items:
        group.append(item)
        if sum(part.seconds for part in group) >= seconds:
            yield join(group)
            group = []
    if group:
        yield join(group)


def rotated(items: list[Recording], index: int, seconds: float) -> Recording:
    """Return a recording of ``seconds`` at least, joined of ``items`` from another one on for each
    ``index``."""
    group = list[Recording]()
    for item in islice(cycle(items), index * 7 % len(items), None):
        group.append(item)
        if sum(part.seconds for part in group) >= seconds:
            break
    return join(group)


class Stream:
    """A live transcription that is fed in packets, the first of which begins at ``start``."""

    def __init__(self, live: LiveTranscription, recording: Recording, start: float) -> None:
        self.live, self.recording, self.start = live, recording, start
        self.told = list[Told]()
        self.rate = recording.rate
        self.packet = round(PACKET_SECONDS * self.rate)
        self.given = 0  # samples

    @property
    def next(self) -> float:
        """The time at which the next packet has come."""
        return self.start + (self.given + self.packet) / self.rate

    def work(self, now: float, clock: Callable[[], float]) -> bool:
        """Give what has come, and take a step; return False at the end of the stream."""
        until = min(len(self.recording.samples), int((now - self.start) * self.rate + 0.5))
        until -= until % self.packet if until < len(self.recording.samples) else 0
        samples = self.recording.samples[self.given : until]
        self.given += len(samples)
        self.live.hear(samples)
        ended = self.given == len(self.recording.samples)
        begin = clock()
        updates = [(False, update) for update in self.live.step()]
        if ended:
            updates += [(True, update) for update in self.live.finish()]
        at = now + clock() - begin - self.start
        self.told += [Told(at, update, asked) for asked, update in updates]
        return not ended


def play(
    transcriber: Transcriber, recordings: list[Recording], endpoint: float, cores: int
) -> list[list[Told]]:
    """Return what streams that begin at almost the same time are told, by a simulated clock."""
    streams = [
        Stream(transcriber.live(endpoint_seconds=endpoint), recording, 0.037 * index)
        for index, recording in enumerate(recordings)
    ]
    ready = [(stream.next, index) for index, stream in enumerate(streams)]
    heapq.heapify(ready)
    free = [0.0] * cores
    while ready:
        at, index = heapq.heappop(ready)
        now = max(at, free[0])
        begin = time.thread_time()
        goes_on = streams[index].work(now, time.thread_time)
        done = now + time.thread_time() - begin
        heapq.heapreplace(free, done)
        if goes_on:
            heapq.heappush(ready, (max(done, streams[index].next), index))
    return [stream.told for stream in streams]


def play_in_real_time(
    transcriber: Transcriber, recordings: list[Recording], endpoint: float, cores: int
) -> list[list[Told]]:
    """Return what streams are told that are fed in real time, with a thread for each core."""
    begin = time.perf_counter()
    streams = [
        Stream(transcriber.live(endpoint_seconds=endpoint), recording, 0.037 * index)
        for index, recording in enumerate(recordings)
    ]
    ready = [(stream.next, index) for index, stream in enumerate(streams)]
    heapq.heapify(ready)
    lock = threading.Lock()
    left = len(streams)

    def now() -> float:
        return time.perf_counter() - begin

    def work() -> None:
        nonlocal left
        while left:
            with lock:
                at, index = heapq.heappop(ready) if ready else (0.0, -1)
            if index < 0 or at > now():
                time.sleep(0.002)
                if index >= 0:
                    with lock:
                        heapq.heappush(ready, (at, index))
                continue
            goes_on = streams[index].work(now(), time.perf_counter)
            with lock:
                if goes_on:
                    heapq.heappush(ready, (streams[index].next, index))
                else:
                    left -= 1

    threads = [threading.Thread(target=work) for _ in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [stream.told for stream in streams]


def finals(told: list[Told]) -> list[Word]:
    """Return the words of all finals."""
    updates = [item.update for item in told]
    return [word for update in updates if isinstance(update, Final) for word in update.words]


def add_delays(found: Delays, recording: Recording, told: list[Told], endpoint: float) -> None:
    """Add the delays of a stream."""
    words = finals(told)
    pairs = dict(matches(words, recording.words))
    before, stretch = list[Told](), list[Told]()
    index = 0
    for item in told:
        stretch.append(item)
        if not isinstance(item.update, Final):
            continue
        texts = [word.text for word in item.update.words]
        for at in range(len(texts)):
            if (other := pairs.get(index + at)) is not None:
                # Behind a cut that is no pause stand words that were shown before it.
                times = shown(item.update.words[at], [*before, *stretch])
                end = recording.words[other].end
                found.shown.append(times[0] - end)
                found.settled.append(times[-1] - end)
        last = pairs.get(index + len(texts) - 1)
        if item.asked:
            found.last.append(item.at - recording.seconds)
        elif last is not None and item.update.pause:
            found.final.append(item.at - recording.words[last].end - endpoint)
        stable = {
            (place, word.text)
            for told_before in stretch
            if isinstance(partial := told_before.update, Partial)
            for place, word in enumerate(partial.words[: partial.stable])
            if item.update.pause or place < len(texts)
        }
        found.stable += len(stable)
        found.changed += len(stable - set(enumerate(texts)))
        index += len(texts)
        before, stretch = stretch[:-1], []


def matches(ours: list[Word], others: tuple[Word, ...]) -> Iterator[tuple[int, int]]:
    """Yield the indices of words that both have, in the same order and at about the same time."""
    texts = [[word.text for word in words] for words in (ours, others)]
    for block in SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks():
        for k in range(block.size):
            if abs(ours[block.a + k].start - others[block.b + k].start) < NEAR_SECONDS:
                yield block.a + k, block.b + k


def shown(word: Word, stretch: list[Told]) -> list[float]:
    """Return the times at which a word of the final, which is the last of ``stretch``, appears."""
    times, before = list[float](), False
    for item in stretch:
        present = any(
            other.text == word.text and abs(other.start - word.start) < NEAR_SECONDS
            for other in item.update.words
        )
        if present and not before:
            times.append(item.at)
        before = present
    return times


def counted(recordings: list[Recording], texts: list[str]) -> ErrorCounts:
    """Return the word errors."""
    return score([recording.text for recording in recordings], texts).words


def spread(delays: list[float]) -> str:
    """Return the median and the 95th percentile, and the number of delays."""
    if not delays:
        return "-"
    return f"{np.median(delays):.2f}, {np.percentile(delays, 95):.2f} ({len(delays)})"


def draw(streams: dict[int, Delays], path: Path) -> None:
    """Write a picture of the delays against the number of streams."""
    figure, panels = subplots(1, 2, (8, 3), sharey=True)
    numbers = list(streams)
    for panel, (name, kind, most) in zip(
        panels,
        (
            ("partial that stays: after the end of a word", "settled", (0.5, 1.0)),
            ("final: after the endpoint", "final", (0.3,)),
        ),
        strict=True,
    ):
        values = [getattr(found, kind) for found in streams.values()]
        for share, line in ((50, "o-"), (95, "o--")):
            delays = [np.percentile(value, share) if value else np.nan for value in values]
            panel.semilogx(numbers, delays, line, color=LINE, markersize=4, base=2)
        for limit in most:
            panel.axhline(limit, color=INK, linewidth=0.8, linestyle=":")
        panel.set_xticks(numbers, [str(number) for number in numbers])
        panel.set_xlabel("streams at once", color=INK)
        panel.set_title(name, color=INK, fontsize=10)
        panel.set_ylim(-0.25, 1.5)
        style(panel)
    panels[0].set_ylabel("seconds (median, 95 %)", color=INK)
    save(figure, path)


if __name__ == "__main__":
    main()
