"""Transcripts are written in every format, alone and live, as other programs read them."""

import itertools
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from browsers import chromium
from hypothesis import given
from hypothesis import strategies as st
from spoken_words import recordings, spoken

from asr.display.tokens import Token
from asr.errors import ConfigError
from asr.evaluation.transcripts import read_transcripts
from asr.recognition.segments import Segmenter, shown, split
from asr.recognition.subtitles import SubtitleOptions
from asr.recognition.transcript import Transcript
from asr.recognition.words import Word
from asr.recognition.writers import (
    FORMATS,
    INCREMENTAL,
    render,
    stream,
)

TRANSCRIPT = Transcript(
    "go on", (Word("go", 0.04, 0.2, 0.91239), Word("on", 0.24, 1 / 3, 1.0)), 0.5, "abc", ("quiet",)
)
EMPTY = Transcript("", (), 0.5, "abc")


def transcript(words, duration=None):
    """Return the transcript of words; without a duration it ends with the last word."""
    end = words[-1].end if words else 0.0
    text = " ".join(word.text for word in words)
    return Transcript(text, tuple(words), end if duration is None else duration, "abc")


def late():
    """Return two segments after the tenth hour.

    The second segment has a word without length, and signs that formats escape.
    """
    return transcript(
        [
            Word("ten", 36000.0, 36000.4, 0.5),
            Word("hours", 36000.4, 36001.2345, 0.75),
            Word('a-->"b"', 36002.5, 36002.5, 1.0),
            Word("<&>", 36003.0, 36003.9996, 0.25),
        ],
        36010.25,
    )


def test_txt():
    assert render("txt", "a.wav", TRANSCRIPT) == "go on\n"
    assert render("txt", "a.wav", late()) == 'ten hours\na-->"b" <&>\n'


def test_json():
    text = render("json", "d/a.wav", TRANSCRIPT, settings={"decoder": "greedy"})
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "audio": "d/a.wav",
        "text": "go on",
        "words": [
            {"word": "go", "start": 0.04, "end": 0.2, "confidence": 0.9124},
            {"word": "on", "start": 0.24, "end": 0.333, "confidence": 1.0},
        ],
        "segments": [{"start": 0.04, "end": 0.333, "text": "go on"}],
        "duration": 0.5,
        "model": "abc",
        "settings": {"decoder": "greedy"},
        "warnings": ["quiet"],
    }


def test_srt():
    assert render("srt", "a.wav", late()) == (
        "1\n10:00:00,000 --> 10:00:01,235\nten hours\n\n"
        '2\n10:00:02,500 --> 10:00:04,000\na->"b" <&>\n\n'
    )
    arrow = transcript([Word("--->", 0.0005, 59.9995, 1.0)])
    assert render("srt", "a", arrow) == "1\n00:00:00,001 --> 00:01:00,000\n->\n\n"


def test_vtt():
    assert render("vtt", "a.wav", late()) == (
        "WEBVTT\n\n"
        "10:00:00.000 --> 10:00:01.235\nten hours\n\n"
        '10:00:02.500 --> 10:00:04.000\na--&gt;"b" &lt;&amp;&gt;\n\n'
    )
    hour = transcript([Word("a", 0.04, 3599.9994, 1.0), Word("b", 3599.9995, 3600.5, 1.0)])
    assert render("vtt", "a", hour) == (
        "WEBVTT\n\n00:00.040 --> 59:59.999\na\n\n01:00:00.000 --> 01:00:00.500\nb\n\n"
    )


def test_tsv():
    words = [*late().words, Word("\tt\n", 36005.0, 36006.0, 1.0)]
    assert render("tsv", "a.wav", transcript(words)) == (
        "start\tend\ttext\n"
        "36000000\t36001235\tten hours\n"
        '36002500\t36004000\ta-->"b" <&>\n'
        "36005000\t36006000\t t \n"
    )


def test_ctm():
    assert render("ctm", "d/my call.v1.wav", late()) == (
        "my_call.v1 1 36000.000 0.400 ten 0.5000\n"
        "my_call.v1 1 36000.400 0.835 hours 0.7500\n"
        'my_call.v1 1 36002.500 0.001 a-->"b" 1.0000\n'
        "my_call.v1 1 36003.000 1.000 <&> 0.2500\n"
    )
    assert render("ctm", "-", TRANSCRIPT).startswith("stdin 1 0.040 0.160 go 0.9124\n")


