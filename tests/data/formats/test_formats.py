"""``asr data import`` and ``export`` of hand-made data sets with the quirks of real ones."""

import gzip
import json
import os
import sys

import numpy as np
import pytest
import soundfile
from commands import run

from asr.audio.extent import read_extent
from asr.cli.main import main
from asr.data.formats.clips import Clip, cut
from asr.errors import AudioError

RATE = 8000


def noisy(seconds, channels=1, seed=0):
    """Return noise (samples, channels) int16."""
    shape = (int(seconds * RATE), channels)
    return np.random.default_rng(seed).integers(-9000, 9000, shape, dtype=np.int16)


@pytest.fixture
def audio(tmp_path):
    """The folder of a file of one second, one of ten, and one of two channels."""
    (tmp_path / "wav").mkdir()
    for name, samples in (("a", noisy(1)), ("long", noisy(10)), ("two", noisy(2, 2))):
        soundfile.write(tmp_path / "wav" / f"{name}.wav", samples, RATE)
    return tmp_path / "wav"


@pytest.fixture
def write(tmp_path, audio):
    """A function that writes a text, or values as lines of JSON, and returns the path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(text, list):
            text = "".join(json.dumps(x) + "\n" for x in text)
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def kaldi(write, **files):
    """Write a data directory of Kaldi; ``wav_scp`` is the content of wav.scp."""
    for name, text in files.items():
        write("kaldi/" + name.replace("_scp", ".scp"), text)


def imported(tmp_path, format, source, *options):
    """Import a data set; return the manifest's lines without ``audio_filepath``, and the files."""
    output = tmp_path / "out" / "m.jsonl"
    done = run("data", "import", format, source, "-o", output, *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return lines, [output.parent / line.pop("audio_filepath") for line in lines]


def test_kaldi_recordings(write, tmp_path, audio):
    """A data directory without segments gives an utterance for each recording."""
    kaldi(
        write,
        wav_scp=f"s1-a  {audio}/a.wav\r\ns2-b\twav/two.wav \n\n",
        text="s2-b\ns1-a Yes  NO\n",
        utt2spk="s1-a s1\ns2-b s2-b\n",
        spk2utt="s1 s1-a\n",
        utt2dur="s1-a 1.00\n",
        utt2lang="s1-a en-GB\n",
        utt2num_frames="s1-a 98\nother 3\n",
        spk2gender="s1 f\n",
        feats_scp="s1-a raw.ark:12\n",
    )
    lines, files = imported(tmp_path, "kaldi", "kaldi")
    fields = {"lang": "en-GB", "num_frames": 98, "gender": "f"}
    assert lines == [
        {"duration": 1.0, "text": "Yes NO", "id": "s1-a", "speaker": "s1"} | fields,
        {"duration": 2.0, "text": "", "id": "s2-b"},
    ]
    assert [os.path.realpath(path) for path in files] == [f"{audio}/a.wav", f"{audio}/two.wav"]


SEGMENTS = "u1 rec 0.5 1.25\nu2 rec 9.0 10.3\nu/3 rec 2 -1\nu4 st 0.5 1.5 1\nu5 rec 0 10.02\n"
SEGMENTS += "u6 rec 0.01 10.4\n"  # longer than the recording, which is used whole


def test_kaldi_segments_are_cut(write, tmp_path, audio):
    ids = [line.split()[0] for line in SEGMENTS.splitlines()]
    kaldi(
        write,
        wav_scp="rec wav/long.wav\nst wav/two.wav\n",
        segments=SEGMENTS,
        text="".join(f"{id} one\n" for id in ids),
        utt2spk="".join(f"{id} s\n" for id in ids),
    )
    lines, files = imported(tmp_path, "kaldi", "kaldi")
    assert [line["id"] for line in lines] == ids
    assert [line["duration"] for line in lines] == [0.75, 1.0, 8.0, 1.0, 10.02, 10.0]
    assert [line.get("recording_start") for line in lines] == [0.5, 9.0, 2.0, 0.5, None, None]
    assert [line["recording_id"] for line in lines] == ["rec", "rec", "rec", "st", "rec", "rec"]
    assert files[2].name == "u%2F3.flac" and files[2].parent == tmp_path / "out" / "m-audio"
    assert {os.path.realpath(path) for path in files[4:]} == {f"{audio}/long.wav"}
    whole, two = noisy(10)[:, 0], noisy(2, 2)
    expected = [whole[4000:10000], whole[72000:], whole[16000:], two[4000:12000, 1]]
    for path, samples in zip(files, expected, strict=False):
        got, rate = soundfile.read(path, dtype="int16")
        assert rate == RATE and np.array_equal(got, samples)


def test_clips_are_kept_while_they_are_right(write, tmp_path, audio):
    source = write("m.json", [{"audio_filepath": "wav/long.wav", "offset": 1, "duration": 2,
                               "text": "one"}])  # fmt: skip
    command = "data", "import", "nemo", source, "-o", tmp_path / "m.jsonl"
    assert "1 clip of recordings" in run(*command).stderr
    path = tmp_path / "m-audio" / "long-0001000-0003000.flac"
    first = path.stat().st_ino
    assert "1 of them from an earlier time" in run(*command).stderr
    assert path.stat().st_ino == first
    path.write_bytes(path.read_bytes()[:40])  # as a program that was stopped may leave it
    assert "0 of them from an earlier time" in run(*command).stderr
    soundfile.write(audio / "long.wav", noisy(10, seed=1), RATE)
    os.utime(audio / "long.wav", (1, 1))
    assert "0 of them from an earlier time" in run(*command).stderr
    got, _ = soundfile.read(path, dtype="int16")
    assert np.array_equal(got, noisy(10, seed=1)[8000:24000, 0])


@pytest.mark.parametrize(
    ("suffix", "subtype", "kept"),
    [
        ("wav", "PCM_U8", "PCM_16"), ("wav", "PCM_16", "PCM_16"), ("wav", "PCM_24", "PCM_24"),
        ("wav", "PCM_32", "PCM_32"), ("wav", "FLOAT", "FLOAT"), ("wav", "DOUBLE", "DOUBLE"),
        ("wav", "ULAW", "PCM_16"), ("flac", "PCM_24", "PCM_24"), ("nist", "PCM_16", "PCM_16"),
        ("ogg", "VORBIS", "FLOAT"), ("mp3", "MPEG_LAYER_III", "FLOAT"),
    ],
)  # fmt: skip
def test_cuts_lose_nothing(tmp_path, suffix, subtype, kept):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (16000, 2))
    source = tmp_path / f"a.{suffix}"
    soundfile.write(source, samples, 16000, subtype)
    path, there = cut(Clip(source, 3000, 9000, None), tmp_path, "clip")
    assert not there and soundfile.info(path).subtype == kept
    whole, _ = soundfile.read(source, always_2d=True)
    got, rate = soundfile.read(path, always_2d=True)
    # A decoder of MP3 that starts in the middle rounds differently.
    assert rate == 16000 and np.allclose(
        got, whole[3000:9000], rtol=0, atol=1e-6 if suffix == "mp3" else 0
    )
    assert abs(read_extent(source).frames - len(whole)) <= (1152 if suffix == "mp3" else 0)


