"""Texts of any recogniser are read as what they are, or refused, and never paired wrongly."""

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from commands import run
from conftest import ROOT

from asr.errors import DataError
from asr.evaluation.transcript_format import guess
from asr.evaluation.transcripts import doubt, pair_transcripts, read_transcripts

TRN = ("yes no (a-1)\nstop now (b-1)\n", "stop (b-1)\nyes no (a-1)\n")
KALDI = ("utt1 yes no\nutt2 stop\n", "utt2 stop\nutt1 yes no\n")
STM = ("r A ann 0.0 2.0 yes no\nr A bob 2.0 4.0 stop\n", "r A ann 2.0 4.0 stop\n")
TSV = ("start\tend\ttext\n0\t900\tyes no\n1000\t1500\tstop\n", "start\tend\ttext\n0\t1\tyes no\n")
SRT = (
    "1\n00:00:00,000 --> 00:00:01,000\n<i>yes</i> no\n\n2\n00:00:01,500 --> 00:00:02,000\nstop\n\n"
)
VTT = (
    "WEBVTT\n\nNOTE a\nb\n\n00:00.000 --> 00:01.000\n<v Ann>yes no\n\n7\n00:01.500 --> 00:02.000\n"
)


@pytest.fixture
def texts(tmp_path):
    """A function that writes a reference and a hypothesis, pairs them and returns the pairs."""

    def texts(reference, hypothesis, names, formats=(None, None)):
        paths = []
        for folder, name, text in zip("rh", names, (reference, hypothesis), strict=True):
            (tmp_path / folder).mkdir(exist_ok=True)
            paths.append(tmp_path / folder / name)
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
        items = pair_transcripts(
            read_transcripts(paths[0], True, formats[0]),
            read_transcripts(paths[1], False, formats[1]),
        )
        return [(item["reference"], item["hypothesis"]) for item in items]

    return texts


def lines(*values):
    return "".join(json.dumps(value) + "\n" for value in values)


REFERENCE = lines(*({"id": id, "text": "yes no"} for id in "abc"))
PAIRS = [("yes no", "yes no"), ("stop", "stop")]


@pytest.mark.parametrize("suffix", ["trn", "TRN", "Trn"])
def test_capitals_of_suffixes(suffix, texts):
    assert texts(*TRN, [f"a.{suffix}"] * 2) == [("yes no", "yes no"), ("stop now", "stop")]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "names", "right"),
    [
        (*KALDI, ("text", "text"), PAIRS),
        (*KALDI, ("dev.trans.txt", "text"), PAIRS),
        (KALDI[0], TRN[0].replace("a-1", "utt1").replace("b-1", "utt2"), ("text", "h.trn"),
         [("yes no", "yes no"), ("stop", "stop now")]),
        (STM[0], STM[0], ("r.stm", "h.STM"), PAIRS),
        (*TSV, ("r.tsv", "h.tsv"), [("yes no stop", "yes no")]),
        (SRT, VTT + "stop\n", ("r.srt", "h.vtt"), [("yes no stop", "yes no stop")]),
        (SRT.replace("yes", "{\\an8}{\\pos(1,2)}yes{\\b0}"), VTT + "stop\n", ("r.srt", "h.vtt"),
         [("yes no stop", "yes no stop")]),
        (SRT, "yes &no\n", ("r.SRT", "h.txt"), [("yes no stop", "yes &no")]),
        ("yes\fno\nstop\n", "yes no\nstop\n", ("r.txt", "h.txt"), PAIRS),
        ("yes\u2028no\nstop\n", "yes no\nstop\n", ("r.txt", "h.txt"), PAIRS),
        (b"\xef\xbb\xbfyes no\r\nstop\r\n", "yes no\nstop", ("r.txt", "h.txt"), PAIRS),
        ("YES (A-1)\n", "yes (a-1)\n", ("r.trn", "h.trn"), [("yes", "yes")]),
        ('{"id": "a", "text": "yes\u2028no"}\n', '[\n{"id": "a", "text": "yes no"}\n]',
         ("r.jsonl", "h.json"), [("yes no", "yes no")]),
        ("1 2 3 4 5\n4 5 6 7 8\n", "1 2 3 4 5\n4 5 6 7 8\n", ("r.txt", "h.txt"),
         [("1 2 3 4 5",) * 2, ("4 5 6 7 8",) * 2]),
    ],
)  # fmt: skip
def test_known_formats(reference, hypothesis, names, right, texts):
    assert texts(reference, hypothesis, names) == right


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (TRN[0], "trn"),
        (KALDI[0], "kaldi"),
        (STM[0], "stm"),
        ("r 1 0.1 0.2 yes\nr 1 0.5 0.2 no 0.9\n", "ctm"),
        (TSV[0], "tsv"),
        (SRT, "srt"),
        (VTT, "vtt"),
        (REFERENCE, "json"),
        (";; made by x\n" + TRN[0], "trn"),
        ("1089-134686-0000 HE HOPED\n", "kaldi"),
    ],
)
def test_a_format_that_is_not_certain_is_refused(text, format, tmp_path):
    """A file whose name says something else, or nothing, names the format and the option."""
    assert guess(text.split("\n")) == format
    for name in ("a.txt", "a.lab", "a"):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(DataError, match=f"it looks like .* say --ref-format {format}"):
            read_transcripts(path, True)
        with pytest.raises(DataError, match=f"it looks like .* say --hyp-format {format}"):
            read_transcripts(path, False)
        assert read_transcripts(path, True, format).format == format
        assert read_transcripts(path, True, "txt").format == "txt"


