"""A live transcription tells words early, and ends with the right ones, however they came."""

import numpy as np
import pytest
import soundfile
from conftest import ROOT, make_info, noise
from hypothesis import given, settings
from hypothesis import strategies as st

import asr
from asr.decoding.greedy import greedy
from asr.errors import ConfigError
from asr.model.session import Session
from asr.recognition.live import LiveConfig, LiveTranscription
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import DecodedChunk
from asr.recognition.words import frame_time, to_words

RATE = 16000
PACKET = 320  # 20 ms
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
BLANK, SPACE, A, B, C = 0, 1, 3, 4, 5
STRIDE = 640
QUIET = -20  # below the logarithm of the least energy


class Script(Session):
    """A session whose samples tell the symbol of each frame, whatever stands around it."""

    def __init__(self):
        self.info = make_info()
        self.at_once = 1
        self.frames = []  # those of each call of the network

    def features(self, samples):
        features = self.info.features
        frames = features.num_frames(len(samples))
        values = np.append(samples, np.zeros(features.hop_length, np.float32))
        values = 100 * values[: frames * features.hop_length : features.hop_length]
        levels = np.where(values > 0.5, values + 10, QUIET)
        return np.repeat(levels[:, None], features.num_mels, axis=1).astype(np.float32)

    def _run(self, batch, lengths):
        raise NotImplementedError

    def _run_features(self, batch, lengths):
        encoder = self.info.encoder
        values = batch[0, :: encoder.reduction, 0]
        path = np.pad(np.where(values > 0.5, np.round(values - 10), BLANK), encoder.padding)
        self.frames.append(len(path))
        return log_probs_of(path.astype(int))[None], np.array([len(path)])


def log_probs_of(path):
    """Return log-probs whose best path is ``path``."""
    rows = np.full((len(path), len(make_info().vocabulary)), -5.0, np.float32)
    rows[np.arange(len(path)), path] = -0.1
    return rows


def sound(path):
    """Return samples of which a script makes ``path``."""
    return np.repeat(np.array(path, np.float32) / 100, STRIDE)


class Scripted:
    """A live transcription by a script. ``histories`` are those with which stretches that became
    final were decoded."""

    def __init__(self, **options):
        self.session = Script()
        self.histories = []
        self.live = LiveTranscription(self.session, self.decode, LiveConfig(**options))
        self.live._normalized = lambda features, end: features  # which a script is read from

    def decode(self, chunk, duration, history):
        info = self.session.info
        best = greedy(chunk.log_probs, info.vocabulary.blank_id)
        words = to_words(best, info, duration, chunk.first)
        self.histories.append(history)
        return DecodedChunk(words, words, frame_time(chunk.silent_until, info, duration))


@pytest.fixture(scope="module")
def transcriber():
    """A transcriber with the default model."""
    return Transcriber()


def spoken(path):
    """Return the samples of a recording."""
    return soundfile.read(path, dtype="float32")[0]


def quiet(seconds, seed=0):
    """Return the faint noise of a room in which nobody speaks."""
    return noise(round(seconds * RATE), seed, 1e-4)


def feed(live, samples, packet=PACKET):
    """Feed ``samples`` packet by packet, and yield (seconds heard, update)."""
    for begin in range(0, len(samples), packet):
        live.hear(samples[begin : begin + packet])
        for update in live.step():
            yield live.duration, update


def everything(live, samples, packet=PACKET):
    """Return all updates of a stream."""
    return [update for _, update in feed(live, samples, packet)] + live.finish()


def finals(updates):
    """Return the finals of updates."""
    return [update for update in updates if isinstance(update, asr.Final)]