def test_textgrid():
    assert render("textgrid", "a.wav", transcript([Word('"', 0.1, 0.5, 1.0)])) == (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        "xmin = 0\nxmax = 0.500\ntiers? <exists>\nsize = 2\nitem []:\n"
        + "".join(
            f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
            "        xmin = 0\n        xmax = 0.500\n        intervals: size = 2\n"
            "        intervals [1]:\n            xmin = 0.000\n            xmax = 0.100\n"
            '            text = ""\n'
            "        intervals [2]:\n            xmin = 0.100\n            xmax = 0.500\n"
            '            text = """"\n'
            for number, name in enumerate(["words", "segments"], start=1)
        )
    )


def test_nothing_was_said():
    expected = {"txt": "\n", "srt": "", "vtt": "WEBVTT\n\n", "tsv": "start\tend\ttext\n", "ctm": ""}
    assert {name: render(name, "a.wav", EMPTY) for name in INCREMENTAL} == expected
    assert json.loads(render("json", "a.wav", EMPTY))["segments"] == []


# Seven words have 3, 5, 2, 4, 6, 1 and 3 letters; a pause after the fifth ends a segment.
WORDS = [
    Word(text, start, start + 0.5, 1.0)
    for text, start in zip(
        "abc abcde ab abcd abcdef a abc".split(), [0, 0.5, 1, 1.75, 2.25, 4, 4.5], strict=True
    )
]


def cues(words, **options):
    """Return (start, end, text) of the cues, in whole ms."""
    text = render("srt", "a.wav", transcript(words), SubtitleOptions(**options))
    pattern = r"(\d+)\n(..):(..):(..),(...) --> (..):(..):(..),(...)\n(.+?)\n\n"
    found = re.findall(pattern, text, re.DOTALL)
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
    times = [[int(value) for value in cue[1:9]] for cue in found]
    return [
        ((a * 60 + b) * 60000 + c * 1000 + d, (e * 60 + f) * 60000 + g * 1000 + h, cue[9])
        for (a, b, c, d, e, f, g, h), cue in zip(times, found, strict=True)
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(0, 2750, "abc abcde ab abcd abcdef"), (4000, 5000, "a abc")]),
        (
            {"max_line_width": 9},
            [(0, 2750, "abc abcde\nab abcd\nabcdef"), (4000, 5000, "a abc")],
        ),
        (  # a word that is too long has a line of its own
            {"max_line_width": 4},
            [(0, 2750, "abc\nabcde\nab\nabcd\nabcdef"), (4000, 5000, "a\nabc")],
        ),
        (  # with a count of lines, cues may go across segments
            {"max_line_width": 12, "max_line_count": 1},
            [(0, 1500, "abc abcde ab"), (1750, 2750, "abcd abcdef"), (4000, 5000, "a abc")],
        ),
        (
            {"max_line_width": 8, "max_line_count": 2},
            [(0, 1500, "abc\nabcde ab"), (1750, 4500, "abcd\nabcdef a"), (4500, 5000, "abc")],
        ),
        (
            {"max_line_width": 8, "max_line_count": 3},
            [(0, 2250, "abc\nabcde ab\nabcd"), (2250, 5000, "abcdef a\nabc")],
        ),
        (
            {"max_words_per_line": 2},
            [
                (0, 1000, "abc abcde"),
                (1000, 2250, "ab abcd"),
                (2250, 2750, "abcdef"),
                (4000, 5000, "a abc"),
            ],
        ),
        (
            {"max_words_per_line": 3, "highlight_words": True},
            [
                (0, 500, "<u>abc</u> abcde ab"),
                (500, 1000, "abc <u>abcde</u> ab"),
                (1000, 1500, "abc abcde <u>ab</u>"),
                (1750, 2250, "<u>abcd</u> abcdef"),
                (2250, 2750, "abcd <u>abcdef</u>"),
                (4000, 4500, "<u>a</u> abc"),
                (4500, 5000, "a <u>abc</u>"),
            ],
        ),
        (  # the pause before the fourth word belongs to no word
            {"max_line_width": 9, "highlight_words": True},
            [
                (0, 500, "<u>abc</u> abcde\nab abcd\nabcdef"),
                (500, 1000, "abc <u>abcde</u>\nab abcd\nabcdef"),
                (1000, 1500, "abc abcde\n<u>ab</u> abcd\nabcdef"),
                (1500, 1750, "abc abcde\nab abcd\nabcdef"),
                (1750, 2250, "abc abcde\nab <u>abcd</u>\nabcdef"),
                (2250, 2750, "abc abcde\nab abcd\n<u>abcdef</u>"),
                (4000, 4500, "<u>a</u> abc"),
                (4500, 5000, "a <u>abc</u>"),
            ],
        ),
    ],
)
def test_subtitle_options(options, expected):
    assert cues(WORDS, **options) == expected