def test_cuts_beyond_the_end(tmp_path):
    """A clip that goes on beyond the end of its recording is an error."""
    soundfile.write(tmp_path / "a.wav", noisy(1), RATE)
    with pytest.raises(AudioError, match=r"ends at 1.000 s, but a clip goes on to 1.125 s"):
        cut(Clip(tmp_path / "a.wav", 4000, 9000, None), tmp_path, "clip")


def test_nemo(write, tmp_path):
    """Lines of a NeMo manifest keep their fields, and parts of recordings are cut."""
    source = write(
        "nemo/m.json",
        [
            {"audio_filepath": "../wav/a.wav", "duration": 0.99, "text": "Yes", "lang": "en"},
            {"audio_filepath": "wav/two.wav", "duration": None, "text": "", "offset": None},
            {"audio_filepath": "wav/long.wav", "duration": 2, "text": "no", "offset": 0.0,
             "speaker": 7, "id": 12},
        ],
    )  # fmt: skip
    lines, files = imported(tmp_path, "nemo", source)
    assert lines == [
        {"duration": 0.99, "text": "Yes", "id": "a", "lang": "en"},
        {"duration": 2.0, "text": "", "id": "two"},
        {"duration": 2.0, "text": "no", "id": "12", "speaker": "7", "recording_id": "long",
         "recording_start": 0.0},
    ]  # fmt: skip
    assert files[2].name == "12.flac" and soundfile.info(files[2]).frames == 2 * RATE


