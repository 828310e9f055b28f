"""Live transcription: the words of a stream while it goes on, first partial and then final.

A bidirectional network hears what comes after a word, but it computes a hundred times faster than
people speak. What was said since the last pause is therefore recognised again and again while it
grows: that gives *partial* words. When a pause is long enough, the stretch before it is recognised
once more, in a range of samples that depends on the place of the cut alone, and becomes *final*.
Final words have their readable form if the model has a tagger, partial ones do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from asr.audio.meter import AudioMeter
from asr.audio.read import Samples
from asr.config import Section, option
from asr.lm.ngram import MAX_ORDER
from asr.model.domain import Domain
from asr.model.normalization import Features, normalize
from asr.model.session import LogProbs, Session
from asr.recognition.chunks import Chunk, Cut, Cutter
from asr.recognition.live_features import LiveFeatures
from asr.recognition.moments import Moments
from asr.recognition.reading import SegmentReader
from asr.recognition.segments import PAUSE_SECONDS, moved, shown, split
from asr.recognition.transcript import DecodedChunk
from asr.recognition.warnings import WordTally, tally_warnings
from asr.recognition.words import Word, join_words

if TYPE_CHECKING:
    from asr.display.readable import Reader
    from asr.display.tokens import Token

BEFORE_SECONDS = 1.0
"""The context before what is recognised. Less makes words change; more takes time."""
AFTER_SECONDS = 1.0
"""The context after a stretch that is cut where nobody pauses."""
REVISED_SECONDS = 8.0
"""The latest sound of a stretch, whose log-probs are computed again at each step. With 1.5 s, a
fifth of the words changed once the whole stretch was heard."""
IDLE_SECONDS = 1.0
"""The silence that belongs to a stretch before its first letter; the network may notice the
beginning of a word late."""
REST_SECONDS = 4.0
"""The longest sound that is left alone because it is no louder than one without words."""
LOUDER = 1.0
"""How far the logarithms of its mel bands, on average, may lie above those of such a sound."""
PIECE_SECONDS = 20.0
"""The most sound that one step takes in."""
STABLE_SECONDS = 2.0
"""The time since which a stable word has ended, and has been what it is. Of 245 such words of AN4's
development part, three changed later; of those after 1.2 s, 17 of 442."""
HALF_LIFE_SECONDS = 5.0
"""The length of later speech after which what was said counts half in the statistics."""


@dataclass(frozen=True)
class LiveConfig(Section, name="live"):
    """Live transcription."""

    endpoint_seconds: float = option(
        0.8, "pause after which the words before it are final", at_least=0.2, at_most=10
    )
    max_seconds: float = option(15.0, "longest stretch without a pause", at_least=4, at_most=60)
    step_seconds: float = option(
        0.2, "new sound after which words are recognised again", at_least=0.04, at_most=10
    )


@dataclass(frozen=True)
class Partial:
    """The words since the last :class:`Final`, which may still change.

    The first ``stable`` of them have not changed for some time. Times are seconds of the stream.
    """

    words: tuple[Word, ...]
    stable: int = 0

    @property
    def text(self) -> str:
        """The text of the words.

        >>> Partial((Word("go", 0.1, 0.3, 0.9),)).text
        'go'
        """
        return join_words(self.words)


@dataclass(frozen=True)
class Final:
    """The words of a stretch of the stream that ended, at a pause or because it got long.

    They do not change any more. ``end`` is the time (s) up to which the stream has become final:
    no later word begins before it. ``pause`` is False if the stretch was cut where nobody paused.
    ``tokens`` are the readable form of the words; there are none without a tagger.
    """

    words: tuple[Word, ...]
    end: float
    pause: bool = True
    tokens: "tuple[Token, ...]" = ()

    @property
    def text(self) -> str:
        """The text of the words.

        >>> Final((Word("go", 0.1, 0.3, 0.9), Word("on", 0.5, 0.8, 0.9)), 1.2).text
        'go on'
        """
        return join_words(self.words)

    @property
    def shown(self) -> tuple[Word, ...]:
        """The words as people read them: the tokens with their times, or the words themselves."""
        return shown(self.tokens, self.words)

    @property
    def display(self) -> str:
        """The readable form of the text, which is the text itself without a tagger.

        >>> from asr.display.tokens import Token
        >>> words = Word("forty", 0.1, 0.3, 0.9), Word("two", 0.5, 0.8, 0.9)
        >>> Final(words, 1.2, tokens=(Token("42.", 0, 2),)).display
        '42.'
        """
        return join_words(self.shown)

    @property
    def start(self) -> float:
        """The seconds at which the first word starts."""
        return self.words[0].start


def join_finals(finals: Sequence[Final]) -> Final:
    """Return one final of all words of one or more, with their tokens.

    >>> go, on = Final((Word("go", 0.1, 0.3, 0.9),), 0.4), Final((Word("on", 0.5, 0.8, 0.9),), 1.2)
    >>> join_finals([go, on]).text, join_finals([go, on]).end
    ('go on', 1.2)
    """
    words: list[Word] = []
    tokens: list[Token] = []
    for final in finals:
        tokens += moved(final.tokens, len(words))
        words += final.words
    return replace(finals[-1], words=tuple(words), tokens=tuple(tokens))


Update = Partial | Final
"""What a live transcription tells."""

Decode = Callable[[Chunk, float, str], DecodedChunk]
"""A function that decodes a chunk of a recording that lasts so many seconds until now, after a
history of words."""


class LiveTranscription:
    """A stream that is transcribed while it goes on.

    :meth:`hear` may be called from another thread than the other methods, of which one runs at a
    time.

    Args:
        session: computes log-probabilities.
        decode: decodes what becomes final.
        config: the lengths of pauses, stretches and steps.
        meter: measures the stream; without one, the stream has no warnings.
        domain: what the model was trained on; the stream's warnings name what differs.
        reader: makes the reader of their readable form when the first words are final; None for
            none.

    >>> import soundfile
    >>> from asr.recognition.transcriber import Transcriber
    >>> samples, rate = soundfile.read("samples/flite-slt-spelled-name.wav", dtype="float32")
    >>> live, updates = Transcriber().live(), []
    >>> for begin in range(0, len(samples), 320):  # packets of 20 ms
    ...     live.hear(samples[begin : begin + 320])
    ...     updates += live.step()
    >>> updates += live.finish()
    >>> updates[2].text, updates[-1].text
    ('p e t', 'p e t e r s o n')
    """

    def __init__(
        self,
        session: Session,
        decode: Decode,
        config: LiveConfig,
        meter: AudioMeter | None = None,
        domain: Domain | None = None,
        reader: "Callable[[], Reader | None]" = lambda: None,
    ) -> None:
        info = session.info
        self._session, self._decode, self._info = session, decode, info
        self._cutter = Cutter(info, config.max_seconds, config.endpoint_seconds)
        self._step = self._samples(config.step_seconds)
        self._stable = self._samples(STABLE_SECONDS)
        self._before = self._frames(BEFORE_SECONDS)
        self._after = self._frames(AFTER_SECONDS)
        self._revised = self._frames(REVISED_SECONDS)
        self._idle = self._frames(IDLE_SECONDS)
        self._rest = self._samples(REST_SECONDS) // info.features.hop_length
        self._lowest = np.log(info.features.log_floor) + 0.01
        self._half_life = self._frames(HALF_LIFE_SECONDS)
        self._features = LiveFeatures(session)
        self._meter, self._domain, self._tally = meter, domain, WordTally()
        self._reader = SegmentReader(reader, live=True)
        self._past = Moments()  # of the stretches that are final
        self._padding = info.encoder.padding
        # Output frames are counted so that frame n begins at the sample n × stride.
        self._origin = 0  # no frame before it is heard as context
        self._cut = -self._padding  # the first frame of the stretch that is open
        self._settled: LogProbs = np.zeros((0, session.columns), np.float32)
        self._due = self._step  # the number of samples at which the next step is taken
        self._known = 0  # the first frame that had not been heard when a pause was looked for
        self._looked = 0  # the number of features that were recognised
        self._floor = -np.inf  # the level of sound without words
        self._told = Partial(())
        self._since: list[int] = []  # the samples since which each word is what it is
        self._history: list[Word] = []

    def hear(self, samples: Samples) -> None:
        """Append mono float32 ``samples`` (n,) at the model's sample rate; nothing is computed."""
        self._features.hear(samples)

    def step(self) -> list[Update]:
        """Recognise what was heard, if enough of it is new, and return what that changes."""
        updates = list[Update]()
        while self.is_due:
            updates += self._take()
            if not self._is_silent():
                updates += self._advance()
        return updates

    def flush(self) -> list[Update]:
        """Make all words final now, as if the stream ended, and return them; it may go on."""
        updates = self.step() + self._take()
        features = self._features
        begin = max(self._origin, self._cut) * self._info.frame_stride
        if features.samples - begin >= self._info.min_samples:
            rows = self._rows(self._cut, features.end)
            updates += self._finalize(rows, Cut(len(rows), True, len(rows)), features.end)
            self._origin = features.samples // self._info.frame_stride
            self._move(self._origin - self._padding)
        return updates

    def finish(self) -> list[Update]:
        """Make the last words final, once the stream is over, and return them."""
        return self.flush()

    @property
    def is_due(self) -> bool:
        """True if enough is new that :meth:`step` computes something."""
        return self._features.samples + self._features.waiting >= self._due

    @property
    def position(self) -> float:
        """The time (s) up to which the stream has become final."""
        return max(self._origin, self._cut) * self._info.frame_stride / self._info.sample_rate

    @property
    def duration(self) -> float:
        """The seconds that have been heard."""
        samples = self._features.samples + self._features.waiting
        return samples / self._info.sample_rate

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that a reader of the text should know: nothing to hear so far, or a stream that
        differs from what the model was trained on."""
        if self._meter is None:
            return ()
        nothing, measures = self._meter.nothing, self._meter.measures
        if nothing or measures is None or self._domain is None:
            return nothing
        return tally_warnings(self._domain, measures, self._tally, in_one_piece=False)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._info.sample_rate)

    def _frames(self, seconds: float) -> int:
        return max(1, round(seconds * self._info.sample_rate / self._info.frame_stride))

    def _take(self) -> list[Update]:
        """Take in what was heard; where that is much, it is recognised piece by piece."""
        updates = list[Update]()
        while True:
            samples = self._features.take(self._samples(PIECE_SECONDS))
            if self._meter:
                self._meter.add(samples)
            if not self._features.waiting:
                self._due = self._features.samples + self._step
                return updates
            updates += self._advance()

    def _is_silent(self) -> bool:
        """Return True if what is new need not be recognised yet, since it is no louder than what
        came before, in which nothing was said."""
        end = self._features.end
        new = self._features.read(self._looked, end)
        if self._told.words or not len(new) or _level(new) > self._floor:
            return False
        if new.max() <= self._lowest:  # digital silence
            heard = self._features.complete // self._info.encoder.reduction
            self._looked = end
            self._move(max(self._cut, heard - self._idle))
            return True
        return end - self._looked < self._rest

    def _advance(self) -> list[Update]:
        """Recognise what is new, and return what became final and the partial words."""
        updates = list[Update]()
        reduction = self._info.encoder.reduction
        new = self._rows(self._cut + len(self._settled), self._features.end)
        rows = np.concatenate([self._settled, new])
        while True:
            rows, heard = self._without_silence(rows)
            cut = self._cutter.find(rows[:heard], self._known - self._cut)
            if cut is None or not (cut.pause or heard >= self._cutter.longest + self._after):
                break
            last = self._cut + (cut.silent_until if cut.pause else cut.count + self._after)
            final = self._rows(self._cut, last * reduction)[: cut.count]
            updates += self._finalize(final, cut, last * reduction)
            self._move(self._cut + cut.count)
            rows = rows[cut.count :]
        self._known = self._cut + heard
        gaps = self._cutter.gaps(rows[:heard])
        self._floor = -np.inf
        if gaps.all():
            stretch = self._features.read(self._cut * reduction, self._features.complete)
            if len(stretch):
                self._floor = float(np.percentile(stretch.mean(axis=1), 25)) + LOUDER
        elif gaps[-1]:  # the next step is taken when the pause may be long enough
            frame = self._cut + int(np.flatnonzero(~gaps)[-1]) + 1 + self._cutter.pause
            samples = self._features.needs(frame * reduction)
            if samples > self._features.samples:
                self._due = min(self._due, samples)
        self._looked = self._features.end
        self._settled = rows[: max(len(self._settled), heard - self._revised)]
        return updates + self._partial(rows)

    def _without_silence(self, rows: LogProbs) -> tuple[LogProbs, int]:
        """Let the open stretch, of which these are the ``rows``, begin soon before its first
        letter. Return its rows, and the number of them that lie in what was heard; the network adds
        some behind its end."""
        while True:
            heard = max(0, self._features.complete // self._info.encoder.reduction - self._cut)
            letters = np.flatnonzero(~self._cutter.gaps(rows[:heard]))
            spare = (int(letters[0]) if len(letters) else heard) - self._idle
            if spare <= 0:
                return rows, heard
            self._move(self._cut + spare)
            rows = rows[spare:]

    def _rows(self, first: int, end: int) -> LogProbs:
        """Return the log-probs from the frame ``first`` on, computed with the features up to
        ``end``."""
        reduction = self._info.encoder.reduction
        begin = max(self._origin, first - self._before)
        begin -= begin % self._info.encoder.joined  # every time it joins the same frames
        features = self._features.read(begin * reduction, end)
        if not len(features):
            return self._settled[:0]
        (rows,) = self._session.log_probs_of_features([self._normalized(features, end)])
        return rows[first - begin + self._padding :]

    def _normalized(self, features: Features, end: int) -> Features:
        """Return features normalised by the open stretch up to the feature ``end``, and by those
        before it."""
        moments = self._past.faded(1.0)
        begin = max(self._origin, self._cut) * self._info.encoder.reduction
        moments.add(self._features.read(begin, end))
        return normalize(features, moments.statistics)

    def _finalize(self, rows: LogProbs, cut: Cut, end: int) -> list[Update]:
        """Decode the ``rows`` of the open stretch, which was computed up to the feature ``end``."""
        first = self._cut + self._padding
        chunk = Chunk(first, rows, cut.pause, first + cut.silent_until)
        features = self._info.features
        samples = min(end * features.hop_length, self._features.samples)
        seconds = samples / features.sample_rate
        decoded = self._decode(chunk, seconds, join_words(self._history))
        words = decoded.words
        if self._domain:
            self._tally.add(self._domain, words, decoded.best_path)
        self._history = [] if cut.pause else [*self._history, *words][-MAX_ORDER:]
        told, self._told, self._since = self._told, Partial(()), []
        if words:
            self._past = self._past.faded(0.5 ** (len(rows) / self._half_life))
            begin = max(self._origin, self._cut) * self._info.encoder.reduction
            self._past.add(self._features.read(begin, end))
            tokens = self._read(words, cut.pause)
            return [Final(words, decoded.silent_until, cut.pause, tokens)]
        return [Partial(())] if told.words else []

    def _read(self, words: Sequence[Word], pause: bool) -> "tuple[Token, ...]":
        """Return the tokens of final words, none of which goes across the end of a segment."""
        tokens: list[Token] = []
        count = 0
        for segment in self._reader.add(split(words, PAUSE_SECONDS if pause else None)):
            tokens += moved(segment.tokens, count)
            count += len(segment.words)
        return tuple(tokens)

    def _move(self, cut: int) -> None:
        """Let the open stretch begin at the frame ``cut``."""
        self._cut, self._settled = cut, self._settled[:0]
        kept = cut - self._before - self._info.encoder.joined
        self._features.forget(kept * self._info.encoder.reduction)

    def _partial(self, rows: LogProbs) -> list[Update]:
        """Return the words of ``rows`` unless they are what was told."""
        info, now = self._info, self._features.samples
        chunk = Chunk(self._cut + self._padding, rows, False, len(rows))
        words = self._decode(chunk, now / info.sample_rate, join_words(self._history)).words
        texts = [word.text for word in words]
        same = _same([word.text for word in self._told.words], texts)
        self._since = self._since[:same] + [now] * (len(words) - same)
        stable = min(same, self._told.stable)
        while (
            stable < len(words)
            and now - self._since[stable] >= self._stable
            and now - self._samples(words[stable].end) >= self._stable
        ):
            stable += 1
        told, self._told = self._told, Partial(words, stable)
        unchanged = same == len(texts) == len(told.words) and stable == told.stable
        return [] if unchanged else [self._told]


def _level(features: Features) -> float:
    """Return the level of the loudest 50 ms of features (frames, num_mels)."""
    levels = features.mean(axis=1)
    smooth = np.convolve(levels, np.full(5, 0.2), "valid") if len(levels) > 5 else levels
    return float(smooth.max())


def _same(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many items at the beginning of both are equal."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in pairs)