def changed(updates):
    """Return the stable words that the next final does not have, with their places."""
    told, gone = [], []
    for update in updates:
        if isinstance(update, asr.Final):
            texts = [word.text for word in update.words]
            gone += [item for item in told if list(item[1]) != texts[: item[0]]]
            told = []
        elif update.stable:
            told.append((update.stable, [word.text for word in update.words[: update.stable]]))
    return gone


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from([BLANK, SPACE, A, B, C]), st.integers(1, 30)), max_size=12
    ),
    packet=st.integers(50, 30_000),
)
def test_nothing_is_lost_or_said_twice(runs, packet):
    """Finals have the letters of the whole, at their times, and begin with the stable words."""
    path = [symbol for symbol, count in runs for _ in range(count)]
    scripted = Scripted(endpoint_seconds=0.4)
    updates = everything(scripted.live, sound(path), packet)
    vocabulary = scripted.session.info.vocabulary
    whole = greedy(log_probs_of(np.array([*path, BLANK])), vocabulary.blank_id)
    words = [word for final in finals(updates) for word in final.words]
    letters = vocabulary.decode(whole.tokens).replace(" ", "")
    assert "".join(word.text for word in words) == letters
    stride = STRIDE / RATE
    starts = {round(frame * stride, 6) for frame in whole.start_frames}
    ends = {round(frame * stride, 6) for frame in whole.end_frames}
    assert all(round(word.start, 6) in starts and round(word.end, 6) in ends for word in words)
    assert not changed(updates)
    borders = [0.0, *(final.end for final in finals(updates))]
    assert borders == sorted(borders)
    assert scripted.live.duration == pytest.approx(len(path) * stride)


def test_a_final_comes_when_the_pause_is_long_enough():
    scripted = Scripted(endpoint_seconds=0.8, step_seconds=0.5)
    updates = list(feed(scripted.live, sound([BLANK] * 10 + [A] * 5 + [BLANK] * 50)))
    (at,) = [seconds for seconds, update in updates if isinstance(update, asr.Final)]
    assert 0.6 + 0.8 <= at <= 0.6 + 0.8 + 0.04
    (final,) = finals(update for _, update in updates)
    assert (final.text, final.start, final.words[-1].end, final.pause) == ("a", 0.4, 0.6, True)


@pytest.mark.parametrize(("gap", "texts"), [(17, ["a b"]), (18, ["a", "b"])])
def test_a_pause_that_gets_longer_once_somebody_speaks_is_none(monkeypatch, gap, texts):
    """Letters move while more is heard: no final comes in the middle of the next word."""
    monkeypatch.setattr(Script, "_run_features", moving(Script._run_features))
    scripted = Scripted(endpoint_seconds=0.8)
    path = [BLANK] * 10 + [A] * 5 + [SPACE] + [BLANK] * (gap - 1) + [B] * 8 + [BLANK] * 30
    assert [final.text for final in finals(everything(scripted.live, sound(path)))] == texts


def moving(run_features):
    """Return a network in which the letter B begins a frame later once eight frames follow."""

    def run(session, batch, lengths):
        rows, counts = run_features(session, batch, lengths)
        path = rows[0].argmax(axis=1)
        first = int(np.argmax(path == B))
        if path[first] == B and len(path) - first > 8 + 2 * session.info.encoder.padding:
            path[first] = BLANK
        return log_probs_of(path)[None], counts

    return run


def test_a_long_stretch_is_cut_and_its_words_are_the_history_of_the_next():
    scripted = Scripted(max_seconds=4)
    word = [A] * 8 + [SPACE] * 2 + [B] * 8 + [SPACE] * 2
    updates = everything(scripted.live, sound(word * 15), 8000)
    cuts = finals(updates)
    assert [final.pause for final in cuts] == [False] * (len(cuts) - 1) + [True]
    assert max(final.words[-1].end - final.start for final in cuts) <= 4
    assert " ".join(final.text for final in cuts) == " ".join(["a b"] * 15)
    histories = {history for history in scripted.histories if history}
    assert histories and all(history in " ".join(["a b"] * 15) for history in histories)


def test_silence_costs_nothing_and_memory_is_bounded():
    scripted = Scripted()
    silence = np.zeros(60 * RATE, np.float32)
    assert everything(scripted.live, np.concatenate([sound([A] * 5), silence]))[-1].text == "a"
    features = scripted.live._features
    calls = len(scripted.session.frames)
    assert calls < 30 and len(features._values) < 10 * 100
    list(feed(scripted.live, np.tile(silence, 5)))
    assert len(features._values) < 10 * 100 and len(features._samples) < RATE
    # One long word without a pause, at once and packet by packet.
    for packet in (PACKET, 10**7):
        talk = Scripted()
        list(feed(talk.live, sound([A, B] * 900), packet))
        assert len(talk.live._features._values) < 40 * 100
        assert max(talk.session.frames) < 40 * 25


