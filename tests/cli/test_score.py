"""``asr score``, which scores the texts of any recogniser."""

import json

import pytest
from commands import run

from asr.evaluation.results import read_results

REFERENCE = "yes no (ann-1)\nenter six (ann-2)\nStop (bob-1)\n"
HYPOTHESIS = "enter (ann-2)\nyes no (ann-1)\nstop now (bob-1)\n"


@pytest.fixture
def write(tmp_path):
    """A function that writes a text to a file and returns its path."""

    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_trn(write, tmp_path):
    """Two trn files in any order of lines give the WER and a report."""
    files = write("ref.trn", REFERENCE), write("hyp.trn", HYPOTHESIS)
    done = run("score", *files, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "WER  40.00 % [2 / 5: 1 ins, 1 del, 0 sub]"
    assert lines[1] == "     no interval: too few utterances, or too unlike each other"
    assert lines[-2:] == ["3 utterances", f"report: {tmp_path / 'out' / 'report.html'}"]
    results = read_results(tmp_path / "out")
    assert results.values["score"]["wer"]["errors"] == 2
    assert list(results.utterances) == ["ann-1", "ann-2", "bob-1"]
    assert list(results.utterances["bob-1"].values()) == ["bob-1", "bob", "stop", "stop now"]


def test_an_interval_over_speakers(write):
    """Four speakers have an interval, and fewer have one over their utterances."""
    for speakers, over in (("abcd", "4 speakers"), ("abca", "8 utterances")):
        reference, hypothesis = (
            "".join(
                f"yes no stop go on {word} ({name}-{turn}{place})\n"
                for turn, word in ((1, "one"), (2, last))
                for place, name in enumerate(speakers)
            )
            for last in ("two", "too")
        )
        done = run("score", write("ref.trn", reference), write("hyp.trn", hypothesis))
        lines = done.stdout.splitlines()
        assert lines[0] == "WER  8.33 % [4 / 48: 0 ins, 0 del, 4 sub]"
        assert lines[1].endswith(f"in 95 % of cases, over {over}")


def test_other_formats(write):
    """Plain texts, manifests and ctm files are scored."""
    plain = write("ref.txt", "yes no\n\nstop\n"), write("hyp.txt", "yes no\nnow\nstop\n")
    assert run("score", *plain).stdout.startswith("WER  33.33 % [1 / 3: 1 ins")
    items = [("a", "yes no"), ("b", ""), ("c", "stop")]
    manifest = [{"audio_filepath": f"x/{id}.wav", "text": text} for id, text in items]
    nemo = [item | {"pred_text": "stop"} for item in manifest]
    files = [
        write(name, "".join(json.dumps(item) + "\n" for item in values))
        for name, values in (("ref.jsonl", manifest), ("nemo.jsonl", nemo))
    ]
    assert run("score", files[0], files[0]).stdout.startswith("WER  0.00 % [0 / 3")
    assert run("score", *files).stdout.startswith("WER  100.00 % [3 / 3: 1 ins, 1 del, 1 sub]")
    words = ";; a comment\nc 1 0.1 0.2 stop 0.9\na 1 0.5 0.1 no\na 1 0.2 0.1 yes\n"
    assert run("score", files[0], write("hyp.ctm", words)).stdout.startswith("WER  0.00 % [0 / 3")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (
            REFERENCE,
            "yes (ann-1)\n",
            "2 utterances in one file alone: 'ann-2', for example, is only a reference;",
        ),
        (REFERENCE, REFERENCE + "no (x-1)\n", "'x-1', for example, is only a hypothesis;"),
        (REFERENCE, "yes no\n", "hyp.trn:1: needs a text and its id in parentheses at the end"),
        ("yes { no / now } (a-1)\n", "", "ref.trn:1: '{' stands for alternatives"),
        ("yes (no) (a-1)\n", "", "ref.trn:1: '(' stands for alternatives"),
        ("@ (a-1)\n", "", "ref.trn:1: '@' stands for alternatives"),
        ("yes (a-1)\nno (a-1)\n", "", "ref.trn:2: a second text of 'a-1'"),
        ("(a-1)\n", "(a-1)\n", "the references hold no word"),
        ("\n", "", "ref.trn: holds no text"),
    ],
)
def test_texts_that_cannot_be_scored(reference, hypothesis, message, write):
    """Texts that cannot be scored give an error of one line that names the place."""
    done = run("score", write("ref.trn", reference), write("hyp.trn", hypothesis))
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("hyp.jsonl", "x\n", "hyp.jsonl:1: is not JSON"),
        ("hyp.jsonl", '{"id": "a", "text": "\\ud83d"}\n', "hyp.jsonl:1: '\\ud83d' holds half of a"),
        ("hyp.jsonl", "[]\n", "hyp.jsonl:1: needs a JSON object, got list"),
        ("hyp.jsonl", '{"id": "a"}\n', "needs a text in one of the fields pred_text, hypothesis"),
        ("hyp.jsonl", '{"text": "a"}\n', "needs an id, or one of the fields audio_filepath"),
        ("hyp.ctm", "a 1 x 0.1 yes\n", "hyp.ctm:1: needs an id, a channel, start and duration"),
        ("hyp.ctm", "a 1 0 0.1 <ALT_BEGIN>\n", "hyp.ctm:1: alternatives are not scored here"),
        ("hyp.ctm", "\n", "hyp.ctm: holds no word"),
        ("none.trn", None, "none.trn"),
    ],
)
def test_files_that_cannot_be_read(name, content, message, write, tmp_path):
    """Files that cannot be read give an error of one line that names the place."""
    hypothesis = tmp_path / name if content is None else write(name, content)
    done = run("score", write("ref.trn", REFERENCE), hypothesis)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_report_in_a_folder(write, tmp_path):
    """The folder holds the page and the results, which --open cannot do without."""
    files = write("ref.trn", REFERENCE), write("hyp.trn", HYPOTHESIS)
    assert run("score", *files, "-o", tmp_path / "out").returncode == 0
    assert "<!doctype html>" in (tmp_path / "out" / "report.html").read_text()[:50].lower()
    values = read_results(tmp_path / "out").values
    assert [group["value"] for group in values["groups"]["speaker"]] == ["ann", "bob"]
    assert values["normalization"]["name"] == "basic"
    assert values["calibration"] is values["attribution"] is None
    done = run("score", *files, "--open")
    assert done.returncode == 2 and "needs --output-dir" in done.stderr


