"""Transcripts have a readable form if their model has a tagger, and only then."""

import io
import json
import os
import threading
import wave
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from complete_tokens import assert_spans
from conftest import ROOT

from asr.display.readable import MEMORY, Reader
from asr.display.tagger import Tags
from asr.display.tokens import Token
from asr.errors import DataError
from asr.model.directory import TAGGER, update_model
from asr.recognition.live import Final, join_finals
from asr.recognition.reading import BEHIND, TOGETHER
from asr.recognition.segments import PAUSE_SECONDS, Segment, split
from asr.recognition.subtitles import SubtitleOptions, to_cues
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import DecodedChunk, Transcript, TranscriptStream
from asr.recognition.words import Word
from asr.recognition.writers import render

CLIP = ROOT / "samples" / "flite-slt-spelled-name.wav"


@dataclass
class FakeTagger:
    """A tagger that puts a comma after every fourth word, and a full stop before long pauses."""

    language: str = "en"
    mixed: dict[str, str] = field(default_factory=dict)

    def tag(self, words, pauses):
        marks = [
            "." if pause is not None and pause > 0.5 else "," if index % 4 == 3 else ""
            for index, pause in enumerate(pauses)
        ]
        begins = [True, *(mark == "." for mark in marks[:-1])]
        return Tags(tuple(marks), tuple("capital" if one else "lower" for one in begins))


def words_of(text, pauses=()):
    """Return words of 0.3 s with gaps of 0.1 s, and longer ones after the words of ``pauses``."""
    words, time = [], 0.0
    for index, word in enumerate(text.split()):
        words.append(Word(word, round(time, 3), round(time + 0.3, 3), 0.9))
        time += 0.4 + (1.0 if index in pauses else 0.0)
    return tuple(words)


def transcript_of(words, reader):
    """Return the transcript of words that come in chunks of three, and its segments."""
    chunks = [
        DecodedChunk(words[first : first + 3], (), words[min(first + 3, len(words)) - 1].end)
        for first in range(0, len(words), 3)
    ]

    def finish(all_words, best_path):
        text = " ".join(word.text for word in all_words)
        return Transcript(text, tuple(all_words), 60.0, "")

    stream = TranscriptStream(iter(chunks), finish, lambda: reader)
    return [*stream], stream.transcript


@pytest.fixture
def reader():
    return Reader(FakeTagger())


def test_tokens_stand_for_all_words(reader):
    words = words_of("he was born in nineteen eighty four it is said he was twenty five", {6, 9})
    segments, transcript = transcript_of(words, reader)
    assert transcript.display == "He was born in, 1984. It, is said. He was, 25."
    assert transcript.text == "he was born in nineteen eighty four it is said he was twenty five"
    places = [place for token in transcript.tokens for place in range(token.first, token.last)]
    assert places == [*range(len(words))]
    assert list(transcript.segments) == segments
    assert [segment.display for segment in segments] == [
        "He was born in, 1984.", "It, is said.", "He was, 25.",
    ]  # fmt: skip
    (year,) = (word for word in segments[0].shown if word.text == "1984.")
    assert (year.start, year.end) == (words[4].start, words[6].end)


def test_formats_show_the_readable_form(reader):
    words = words_of("it was twenty two", {1})
    _, transcript = transcript_of(words, reader)
    texts = {
        name: render(name, "a.wav", transcript)
        for name in ("txt", "srt", "vtt", "tsv", "ctm", "json", "textgrid")
    }
    assert texts["txt"] == "It was.\n22.\n"
    for name in ("srt", "vtt", "tsv", "textgrid"):
        assert "It was." in texts[name] and "22." in texts[name] and "twenty" not in texts[name]
    assert "twenty" in texts["ctm"] and "22" not in texts["ctm"]
    values = json.loads(texts["json"])
    assert values["text"] == "it was twenty two" and values["display"] == "It was. 22."
    assert [word["word"] for word in values["words"]] == ["it", "was", "twenty", "two"]
    assert values["tokens"][-1] == {"text": "22.", "first": 2, "last": 4}


def test_without_a_tagger_all_is_as_it_was():
    words = words_of("it was twenty two", {1})
    segments, transcript = transcript_of(words, None)
    assert transcript.tokens == () and transcript.display == transcript.text
    assert [segment.display for segment in segments] == ["it was", "twenty two"]
    assert render("txt", "a.wav", transcript) == "it was\ntwenty two\n"
    values = json.loads(render("json", "a.wav", transcript))
    assert not {"display", "tokens"} & values.keys()