def test_steady_noise_is_looked_at_rarely(transcriber, monkeypatch):
    calls = []
    compute = transcriber.session.log_probs_of_features
    monkeypatch.setattr(
        transcriber.session,
        "log_probs_of_features",
        lambda *arguments: calls.append(1) or compute(*arguments),
    )
    live = transcriber.live()
    assert everything(live, noise(30 * RATE, level=1e-3)) == []
    assert len(calls) < 20


def test_words_come_while_they_are_said_and_become_final_in_the_pause(transcriber):
    path = SAMPLES[0]
    whole = transcriber.transcribe(path)
    live = transcriber.live()
    updates = list(feed(live, np.concatenate([spoken(path), quiet(2)])))
    (final,) = finals(update for _, update in updates)
    assert final.text == whole.text and final.pause
    heard = next(seconds for seconds, update in updates if update is final)
    assert heard - whole.words[-1].end < 0.8 + 0.3
    partials = [(seconds, update) for seconds, update in updates if update is not final]
    first = next(seconds for seconds, partial in partials if partial.words)
    assert first - whole.words[0].end < 0.5
    assert live.finish() == []


@pytest.mark.parametrize("decoder", ["greedy", "beam"])
def test_finals_do_not_depend_on_packets(decoder):
    """They have the texts and the times of the recordings, which pauses of two seconds part."""
    transcriber = Transcriber(decoder=decoder)
    parts, alone, seconds = [], [], 0.0
    for index, path in enumerate(SAMPLES[:3]):
        parts += [spoken(path), quiet(2, index)]
        words = transcriber.transcribe(path).words
        alone += [(word.text, word.start + seconds) for word in words]
        seconds += (len(parts[-2]) + len(parts[-1])) / RATE
    samples = np.concatenate(parts)
    first = None
    for packet in (PACKET, RATE, len(samples)):
        live = transcriber.live()
        updates = everything(live, samples, packet)
        found = [(w.text, w.start) for final in finals(updates) for w in final.words]
        first = first or found
        assert len(finals(updates)) == 3 and not changed(updates)
        assert [text for text, _ in found] == [text for text, _ in first]
        assert max(abs(a[1] - b[1]) for a, b in zip(found, first, strict=True)) < 0.1
    errors = sum(a[0] != b[0] for a, b in zip(first, alone, strict=True))
    assert errors <= 1  # the normalisation is not that of each recording alone
    assert max(abs(a[1] - b[1]) for a, b in zip(first, alone, strict=True)) < 0.2
    assert live.duration == pytest.approx(seconds) and live.position > seconds - 2


def test_a_flush_makes_the_words_final_at_once_and_the_stream_goes_on(transcriber):
    live = transcriber.live(endpoint_seconds=2.0)
    texts = []
    for path in SAMPLES[:2]:
        updates = [update for _, update in feed(live, spoken(path))]
        assert not finals(updates)
        (final,) = finals(live.flush())
        texts.append(final.text)
    assert texts == [transcriber.transcribe(path).text for path in SAMPLES[:2]]
    assert live.flush() == [] == live.finish()


def test_warnings_are_those_of_the_stream(transcriber):
    live = transcriber.live()
    live.hear(np.zeros(100, np.float32))
    assert live.finish() == []
    assert live.warnings == ("shorter than one frame of 40 ms: nothing to recognise",)
    live = transcriber.live()
    everything(live, np.clip(40 * spoken(SAMPLES[0]), -1, 1))
    assert any(warning.startswith("clipped") for warning in live.warnings)


def test_options_are_checked(transcriber):
    with pytest.raises(ConfigError, match=r"live.endpoint_seconds is 0.0, needs"):
        transcriber.live(endpoint_seconds=0.0)
    with pytest.raises(ConfigError, match="unknown key"):
        transcriber.live(endpoint=1.0)