def test_a_long_pause_ends_a_cue_of_many_segments():
    """A cue ends where a word starts more than 3 s after the start of the last, as in Whisper."""
    options = {"max_line_width": 40, "max_line_count": 2}
    assert cues(spoken((0, 1000), (2000, 1000)), **options) == [(0, 4000, "a b")]
    assert cues(spoken((0, 1000), (2001, 1000)), **options) == [(0, 1000, "a"), (3001, 4001, "b")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_line_width": 0}, "--max-line-width is 0, needs 1 or more"),
        ({"max_line_count": 2}, "--max-line-count needs --max-line-width"),
        (
            {"max_words_per_line": 2, "max_line_width": 9},
            "--max-words-per-line and --max-line-width",
        ),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(ConfigError, match=message):
        SubtitleOptions(**options)


def test_unknown_formats():
    with pytest.raises(ConfigError, match="format is 'doc', needs one of txt, json, srt"):
        render("doc", "a.wav", EMPTY)
    with pytest.raises(ConfigError, match="format is 'json', needs one of txt, srt, vtt, tsv, ctm"):
        stream("json", "a.wav", [])
    assert set(INCREMENTAL) | {"json", "textgrid"} == set(FORMATS)


@pytest.mark.parametrize("name", INCREMENTAL)
@pytest.mark.parametrize("options", [{}, {"max_words_per_line": 2}, {"max_line_width": 4}])
def test_a_segment_is_written_before_the_next_is_there(name, options):
    segments = split(WORDS)
    assert len(segments) == 2
    ready = []
    parts = stream(
        name, "a.wav", (ready.append(s) or s for s in segments), SubtitleOptions(**options)
    )
    early = list(itertools.takewhile(lambda _: len(ready) < 2, parts))
    alone = render(name, "a.wav", transcript(segments[0].words), SubtitleOptions(**options))
    assert "".join(early) == alone


subtitle_options = st.one_of(
    st.builds(SubtitleOptions, highlight_words=st.booleans()),
    st.builds(
        SubtitleOptions,
        max_line_width=st.integers(1, 30),
        max_line_count=st.none() | st.integers(1, 3),
        highlight_words=st.booleans(),
    ),
    st.builds(SubtitleOptions, max_words_per_line=st.integers(1, 5), highlight_words=st.booleans()),
)


@given(recordings(), subtitle_options)
def test_cues_hold_every_word_once_in_order(words, options):
    found = cues(words, **vars(options))
    for start, end, _ in found:
        assert start < end
    for (_, end, _), (start, _, _) in itertools.pairwise(found):
        assert end <= start
    spoken_texts = [word.text for word in words]
    if options.highlight_words:
        texts = [text for *_, text in found]
        assert re.findall(r"<u>(.*?)</u>", " ".join(texts)) == spoken_texts
        assert all(text.count("<u>") <= 1 for text in texts)
    else:
        assert " ".join(text for *_, text in found).split() == spoken_texts
        lines = [text.split("\n") for *_, text in found]
        assert all(len(cue) <= (options.max_line_count or len(cue)) for cue in lines)
        for line in itertools.chain(*lines):
            assert len(line) <= (options.max_line_width or len(line)) or " " not in line
            assert len(line.split()) <= (options.max_words_per_line or len(line))


@given(recordings(), st.integers(1, 5))
def test_a_live_text_is_that_of_the_whole(words, portion):
    def live():
        segmenter = Segmenter()
        for first in range(0, len(words), portion):
            yield from segmenter.add(words[first : first + portion])
        yield from segmenter.finish()

    for name in INCREMENTAL:
        assert "".join(stream(name, "a.wav", live())) == render(name, "a.wav", transcript(words))


def intervals(text):
    """Return (start, end, label) of the intervals of every tier of a TextGrid."""
    tiers = text.split("item [")[2:]
    pattern = r'xmin = (.+)\n +xmax = (.+)\n +text = "(.*)"\n'
    found = [re.findall(pattern, tier) for tier in tiers]
    return [[(float(a), float(b), label.replace('""', '"')) for a, b, label in x] for x in found]


@given(recordings(), st.sampled_from([0.0, 0.0004, 1.0]))
def test_tiers_are_tiled(words, silence):
    said = transcript(words, (words[-1].end if words else 0.0) + silence)
    tiers = intervals(render("textgrid", "a.wav", said))
    segments = [segment.text for segment in split(words)]
    for tier, labels in zip(tiers, [[word.text for word in words], segments], strict=True):
        assert [label for *_, label in tier if label] == labels
        assert tier[0][0] == 0 and tier[-1][1] == tiers[0][-1][1] >= round(said.duration, 3)
        assert all(start < end for start, end, _ in tier)
        assert all(a[1] == b[0] for a, b in itertools.pairwise(tier))


# The tests below compare with the programs that read these files.


def program(name, package):
    """Skip the test if a program is not installed."""
    if not shutil.which(name):
        pytest.skip(f"{name} not found; install it, e.g. apt install {package}")


def output_of(*command):
    """Run a command and return its output."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


SHOWN = "On|31 October 1984,|Mr.|O'Hale|said:|Yes!|$2.50 –|10:05 p.m.;|why?|42.".split("|")


def hours():
    """Return eleven hours of words in segments of all lengths."""
    return transcript(spoken(*[(50 * (i % 19), 1 + 97 * (i % 31)) for i in range(500)], (36e6, 90)))


def readable():
    """Return these hours with tokens, each of which stands for up to three words of a segment."""
    said, texts, tokens, first = hours(), itertools.cycle(SHOWN), [], 0
    for segment in said.segments:
        end = first + len(segment.words)
        while first < end:
            last = min(end, first + 1 + first % 3)
            tokens.append(Token(next(texts), first, last))
            first = last
    return replace(said, tokens=tuple(tokens))


@pytest.mark.parametrize("make", [hours, readable])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_line_width": 6, "max_line_count": 2},
        {"max_words_per_line": 3, "highlight_words": True},
    ],
)
def test_ffmpeg_reads_subtitles(tmp_path, make, options):
    """FFmpeg turns one format into our text of the other, but for a last empty line."""
    program("ffmpeg", "ffmpeg")
    texts = {}
    for name in ("srt", "vtt"):
        texts[name] = render(name, "a.wav", make(), SubtitleOptions(**options))
        (tmp_path / f"a.{name}").write_text(texts[name])
    ffmpeg = "ffmpeg -v error -i".split()
    assert output_of(*ffmpeg, tmp_path / "a.vtt", "-f", "srt", "-") == texts["srt"]
    assert output_of(*ffmpeg, tmp_path / "a.srt", "-f", "webvtt", "-") + "\n" == texts["vtt"]


def test_ffprobe_gives_the_times_and_escaped_text(tmp_path):
    program("ffprobe", "ffmpeg")
    for name in ("srt", "vtt"):
        path = tmp_path / f"a.{name}"
        path.write_text(render(name, "a.wav", late()))
        probe = "ffprobe -v error -of json -show_packets".split()
        packets = json.loads(output_of(*probe, path))["packets"]
        times = [(float(packet["pts_time"]), float(packet["duration_time"])) for packet in packets]
        assert times == [(36000.0, 1.235), (36002.5, 1.5)]
    text = output_of(*"ffmpeg -v error -i".split(), tmp_path / "a.vtt", "-f", "srt", "-")
    assert text.split("\n")[6] == 'a-->"b" <&>'


@pytest.mark.parametrize("make", [hours, readable])
def test_sclite_reads_the_ctm(tmp_path, make):
    """It has the recognised words, whatever is shown."""
    program("sctk", "sctk")
    said = make()
    (tmp_path / "hyp.ctm").write_text(render("ctm", "d/my call.wav", said))
    (tmp_path / "ref.stm").write_text(
        "".join(f"my_call 1 speaker {s.start} {s.end} {s.text}\n" for s in said.segments)
    )
    command = "sctk sclite -r ref.stm stm -h hyp.ctm ctm -o rsum stdout".split()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if re.match(r"\s*\| Sum ", line)]
    counts = [int(number) for number in re.findall(r"\d+", line)[:8]]
    # The line counts sentences, words, right, substituted, deleted and inserted words, errors, and
    # sentences with errors.
    assert counts == [len(said.segments), len(said.words), len(said.words), 0, 0, 0, 0, 0]


PRAAT = """
form Path
    sentence path
endform
Read from file: path$
tiers = Get number of tiers
for tier to tiers
    name$ = Get tier name: tier
    count = Get number of intervals: tier
    for interval to count
        start = Get start time of interval: tier, interval
        end = Get end time of interval: tier, interval
        label$ = Get label of interval: tier, interval
        appendInfoLine: name$, tab$, fixed$ (start, 3), tab$, fixed$ (end, 3), tab$, label$
    endfor
    # Refused where the tier has no room.
    Insert boundary: tier, end - 0.0005
endfor
"""


@pytest.mark.parametrize("said", [late(), hours(), readable(), EMPTY, transcript([]), TRANSCRIPT])
def test_praat_reads_the_textgrid(tmp_path, said):
    program("praat", "praat")
    text = render("textgrid", "a.wav", said)
    (tmp_path / "a.TextGrid").write_text(text)
    (tmp_path / "print.praat").write_text(PRAAT)
    printed = output_of("praat", "--run", tmp_path / "print.praat", tmp_path / "a.TextGrid")
    rows = [line.split("\t") for line in printed.splitlines()]
    tiers = [
        [(float(start), float(end), label) for name, start, end, label in rows if name == tier]
        for tier in ("words", "segments")
    ]
    assert tiers == intervals(text)
    words = [word.text for word in shown(said.tokens, said.words)]
    assert [label for *_, label in tiers[0] if label] == words


def test_ffprobe_gives_the_times_of_readable_subtitles(tmp_path):
    program("ffprobe", "ffmpeg")
    said = readable()
    for name in ("srt", "vtt"):
        path = tmp_path / f"a.{name}"
        path.write_text(render(name, "a.wav", said))
        probe = "ffprobe -v error -of json -show_packets".split()
        packets = json.loads(output_of(*probe, path))["packets"]
        starts = [float(packet["pts_time"]) for packet in packets]
        assert starts == pytest.approx([segment.start for segment in said.segments], abs=0.001)


@pytest.mark.parametrize("make", [hours, readable])
def test_chromium_reads_the_cues_of_vtt(make):
    said = make()
    script = """text => new Promise(resolve => {
        const track = document.createElement("track");
        track.src = URL.createObjectURL(new Blob([text], {type: "text/vtt"}));
        track.onload = () => resolve([...track.track.cues].map(
            cue => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent]));
        document.body.appendChild(document.createElement("video")).append(track);
        track.track.mode = "showing";
    })"""
    with chromium() as browser:
        found = browser.new_page().evaluate(script, render("vtt", "a.wav", said))
    assert [text for *_, text in found] == [segment.display for segment in said.segments]
    starts = [segment.start for segment in said.segments]
    assert [start for start, *_ in found] == pytest.approx(starts, abs=0.001)


@pytest.mark.parametrize("make", [hours, readable])
@pytest.mark.parametrize("name", ["srt", "vtt", "tsv", "json", "txt"])
def test_scoring_reads_what_is_shown(tmp_path, name, make):
    said = make()
    path = tmp_path / f"a.{name}"
    path.write_text(render(name, "a.wav", said))
    lines = read_transcripts(path, reference=False).lines
    text = said.text if name == "json" else said.display
    assert " ".join(line.text for line in lines.values()).split() == text.lower().split()