RECORDING = {
    "id": "rec", "sampling_rate": RATE, "num_samples": 80000, "duration": 10.0,
    "sources": [{"type": "file", "channels": [0], "source": "wav/long.wav"}],
}  # fmt: skip
SUPERVISION = {
    "id": "u1", "recording_id": "rec", "start": 1.5, "duration": 2.0, "channel": 0, "text": "Yes",
    "speaker": "s", "language": "English", "custom": {"snr": 3.5},
    "alignment": {"word": [["yes", 1.75, 0.5]]},
}  # fmt: skip
WANTED = {
    "duration": 2.0, "text": "Yes", "id": "u1", "speaker": "s", "snr": 3.5, "language": "English",
    "alignment": {"word": [["yes", 0.25, 0.5]]}, "recording_id": "rec", "recording_start": 1.5,
}  # fmt: skip


@pytest.mark.parametrize("end", ["jsonl", "jsonl.gz"])
def test_lhotse(write, tmp_path, end):
    """Supervisions and cuts of lhotse are imported with their fields."""
    write(f"lhotse/x_recordings_dev.{end}", [RECORDING])
    source = write(f"lhotse/x_supervisions_dev.{end}", [SUPERVISION])
    for given in (source, source.parent):
        lines, _ = imported(tmp_path, "lhotse", given)
        assert lines == [WANTED]
    inner = {**SUPERVISION, "start": 0.5, "alignment": {"word": [["yes", 0.75, 0.5]]}}
    cuts = {"id": "c", "start": 1.0, "duration": 4, "recording": RECORDING, "type": "MonoCut",
            "supervisions": [inner], "custom": {"of": "cut"}}  # fmt: skip
    lines, _ = imported(tmp_path, "lhotse", write(f"cuts.{end}", [cuts]))
    assert lines == [WANTED | {"of": "cut", "cut_id": "c"}]


def test_tables(write, tmp_path):
    """Tables of several dialects are imported, by the names of their columns or options."""
    common_voice = 'client_id\tpath\tsentence\tup_votes\taccents\n0f3\ta.wav\t"Yes," he said\t2\t\n'
    source = write("train.tsv", common_voice)
    lines, _ = imported(tmp_path, "csv", source, "--audio-dir", "wav")
    expected = {"duration": 1.0, "id": "a", "speaker": "0f3"}
    assert lines == [expected | {"text": '"Yes," he said', "up_votes": 2}]
    quoted = '\ufeffWAV,Transcript,seconds,ID\r\nwav/a.wav,"yes,\nno ""so""",1.01,007\r\n'
    lines, _ = imported(tmp_path, "csv", write("excel.csv", quoted))
    assert lines == [{"duration": 1.01, "text": 'yes, no "so"', "id": "007"}]
    named = "words,said,file\n1,yes,wav/a.wav\n"
    lines, _ = imported(tmp_path, "csv", write("n.csv", named), "--text-column", "said")
    assert lines == [{"duration": 1.0, "text": "yes", "id": "a", "words": 1}]
    done = run("data", "import", "csv", "n.csv", "-o", "m", "--id-column", "key", cwd=tmp_path)
    assert done.stderr == "error: n.csv: no column 'key'; it has words, said, file\n"