def test_punctuation(write, tmp_path):
    """Punctuation counts as an error unless the normalisation leaves it out."""
    files = write("ref.txt", "Well, yes.\n"), write("hyp.txt", "well yes\n")
    assert run("score", *files).stdout.startswith("WER  100.00 %")
    done = run("score", *files, "--normalization", "no-punctuation", "-o", tmp_path / "out")
    assert done.stdout.startswith("WER  0.00 % [0 / 2")
    values = read_results(tmp_path / "out").values
    assert values["normalization"]["name"] == "no-punctuation"
    assert values["utterances"][0]["reference"] == "well yes"
    done = run("score", *files, "--normalization", "whisper")
    assert done.returncode == 1 and "needs one of basic, no-punctuation" in done.stderr
    empty = write("signs.txt", "?!\n")
    assert (
        "the references hold no word"
        in run("score", empty, files[1], "--normalization", "no-punctuation").stderr
    )


def test_readable_texts(write):
    """The readable form is scored as the words that it stands for, where that is certain."""
    reference = write("ref.trn", "mister hale has forty two hens in nineteen ten (a-1)\n")
    hypothesis = write("hyp.trn", "Mr. Hale has 42 hens in 1910. (a-1)\n")
    done = run("score", reference, hypothesis, "--normalization", "spoken")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("WER  22.22 % [2 / 9: 0 ins, 1 del, 1 sub]")
    assert done.stderr == (
        "note: 1 figure of the hypothesis can be said in several ways and stayed as written: 1910\n"
    )


def test_marks_and_capitals(write):
    """--display scores them in figures of their own; NIST's formats do not keep them."""
    reference = write("ref.txt", "Yes, Ann. Go!\n")
    hypothesis = write("hyp.txt", "yes, Ann? Go.\n")
    done = run("score", reference, hypothesis, "--display", "--normalization", "no-punctuation")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == ",    F1 100.00 % [precision 1 / 1, recall 1 / 1]"
    assert lines[7] == "case 33.33 % [1 / 3 right words in another case]"
    assert lines[8] == "WER  0.00 % [0 / 3: 0 ins, 0 del, 0 sub]"
    files = write("ref.trn", REFERENCE), write("hyp.trn", HYPOTHESIS)
    done = run("score", *files, "--display")
    assert done.returncode == 1 and "none of NIST's formats" in done.stderr


def test_what_else_the_files_say(write, tmp_path):
    """Results hold the manifest's fields and durations, and the ctm's times and confidences."""
    items = [("a", "yes no", "hall"), ("b", "", "lab"), ("c", "stop", "lab")]
    reference = write(
        "ref.jsonl",
        "".join(
            json.dumps({"id": id, "text": text, "duration": 1.5, "room": room}) + "\n"
            for id, text, room in items
        ),
    )
    ctm = "a 1 0.1 0.2 yes 0.9\na 1 0.5 0.1 now 0.0\nc 1 0.25 0.5 stop 0.95\n"
    done = run("score", reference, write("hyp.ctm", ctm), "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    values = read_results(tmp_path / "out").values
    assert [item["words"] for item in values["utterances"]] == [
        [[0.1, pytest.approx(0.3), 0.9], [0.5, 0.6, 0.0]], [], [[0.25, 0.75, 0.95]],
    ]  # fmt: skip
    rooms = [(group["value"], group["wer"]["errors"]) for group in values["groups"]["room"]]
    assert rooms == [("hall", 1), ("lab", 0)]
    assert [group["value"] for group in values["groups"]["duration"]] == ["1 to 2 s"]
    assert values["calibration"]["words"] == 3
    other = write("other.ctm", ctm.replace("now", "right-now"))
    apart = run(
        "score", reference, other, "--normalization", "no-punctuation", "-o", tmp_path / "b"
    )
    assert apart.returncode == 0 and apart.stdout.startswith("WER  66.67 % [2 / 3: 1 ins")
    unsure = write("unsure.ctm", ctm.replace(" 0.0", ""))
    assert run("score", reference, unsure, "-o", tmp_path / "none").returncode == 0
    assert read_results(tmp_path / "none").values["calibration"] is None


def test_a_speaker_who_said_nothing(write, tmp_path):
    """Speakers whose references are empty have no error rate, and nor has a draw of them alone."""
    files = (
        write("ref.trn", "yes no (ann-1)\n (bob-1)\n"),
        write("hyp.trn", "yes (ann-1)\nno (bob-1)\n"),
    )
    done = run("score", *files, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("WER  100.00 % [2 / 2: 1 ins, 1 del") and "nan" not in done.stdout
    text = (tmp_path / "out" / "results.json").read_text()
    values = json.loads(text, parse_constant=pytest.fail)  # JSON has finite numbers only.
    assert [group["wer"]["rate"] for group in values["groups"]["speaker"]] == [0.5, None]