def test_a_model_without_a_tagger_loads_nothing():
    transcriber = Transcriber(ROOT / "recipes/an4/model")
    assert transcriber.tagger is None
    transcript = transcriber.transcribe(CLIP)
    assert transcript.tokens == () and transcript.display == "p t e r s o n"


def test_a_transcriber_uses_its_tagger():
    transcriber = Transcriber()
    transcriber.tagger = FakeTagger()
    transcript = transcriber.transcribe(CLIP)
    assert transcript.text == "p e t e r s o n" and transcript.display == "P-E-T-E-R-S-O-N."
    assert transcript.tokens == (Token("P-E-T-E-R-S-O-N.", 0, 8),)
    silence = transcriber.transcribe(np.zeros(16000, np.float32))
    assert silence.tokens == () and silence.display == ""


def sentence(texts):
    """Return a segment whose tokens are ``texts``, a word each."""
    words = words_of(" ".join(text.strip(".,") for text in texts))
    return Segment(words, tuple(Token(text, i, i + 1) for i, text in enumerate(texts)))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("width", [12, 20, 30])
def test_subtitles_end_with_sentences_and_lose_nothing(width, count):
    texts = (
        "We went on. It was late, and cold there. Nobody said a word, I think. So be it.".split()
    )
    options = SubtitleOptions(max_line_width=width, max_line_count=count)
    cues = [text for _, _, text in to_cues([sentence(texts)], options, str)]
    assert " ".join(cues).split() == texts
    for cue in cues:
        lines = cue.split("\n")
        assert len(lines) <= count and all(len(line) <= width for line in lines)
    raw = Segment(sentence([text.strip(".,") for text in texts]).words)
    before = [text for _, _, text in to_cues([raw], options, str)]
    plain = " ".join(before).split()
    assert plain == [text.strip(".,") for text in texts]
    for first, second in pairwise(before):  # words alone fill every subtitle
        assert len(second.split()[0]) + 1 + len(first.split("\n")[-1]) > width
    ends = sum(cue.endswith((".", ",")) for cue in cues)
    assert ends >= len(cues) / 2


def told(live, samples):
    """Return what a live transcription tells of samples that come in packets of 20 ms."""
    updates = []
    for begin in range(0, len(samples), 320):
        live.hear(samples[begin : begin + 320])
        updates += live.step()
    return updates + live.finish()


def test_live_finals_are_readable_and_partials_raw(speech):
    raw = told(Transcriber(display=False).live(), speech)
    transcriber = Transcriber()
    transcriber.tagger = FakeTagger()
    updates = told(transcriber.live(), speech)
    assert [update.words for update in updates] == [update.words for update in raw]
    assert [update.text for update in updates] == [update.text for update in raw]
    finals = [update for update in updates if isinstance(update, Final)]
    assert [final.display for final in finals] == ["P-E-T-E-R-S-O-N."]
    (token,) = finals[0].shown
    assert (token.start, token.end) == (finals[0].words[0].start, finals[0].words[-1].end)
    assert [final.tokens for final in raw if isinstance(final, Final)] == [()]