def test_the_option_names_the_format(tmp_path):
    reference, hypothesis = tmp_path / "ref", tmp_path / "hyp.out"
    reference.write_text(KALDI[0])
    hypothesis.write_text(KALDI[1])
    done = run("score", reference, hypothesis)
    assert done.returncode == 1 and "say --ref-format kaldi" in done.stderr
    options = "--ref-format", "kaldi", "--hyp-format", "kaldi"
    done = run("score", reference, hypothesis, *options)
    assert done.stdout.startswith("WER  0.00 % [0 / 3"), done.stderr
    assert run("score", reference, hypothesis, "--ref-format", "x").returncode == 2
    for other in ("x", "", 3, ["trn"], None.__class__):
        with pytest.raises(DataError, match="is not known; needs one of txt, trn, ctm, stm, kaldi"):
            read_transcripts(reference, True, other)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "names", "message"),
    [
        ("ann yes\nbob no\n", "bob no\nann yes\n", ("r.txt", "h.txt"), "look like Kaldi's text"),
        ('{"id": "1", "text": "a"}\n{"id": "2", "text": "b"}\n', "b\na\n", ("r.json", "h.txt"),
         "nothing says which belong together"),
        (SRT, "yes no\nstop\n", ("r.srt", "h.txt"), "nothing says which belong together"),
        (STM[0], STM[0].replace(" A ", " B "), ("r.stm", "h.stm"), "only a "),
        ("r A 0 1 yes\n", "r B 0 1 yes\n", ("r.ctm", "h.ctm"), "only a hypothesis"),
        ("r A s 0 1 yes\n", "r B 0 1 yes\n", ("r.stm", "h.ctm"),
         "'r (channel B)', for example, is only a hypothesis"),
        ('{"id": "r", "text": "yes no"}\n', "r A 0 1 yes\nr B 0 1 no\n", ("r.json", "h.ctm"),
         "'r-A', for example, is only a hypothesis"),
        ("r A s 0 1 IGNORE_TIME_SEGMENT_IN_SCORING\n", "r A 0 1 a\n", ("r.stm", "h.ctm"),
         "all its segments are left out"),
        ("r A s 0 1 { a / b }\n", "r A 0 1 a\n", ("r.stm", "h.ctm"), "stands for alternatives"),
        ("r A s 2 1 a\n", "r A 0 1 a\n", ("r.stm", "h.ctm"), "needs a recording, a channel, a sp"),
        ("r A 0 1 yes\n", "r A 0 1 yes x\n", ("r.ctm", "h.ctm"), "needs an id, a channel"),
        ("path\tsentence\na\tyes\n", TSV[0], ("r.tsv", "h.tsv"), "needs the columns start, end"),
        ("yes\n", "x\n", ("r.srt", "h.vtt"), "needs WEBVTT"),
        ("id,text\na,yes\n", "yes\n", ("r.csv", "h.txt"), "write JSON Lines with the fields id"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(reference, hypothesis, names, message, texts):
    with pytest.raises(DataError, match=re.escape(message)):
        texts(reference, hypothesis, names)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"pred_text": None}, "2: needs a text in the field 'pred_text', which is None"),
        ({}, "2: needs a text in the field 'pred_text', which is missing"),
        ({"pred_text": 3}, "2: needs a text in the field 'pred_text', which is 3"),
        ({"hypothesis": "no"}, "the fields 'pred_text' and 'hypothesis' may both hold"),
        ({"pred_text_ctc": "no"}, "the fields 'pred_text' and 'pred_text_ctc' may both hold"),
    ],
)
def test_a_hypothesis_is_never_taken_from_the_reference(second, message, texts):
    first, last = {"pred_text": "no"}, {"pred_text": ""}
    items = [
        {"id": id, "text": "yes no", **more}
        for id, more in zip("abc", (first, second, last), strict=True)
    ]
    with pytest.raises(DataError, match=message):
        texts(REFERENCE, lines(*items), ("r.jsonl", "h.jsonl"))
    items[1] = {"id": "b", "text": "yes no", "pred_text": "yes"}
    right = [("yes no", "no"), ("yes no", "yes"), ("yes no", "")]
    assert texts(REFERENCE, lines(*items[::-1]), ("r.jsonl", "h.jsonl")) == right