LINE = {"audio_filepath": "wav/a.wav", "duration": 1, "text": "yes"}
CUT = {"id": "c", "start": 0, "duration": 1, "type": "MonoCut", "recording": RECORDING}
ONE = {"wav_scp": "a wav/a.wav\n", "text": "a yes\n"}
SEGMENT = {"wav_scp": "r wav/a.wav\n", "text": "a yes\n"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"wav_scp": "a wav/a.wav\n"}, "cannot read the Kaldi file kaldi/text"),
        (ONE | {"text": "a yes\na no\n"}, "text:2: 'a' is already in kaldi/text:1"),
        (ONE | {"wav_scp": "a wav/x.wav\n"}, "kaldi/wav.scp:1: no audio file 'wav/x.wav'"),
        (
            ONE | {"wav_scp": "a sph2pipe -f wav -p wav/a.wav |\n"},
            "wav.scp:1: a command ('sph2pipe -f wav -p wav/a.wav |'), which is not run here "
            "unless asked to: give --run-commands if you trust it, or run it yourself",
        ),
        (
            ONE | {"wav_scp": "a x.ark:17\n"},
            "wav.scp:1: 'x.ark:17' is not an audio file but a place",
        ),
        (ONE | {"utt2spk": "a\n"}, "utt2spk:1: needs an utterance and its speaker"),
        (ONE | {"utt2spk": "a s\n", "spk2utt": "t a\n"}, "spk2utt:1: 'a' is of speaker 't'"),
        (ONE | {"utt2dur": "a long\n"}, "utt2dur:1: 'utt2dur' needs seconds >= 0, got 'long'"),
        (ONE | {"utt2text": "a x\n"}, "a further field cannot be called 'text'"),
        (SEGMENT | {"segments": "a r 2 1\n"}, "segments:1: needs an utterance, its recording"),
        (SEGMENT | {"segments": "a r 0 nan\n"}, "segments:1: 'end' needs seconds >= 0"),
        (SEGMENT | {"segments": "a q 0 1\n"}, "segments:1: recording 'q' has no line in wav.scp"),
        (SEGMENT | {"segments": "a r 0 2\n"}, "lies from 0.000 to 2.000 s in"),
        (SEGMENT | {"segments": "a r 0 1 1\n"}, "segments:1: channel 1 does not exist in"),
        ({"wav_scp": "", "text": ""}, "there is no utterance"),
    ],
)
def test_kaldi_that_cannot_be_read(files, message, write, refused):
    """A faulty data directory is an error of one line that names the place."""
    kaldi(write, **files)
    refused(message, "import", "kaldi", "kaldi")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.json", "x\n", "m.json:1: not JSON"),
        ("m.json", "[]\n", "m.json:1: needs a JSON object, got list"),
        ("m.json", [LINE | {"text": None}], "m.json:1: 'text' needs a string, got None"),
        ("m.json", [LINE | {"audio_filepath": "x.wav"}], "m.json:1: no audio file 'x.wav'"),
        ("m.json", [LINE | {"offset": "x"}], "m.json:1: 'offset' needs seconds >= 0"),
        ("m.json", [LINE | {"offset": 5}], "m.json:1: a-0005000-0006000 lies from 5.000 to 6.000"),
        ("s.jsonl", [RECORDING], "s.jsonl:1: neither a cut nor a supervision"),
        ("s.jsonl", [SUPERVISION], "s.jsonl: needs the file of its recordings beside it"),
        ("s.jsonl", "", "s.jsonl: the lhotse manifest is empty"),
        ("s.jsonl.gz", [CUT | {"supervisions": []}], "s.jsonl.gz:1: the cut has no supervision"),
        ("s.jsonl", [CUT | {"supervisions": [3]}], "need to be JSON objects"),
        ("s.jsonl", [CUT | {"supervisions": 3}], "s.jsonl:1: 'supervisions' needs to be a list"),
        (
            "s.jsonl",
            [CUT | {"recording": RECORDING
                    | {"sources": [{"type": "file", "channels": [1e999], "source": "a"}]}}],
            "s.jsonl:1: not a recording of lhotse's",
        ),
        ("s.jsonl", [CUT | {"supervisions": [{"id": "a"}]}], "needs an id and a text, got None"),
        ("s.jsonl", [{"tracks": [], "type": "MixedCut"}], "a MixedCut, which is mixed or padded"),
        (
            "s.jsonl",
            [CUT | {"supervisions": [SUPERVISION | {"channel": 4}]}],
            "s.jsonl:1: channels [4] of [0]",
        ),
        (
            "s.jsonl",
            [CUT | {"supervisions": [SUPERVISION], "custom": {"snr": 1}}],
            "s.jsonl:1: two values for the field 'snr', 1 and 3.5",
        ),
        (
            "s.jsonl",
            [CUT | {"supervisions": [SUPERVISION], "recording": RECORDING | {"transforms": [1]}}],
            "recording 'rec' is transformed while it is read",
        ),
        (
            "s.jsonl",
            [CUT | {"supervisions": [SUPERVISION], "recording": RECORDING
                    | {"sources": [{"type": "url"}]}}],
            "recording 'rec' comes from ['url'], needs one file",
        ),
        ("t.csv", "path,what\nwav/a.wav,yes\n", "t.csv:1: which column is the text?"),
        ("t.csv", "path,text\nwav/a.wav\n", "t.csv:2: 1 cells, needs 2"),
        ("t.csv", "path,text\nwav/a.wav,\n", "t.csv:2: the text is missing"),
        ("t.csv", "path,text,x,x\n", "t.csv:1: column 4 is called 'x'"),
        (
            "t.csv",
            'path,text\na,"b\n',
            "t.csv:2: not a row of a table (a quotation mark is not closed)",
        ),
        ("t.csv", "path,text\n", "there is no utterance"),
        ("t.xls", "path,text\n", "needs .csv, .tsv or .tab"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(name, content, message, write, refused):
    """A faulty file of each format is an error of one line that names the place."""
    write(name, content)
    formats = {"m": "nemo", "s": "lhotse", "t": "csv"}
    refused(message, "import", formats[name[0]], name)


@pytest.mark.parametrize(
    ("format", "output", "change", "message"),
    [
        ("kaldi", "new", {"id": "a b"}, "Kaldi cannot hold the id 'a b', which is empty or has sp"),
        ("kaldi", "new", {"speaker": ""}, "Kaldi cannot hold the speaker ''"),
        ("kaldi", "new", {"a/b": 1}, "Kaldi cannot hold the field 'a/b' in a file utt2a/b"),
        ("kaldi", "new", {"dur": 1}, "Kaldi cannot hold the field 'dur'"),
        ("kaldi", "new", {"snr": float("inf")}, "Kaldi cannot hold the field 'snr'"),
        ("kaldi", "wav", {}, "wav is there already, and not empty; name a new folder"),
        ("lhotse", "wav", {}, "wav is there already, and not empty; name a new folder"),
        ("lhotse", "new", {"duration": 2.0}, "a duration of 2.000 s for audio of 1.000 s"),
        ("lhotse", "new", {"snr": float("inf")}, "JSON has finite numbers only"),
        ("kaldi", "new", {"offset": 0.2}, "is a piece of"),
        ("lhotse", "new", {"offset": 0.2}, "is a piece of"),
        ("csv", "n.csv", {"offset": 0.2}, "is a piece of"),
        ("csv", "n.csv", {"text": ""}, "a table cannot hold an empty text"),
        ("csv", "n.tsv", {"id": "a\tb"}, "a table cannot hold names, ids or paths with line ends"),
        ("csv", "n.txt", {}, "needs .csv, .tsv or .tab"),
        ("nemo", "n.json", {"audio_filepath": "x.wav"}, "m.jsonl:1: no audio file"),
    ],
)
def test_manifests_that_cannot_be_written(
    format, output, change, message, write, tmp_path, refused
):
    """An export that would lose something is an error, and writes nothing."""
    write("m.jsonl", [LINE | {"id": "a"} | change])
    refused(message, "export", format, "m.jsonl", output=output)
    assert not (tmp_path / output).exists() or output == "wav"


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A function that runs a command in this process and expects an error of one line."""

    def refused(message, *command, output="new.jsonl"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["asr", "data", *command, "-o", output])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, error = capsys.readouterr()
        assert (stopped.value.code, out) == (1, "")
        assert message in error and len(error.splitlines()) == 1, error
        assert not (tmp_path / "new.jsonl").exists()

    return refused


BROKEN = {"audio_filepath": "wav/broken.wav", "duration": 1, "text": "b"}


@pytest.mark.parametrize(
    ("format", "files", "good", "bad"),
    [
        ("kaldi", ONE | {"text": "b yes\na yes\n"}, ["a"],
         [("kaldi/text", 1, "b", "utterance 'b' has a text, but no line in wav.scp")]),
        ("kaldi",
         {"wav_scp": "a wav/a.wav\nb wav/a.wav\nc wav/x.wav\nd wav/broken.wav\ne x |\n"
          "f wav/a.wav\n",
          "text": "a 1\nc 2\nd 3\ne 4\nf 5\nf 6\n"}, ["a"],
         [("kaldi/wav.scp", 2, "b", "utterance 'b' has no line in kaldi/text"),
          ("kaldi/wav.scp", 3, "c", "no audio file 'wav/x.wav'"),
          ("kaldi/wav.scp", 5, "e", "a command ('x |'), which is not run here"),
          ("kaldi/text", 6, "f", "'f' is already in kaldi/text:5"),
          ("kaldi/wav.scp", 4, "d", "{tmp}/wav/broken.wav: ")]),
        ("kaldi",
         {"wav_scp": "r wav/a.wav\nq wav/broken.wav\n", "text": "a 1\nb 2\nc 3\nd 4\ne 5\n",
          "segments": "a r 0 0.5\nb r 2 1\nc q 0 1\nd r 0 3\ne r 0 0.5\n", "utt2spk": "e\n"},
         ["a"],
         [("kaldi/segments", 2, "b", "needs an utterance, its recording"),
          ("kaldi/utt2spk", 1, "e", "needs an utterance and its speaker"),
          ("kaldi/segments", 3, "c", "{tmp}/wav/broken.wav: "),
          ("kaldi/segments", 4, "d", "d lies from 0.000 to 3.000 s in")]),
        ("nemo", [LINE, BROKEN, [3], LINE | {"text": 3}, LINE | {"duration": -1}, LINE],
         ["a", "a#2"],
         [("source", 3, None, "needs a JSON object"), ("source", 4, None, "'text' needs a string"),
          ("source", 5, None, "'duration' needs seconds >= 0"),
          ("source", 2, "broken", "{tmp}/wav/broken.wav: ")]),
        ("lhotse",
         [CUT | {"supervisions": [SUPERVISION, SUPERVISION | {"id": "u2", "text": None},
                                  SUPERVISION | {"id": "u3", "channel": 4}]}, CUT, {"id": 3}, [],
          CUT | {"supervisions": [SUPERVISION | {"id": "u4", "start": 90}]}],
         ["u1"],
         [("source", 4, None, "needs a JSON object"), ("source", 1, "u2", "supervision 'u2' needs"),
          ("source", 1, "u3", "channels [4] of [0]"), ("source", 2, None, "the cut has no super"),
          ("source", 3, None, "the cut has no recording"), ("source", 5, "u4", "u4 lies from")]),
        ("csv", 'path,text\nwav/a.wav,"a\nb"\nwav/x.wav,c\nwav/broken.wav,d\n,\n1,2,3\n', ["a"],
         [("source.csv", 4, None, "no audio file 'wav/x.wav'"),
          ("source.csv", 6, None, "the text is missing"),
          ("source.csv", 7, None, "3 cells, needs 2"),
          ("source.csv", 5, "broken", "{tmp}/wav/broken.wav: ")]),
        ("csv", 'path,text\nwav/a.wav,a\nwav/a.wav,"b\nwav/a.wav,c\nwav/a.wav,"d"\nwav/a.wav,"e\n',
         ["a", "a#2", "a#3"],
         [("source.csv", 3, None, "not a row of a table (',' expected after '\"')"),
          ("source.csv", 6, None, "not a row of a table (a quotation mark is not closed)")]),
        ("csv", 'path,text,id\nwav/a.wav,"b,1\nwav/a.wav,c,2\nwav/a.wav,d",x,3\nwav/a.wav,e,4\n',
         ["2", "4"],
         [("source.csv", 2, None, "4 cells, needs 3"),
          ("source.csv", 4, None, "4 cells, needs 3")]),
        ("csv", b"path,text\nwav/a.wav,a\nwav/a.wav,caf\xe9\n", ["a"],
         [("source.csv", 3, None, "needs UTF-8 text, this is not: 'caf\\udce9'")]),
        ("nemo", b'{"audio_filepath": "wav/a.wav", "text": "a"}\n'
         b'{"audio_filepath": "wav/a.wav", "text": "caf\xe9"}\n', ["a"],
         [("source", 2, None, "needs UTF-8 text, this is not: ")]),
        ("kaldi", {"wav_scp": "a wav/a.wav\nb wav/a.wav\n", "text": b"a yes\nb caf\xe9\n"}, ["a"],
         [("kaldi/text", 2, "b", "needs UTF-8 text, this is not: 'b caf\\udce9'")]),
    ],
)  # fmt: skip
def test_bad_rows_are_left_out_and_named(format, files, good, bad, write, tmp_path, audio):
    """All bad rows are named at once, in the list too; the others are imported."""
    (audio / "broken.wav").write_bytes(b"RIFF no")
    if format == "kaldi":
        kaldi(write, **files)
        source = "kaldi"
    else:
        source = "source.csv" if format == "csv" else "source"
        write(source, files)
    command = ["data", "import", format, source, "-o", "m.jsonl"]
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    ids = [json.loads(line)["id"] for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert ids == good
    listed = [json.loads(line) for line in (tmp_path / "m-left-out.jsonl").read_text().splitlines()]
    assert [(line["path"], line["line"], line["id"]) for line in listed] == [x[:3] for x in bad]
    for line, (*_, message) in zip(listed, bad, strict=True):
        assert line["message"].startswith(message.format(tmp=tmp_path)), line
    lines = [line for line in done.stderr.splitlines() if line.startswith("left out: ")]
    assert lines[-1] == (
        f"left out: {len(bad)} of {len(bad + good)} rows, all of them listed in m-left-out.jsonl; "
        "--max-bad SHARE allows for some"
    )
    assert len(lines) == 1 + len(bad)
    share = len(bad) / len(bad + good)
    assert run(*command, "--max-bad", share + 1e-9, cwd=tmp_path).returncode == 0
    (tmp_path / "m.jsonl").unlink()
    done = run(*command, "--max-bad", share - 1e-3, cwd=tmp_path)
    assert done.returncode == 1 and not (tmp_path / "m.jsonl").exists()
    assert f"rows cannot be used, --max-bad allows a share of {share - 1e-3:g}" in done.stderr
    assert len((tmp_path / "m-left-out.jsonl").read_text().splitlines()) == len(bad)


def test_commands_are_run_when_asked(write, tmp_path, audio):
    """The output of a command is kept as it is, and what stands beside it is no command."""
    copy = f"cat {audio}/two.wav | cat |"
    kaldi(
        write,
        wav_scp=f"a/1 {copy}\nb exit 3 | cat |\nc true |\nd wav/a.wav;touch {tmp_path}/bad\n",
        text="a/1 yes\nb no\nc no\nd no\n",
    )
    done = run("data", "import", "kaldi", "kaldi", "-o", "m.jsonl", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("which is not run here") == 3
    options = ["--run-commands"]
    done = run("data", "import", "kaldi", "kaldi", "-o", "m.jsonl", *options, cwd=tmp_path)
    assert "wav.scp:2: b: the command 'exit 3 | cat' failed (exit code 3)" in done.stderr
    assert "wav.scp:3: c: the command 'true' wrote nothing" in done.stderr
    assert not (tmp_path / "bad").exists()
    (line,) = map(json.loads, (tmp_path / "m.jsonl").read_text().splitlines())
    assert (line["id"], line["duration"]) == ("a/1", 2.0)
    kept = tmp_path / line["audio_filepath"]
    assert kept.name == "a%2F1.wav" and kept.read_bytes() == (audio / "two.wav").read_bytes()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_commands_of_lhotse_are_run_when_asked(write, tmp_path, audio):
    """A recording that a command writes is made once, however many cuts it has."""
    command = f"echo x >> {tmp_path}/ran; cat {audio}/long.wav"
    source = {"type": "command", "channels": [0], "source": command}
    recording = CUT["recording"] | {"id": "r/1", "sources": [source]}
    cuts = [
        CUT | {"recording": recording, "supervisions": [SUPERVISION | {"id": id}]}
        for id in ("u1", "u2")
    ]
    write("cuts.jsonl", cuts)
    done = run("data", "import", "lhotse", "cuts.jsonl", "-o", "m.jsonl", cwd=tmp_path)
    assert done.returncode == 1 and not (tmp_path / "ran").exists()
    assert done.stderr.count("which is not run here unless asked to: give --run-commands") == 2
    options = ["--run-commands"]
    done = run("data", "import", "lhotse", "cuts.jsonl", "-o", "m.jsonl", *options, cwd=tmp_path)
    assert (done.returncode, (tmp_path / "ran").read_text()) == (0, "x\n"), done.stderr
    kept = tmp_path / "m-audio" / "r%2F1.wav"
    assert kept.read_bytes() == (audio / "long.wav").read_bytes()


def test_texts_of_nemo(write, tmp_path):
    """A line may have a normalised text, the file of one, or none."""
    write("t.txt", "from\na file\n")
    plain = {"audio_filepath": "wav/a.wav", "duration": 1}
    rows = [plain | {"normalized_text": "x"}, plain, plain | {"text_filepath": "t.txt"},
            plain | {"text": "y", "normalized_text": "x"}]  # fmt: skip
    lines, _ = imported(tmp_path, "nemo", write("n.json", rows))
    assert [line["text"] for line in lines] == ["x", "", "from a file", "y"]
    assert [line["id"] for line in lines] == ["a", "a#2", "a#3", "a#4"]
    assert [line.get("normalized_text") for line in lines] == [None, None, None, "x"]


def test_tables_of_pandas(write, tmp_path):
    """The column without a name, pandas' index, is no field."""
    source = write("t.csv", ",path,text\n0,wav/a.wav,yes\n1,wav/a.wav,no\n")
    lines, _ = imported(tmp_path, "csv", source)
    assert lines == [
        {"duration": 1.0, "text": "yes", "id": "a"}, {"duration": 1.0, "text": "no", "id": "a#2"},
    ]  # fmt: skip


def test_kaldi_says_what_its_tools_dislike(write, tmp_path, audio):
    soundfile.write(audio / "b.flac", noisy(1), RATE)
    write(
        "m.jsonl",
        [LINE | {"id": "1", "speaker": "s2"},
         LINE | {"id": "2", "speaker": "s1", "audio_filepath": "wav/b.flac"}],
    )  # fmt: skip
    done = run("data", "export", "kaldi", "m.jsonl", "-o", "k", cwd=tmp_path)
    assert done.returncode == 0
    notes = done.stderr.splitlines()
    assert notes[0].startswith("note: sorted by id, speakers are not")
    assert notes[1].startswith("note: 1 file not WAV")
    assert (tmp_path / "k" / "spk2utt").read_text() == "s1 2\ns2 1\n"


@pytest.mark.parametrize("verb", ["import", "export"])
@pytest.mark.parametrize("format", ["", "kaldi", "nemo", "lhotse", "csv"])
def test_help_in_narrow_windows(verb, format):
    """The help of each command fits in a narrow window."""
    done = run("data", verb, *format.split(), "--help", env={**os.environ, "COLUMNS": "60"})
    assert done.returncode == 0
    assert "Usage:" in done.stdout and max(map(len, done.stdout.splitlines())) <= 60