def test_live_finals_are_read_as_the_segments_of_a_pipe(speech, tmp_path):
    transcriber = Transcriber()
    transcriber.tagger = FakeTagger()
    pause = np.zeros(20000, np.float32)
    samples = np.concatenate([speech, pause, speech, pause])
    finals = [x for x in told(transcriber.live(), samples) if isinstance(x, Final)]
    data = wave_of((32767 * samples).astype("<i2").tobytes())
    path = tmp_path / "pipe"
    os.mkfifo(path)
    heard, partials = threading.Event(), []

    def write():
        with path.open("wb", buffering=0) as pipe:
            half = 2 * (len(speech) // 2)
            pipe.write(data[:half])
            heard.wait(30)  # else all may be there at once
            pipe.write(data[half:])

    def tell(partial):
        partials.append(partial)
        heard.set()

    writer = threading.Thread(target=write)
    writer.start()
    segments = [*transcriber.stream(str(path), partial=tell)]
    writer.join()
    assert [x.display for x in segments] == [x.display for x in finals] == 2 * ["P-E-T-E-R-S-O-N."]
    assert any(partial.text.startswith("p e t") for partial in partials)


def wave_of(raw):
    """Return samples of 16 bits at 16 kHz as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16000)
        written.writeframes(raw)
    return file.getvalue()


def test_a_model_that_is_loaded_without_display_reads_nothing(speech):
    transcriber = Transcriber(display=False)
    finals = [x for x in told(transcriber.live(), speech) if isinstance(x, Final)]
    assert [(final.tokens, final.display) for final in finals] == [((), "p e t e r s o n")]


def test_joined_finals_stand_for_all_words():
    first, second = words_of("it was forty two"), words_of("so be it")
    finals = [
        Final(first, 2.0, tokens=(Token("It", 0, 1), Token("was", 1, 2), Token("42.", 2, 4))),
        Final(second, 4.0, pause=False, tokens=(Token("So", 0, 1), Token("be it", 1, 3))),
    ]
    both = join_finals(finals)
    assert (both.display, both.end, both.pause) == ("It was 42. So be it", 4.0, False)
    assert [(token.first, token.last) for token in both.tokens] == [
        (0, 1), (1, 2), (2, 4), (4, 5), (5, 7)
    ]  # fmt: skip
    assert join_finals(finals[:1]) == finals[0]


def test_tokens_across_the_borders_of_segments_are_divided_into_their_words():
    """A live recording may be cut where a finished one is not."""
    words = words_of("it was twenty two three here", {2, 3})
    tokens = (Token("It", 0, 1), Token("was", 1, 2), Token("2023", 2, 5), Token("here.", 5, 6))
    transcript = Transcript("it was twenty two three here", words, 9.0, "", tokens=tokens)
    shown = [segment.display for segment in transcript.segments]
    assert shown == ["It was twenty", "two", "three here."]
    assert transcript.display == "It was 2023 here."


def test_the_pause_behind_a_cut_is_not_known():
    """Where a live recording is cut though nobody paused, the tagger is told so."""
    heard = []

    class Listener(FakeTagger):
        def tag(self, words, pauses):
            heard.append(pauses[-1])
            return super().tag(words, pauses)

    words = words_of("he went on", ())
    chunks = [
        DecodedChunk(words[:2], (), words[1].end, closed=True, pause=False),
        DecodedChunk(words[2:], (), words[2].end, closed=True),
    ]

    def finish(all_words, best_path):
        return Transcript("he went on", tuple(all_words), 60.0, "")

    stream = TranscriptStream(iter(chunks), finish, lambda: Reader(Listener()), live=True)
    assert [segment.display for segment in stream] == ["He went", "on."]
    assert heard == [None, PAUSE_SECONDS]


class Witness(FakeTagger):
    """A tagger that remembers how many words it read each time."""

    def __init__(self):
        super().__init__()
        self.counts = []

    def tag(self, words, pauses):
        self.counts.append(len(words))
        return super().tag(words, pauses)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("portion", [1, 3, 1000])
def test_segments_of_a_file_are_read_with_the_words_behind_them(live, portion):
    words = words_of("so be it " * 300, {*range(9, 900, 10)})
    chunks = [
        DecodedChunk(words[first : first + portion], (), words[first].start)
        for first in range(0, 900, portion)
    ]

    def finish(all_words, best_path):
        return Transcript("", tuple(all_words), 900.0, "")

    tagger = Witness()
    stream = TranscriptStream(iter(chunks), finish, lambda: Reader(tagger), live)
    segments = [*stream]
    assert [segment.words for segment in segments] == [x.words for x in split(words)]
    assert len(segments) == 90 and all(x.display.endswith(".") for x in segments)
    assert_spans(900, stream.transcript.tokens)
    if portion == 1000:
        assert tagger.counts == [890, MEMORY + (10 if live else 50)]
    elif live:
        assert len(tagger.counts) == 90 and max(tagger.counts) == MEMORY + 10
    else:
        assert len(tagger.counts) == 4
        assert all(n >= TOGETHER + BEHIND for n in tagger.counts[:-1])


def test_what_is_wrong_with_a_tagger_shows_when_it_is_needed(tmp_path):
    default = ROOT / "asr" / "models" / "default"
    update_model(default, add={TAGGER: b"nothing"}, output=tmp_path / "model")
    transcriber = Transcriber(tmp_path / "model")
    for _ in range(2):
        with pytest.raises(DataError, match=r"tagger\.onnx: not a tagger of asr text train"):
            transcriber.transcribe(CLIP)
    assert Transcriber(tmp_path / "model", display=False).tagger is None