@pytest.mark.parametrize(
    "name", ["transcript", "transcription", "asr_output", "recognised_text", "pred_model", "result"]
)
def test_a_field_that_may_hold_the_hypothesis_is_not_passed_over(name, texts):
    """A text beside it may be the reference."""
    with pytest.raises(DataError, match=f"1: the field '{name}' may hold what was recognised"):
        texts(REFERENCE, lines({"id": "a", "text": "yes no", name: "go"}), ("r.json", "h.json"))
    items = [{"id": id, "text": "yes no", "pred_text": "yes", name: "x"} for id in "abc"]
    assert texts(REFERENCE, lines(*items), ("r.jsonl", "h.jsonl")) == [("yes no", "yes")] * 3


@pytest.mark.parametrize("name", ["hypothesis", "hyp", "prediction", "pred_text_ctc", "hyp_text"])
def test_names_of_hypotheses(name, texts):
    items = [{"id": id, "text": "yes no", name: "yes"} for id in "cab"]
    assert texts(REFERENCE, lines(*items), ("r.jsonl", "h.jsonl")) == [("yes no", "yes")] * 3


def test_plain_text_that_may_have_ids(tmp_path):
    """If lines begin with the same words, which are nowhere else, a warning says what to do."""
    reference, hypothesis = tmp_path / "r.txt", tmp_path / "h.txt"
    reference.write_text("ann yes no\nbob stop\ncid stop\n")
    hypothesis.write_text("ann yes\nbob stop\ncid stop\n")
    done = run("score", reference, hypothesis)
    assert done.stdout.startswith("WER  14.29 % [1 / 7") and done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: each line of {reference} and {hypothesis} begins with a word")
    assert "if these words are ids, say --ref-format kaldi --hyp-format kaldi" in line
    for format, right in (("kaldi", "25.00 % [1 / 4"), ("txt", "14.29 % [1 / 7")):
        options = "--ref-format", format, "--hyp-format", format
        done = run("score", reference, hypothesis, *options)
        assert done.stdout.startswith(f"WER  {right}") and done.stderr == ""


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        ("yes no\nyes please\ngo on\n", "yes no\nyes please\ngo on\n"),  # two lines begin alike
        ("yes no\nstop it\ngo on\n", "yes no\nstep it\ngo on\n"),  # a first word is wrong
        ("yes\nstop\ngo\n", "yes\nstop\ngo\n"),  # there are no words but the first
        ("yes go\nstop it\ngo on\n", "yes go\nstop it\ngo on\n"),  # one is elsewhere
        ("yes no\nstop it\n", "yes no\nstop it\n"),  # there are few
    ],
)
def test_plain_text_without_doubt(reference, hypothesis, tmp_path):
    files = [tmp_path / name for name in ("r.txt", "h.txt")]
    for path, text in zip(files, (reference, hypothesis), strict=True):
        path.write_text(text)
    items = [read_transcripts(path, path == files[0]) for path in files]
    assert doubt(*items) is None


SCORE = [sys.executable, "-m", "asr", "score"]


def test_pipes_and_standard_input(tmp_path):
    """A file is read once, so that it may be a pipe; its name then tells no format."""
    reference = tmp_path / "r.trn"
    reference.write_text(TRN[0])

    def score(*arguments, **options):
        return subprocess.run(
            [*SCORE, *arguments], capture_output=True, text=True, check=False, cwd=ROOT, **options
        )

    refused = score(reference, "-", input=TRN[1])
    assert refused.returncode == 1 and "say --hyp-format trn" in refused.stderr
    options = "--hyp-format", "trn", "-o", tmp_path / "out"
    done = score(reference, "-", *options, input=TRN[1])
    assert done.stdout.startswith("WER  25.00 % [1 / 4"), done.stderr
    texts = json.loads((tmp_path / "out" / "results.json").read_text())["texts"]
    assert texts["hypothesis"]["sha256"] == hashlib.sha256(TRN[1].encode()).hexdigest()
    assert score("-", "-", input="").returncode == 2
    command = f"{shlex.join(SCORE)} <(cat {reference}) {reference} --ref-format trn"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("WER  0.00 % [0 / 4"), done.stderr


def test_default_ids_differ(texts):
    """The same name in two folders, and pieces of one recording, have ids of their own."""
    places = [("x/a.wav", 0), ("y/a.wav", 0), ("y/a.wav", 2.5), ("b.wav", 0)]
    items = [
        {"audio_filepath": audio, "offset": offset, "text": f"w{number}", "id": None}
        for number, (audio, offset) in enumerate(places)
    ]
    found = texts(lines(*items), lines(*items[::-1]), ("r.jsonl", "h.jsonl"))
    assert found == [(f"w{number}",) * 2 for number in range(4)]


NIST = {
    "comments": ("yes no (a-1)\n", ";; tool (v1)\n** b (v2)\nyes no (a-1)\n"),
    "weights": ("yes no (a-1)\n", "yes;0.5 no; (a-1)\n"),
    "stars": ("yes no (a-1)\n", "yes* no** (a-1)\n"),
    "escapes": ("yes no (a-1)\n", "ye\\s \\\\no (a-1)\n"),
    "unknown": ("yes no (a-1)\n", "yes <unk> (a-1)\n"),
    "capitals": ("yes no (A-1)\n", "YES no (a-1)\n"),
    "fragments": ("yes no (a-1)\n", "ye- no (a-1)\n"),
    "channels": ("r A a 0 9 yes no\nr B b 0 9 stop\n",
                 "r A 0.1 1 yes\nr A 2 1 no\nr B 0.5 1 stop\n"),
    "unk": ("r 1 a 0 9 yes no\n", "r 1 0 1 yes\nr 1 1 1 <unk>\n"),
    "NA": ("r 1 a 0 9 yes no\n", "r 1 0 1 yes NA\nr 1 1 1 no NA\n"),
    "columns": ("r 1 a 0 9 yes no\n", "r 1 0 1 yes 0.5 lex s1\nr 1 1 1 no NA fp s1\n"),
    "labels": ("r 1 a 0 9 <o,f0> yes no\n", "R 1 0 1 yes\nR 1 1 1 no\n"),
    "ignored": ("r 1 a 0 5 yes\nr 1 g 5 8 ignore_time_segment_in_scoring\nr 1 a 8 9 no\n",
                "r 1 0 1 yes\nr 1 6 1 hm\nr 1 8 1 no\n"),
    "gaps": ("r 1 a 1 2 yes\nr 1 a 4 5 no\n",
             "r 1 0 .5 hm\nr 1 1 1 yes\nr 1 3 .5 er\nr 1 4 1 no\nr 1 9 1 end\n"),
    "edges": ("r 1 a 1 2 yes\nr 1 a 2 5 no\n", "r 1 1.5 1 yes\nr 1 3 1 no\n"),
    "no channel": ("r A a 0 2 yes\nr B b 0 2 no\n", "r A 0 1 yes\n"),
    "no recording": ("q A a 0 2 yes\nr A b 0 2 no\n", "r A 0 1 no\n"),
    "empty": ("r A a 0 2\nr A a 2 4 yes\n", "r A 0 1 hm\nr A 2.5 1 yes\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", NIST)
def test_as_sclite_reads_it(case, tmp_path):
    """The counts of words and errors are those of sclite."""
    if not shutil.which("sctk"):
        pytest.skip("sctk (NIST's sclite) not found; install it, e.g. apt install sctk")
    timed = NIST[case][0].count("(") == 0
    names = ("r.stm", "h.ctm") if timed else ("r.trn", "h.trn")
    for name, text in zip(names, NIST[case], strict=True):
        (tmp_path / name).write_text(text)
    command = ["sctk", "sclite", "-r", names[0], names[0][2:], "-h", names[1], names[1][2:]]
    command += ["-o", "rsum", "stdout", *(() if timed else ("-i", "spu_id"))]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout.decode()
    (total,) = [line for line in output.splitlines() if re.match(r"\s*\| Sum ", line)]
    numbers = list(map(int, re.findall(r"\d+", total)[:7]))
    done = run("score", *(tmp_path / name for name in names))
    assert done.returncode == 0, done.stderr
    found = re.match(r"WER .*\[(\d+) / (\d+): (\d+) ins, (\d+) del, (\d+) sub\]", done.stdout)
    errors, words, insertions, deletions, substitutions = map(int, found.groups())
    utterances = int(re.search(r"(\d+) utterance", done.stdout)[1])
    assert numbers[:2] == [utterances, words]
    assert numbers[3:] == [substitutions, deletions, insertions, errors]


def test_no_interval_that_means_nothing(tmp_path):
    """Two utterances with very many insertions have no interval, and the output says so."""
    for name, text in (("r.txt", "yes\nno\n"), ("h.txt", "yes a b c d\nno" + " a" * 10 + "\n")):
        (tmp_path / name).write_text(text)
    done = run("score", tmp_path / "r.txt", tmp_path / "h.txt")
    assert done.stdout.splitlines()[:2] == [
        "WER  700.00 % [14 / 2: 14 ins, 0 del, 0 sub]",
        "     no interval: too few utterances, or too unlike each other",
    ]
