"""Comparison of two systems, against sclite and sc_stats, by hand and by simulation."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from commands import run
from systems import corrupted, systems, write_results

from asr.errors import DataError
from asr.evaluation.comparison import (
    Change,
    Difference,
    MatchedPairs,
    changed_utterances,
    compare,
    error_segments,
)
from asr.evaluation.results import read_results
from asr.evaluation.word_alignment import align_words


@pytest.fixture(scope="module")
def sctk(tmp_path_factory):
    """The folder in which NIST's tools aligned and compared two systems, and their 2,000 texts."""
    if not shutil.which("sctk"):
        pytest.skip("sctk (NIST's sclite) not found; install it, e.g. apt install sctk")
    folder = tmp_path_factory.mktemp("sctk")
    parts = systems(2000)
    for name, texts in zip(("ref", "one", "two"), parts, strict=True):
        lines = [f"{text} (s{i % 20}-s{i % 20}_{i})\n" for i, text in enumerate(texts)]
        (folder / f"{name}.trn").write_text("".join(lines))
    for name in ("one", "two"):
        command = f"sctk sclite -r ref.trn trn -h {name}.trn trn -i spu_id -o sgml -O ."
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    piped = b"".join((folder / f"{name}.trn.sgml").read_bytes() for name in ("one", "two"))
    command = "sctk sc_stats -p -t mapsswe -v -n two -O ."
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, input=piped)
    return folder, parts


def test_alignments_are_those_of_sclite(sctk):
    folder, (references, *hypotheses) = sctk
    for name, texts in zip(("one", "two"), hypotheses, strict=True):
        sgml = (folder / f"{name}.trn.sgml").read_text()
        found = re.findall(r'<PATH id="\(s\d+-s\d+_(\d+)\)"[^>]*>\n(.*)\n</PATH>', sgml)
        assert len(found) == 2000
        for index, path in found:
            steps = align_words(references[int(index)].split(), texts[int(index)].split())
            assert [step.kind for step in steps] == re.findall(r"(?:^|:)([CSDI]),", path)


def test_matched_pairs_are_those_of_sc_stats(sctk):
    folder, parts = sctk
    pairs = compare(*parts).matched_pairs
    report = (folder / "two.stats.mapsswe").read_text()
    pattern = r"# segs: (\d+)\).*mean: ([-.\d]+)\) \(std dev: ([.\d]+)\) \(Z Stat: ([-.\d]+)"
    segments, *values = re.search(pattern, report).groups()
    assert int(segments) == pairs.segments
    found = (pairs.mean, pairs.deviation, pairs.z)
    assert found == pytest.approx([float(value) for value in values], abs=6e-4)


def test_segments_by_hand():
    """Errors with fewer than two right words between them share a segment."""
    reference = "a b c d e f g".split()

    def segments(first, second):
        return error_segments(
            align_words(reference, first.split()), align_words(reference, second.split())
        )

    assert segments("a b c d e f g", "a b c d e f g") == []
    assert segments("x b c d e f g", "a b c d e f") == [(1, 0), (0, 1)]
    # One right word between two errors does not part them, but two do.
    assert segments("x b c d e f g", "a b x d e f g") == [(1, 1)]
    assert segments("a b c d x e f g", "a b c d e f x") == [(1, 0), (0, 1)]
    assert segments("", "a b c d e f g h") == [(7, 1)]


def test_what_is_no_difference_and_what_is():
    """Alike systems show no difference, and a worse one is found on either side."""
    references, first, second = systems(300, (0.1, 0.1))
    assert compare(references, first, first).verdict() == "no difference is shown"
    assert compare(references, first, first).matched_pairs.p == 1.0
    same = compare(references, first, second)
    assert same.low < 0 < same.high and same.verdict() == "no difference is shown"
    worse = compare(references, first, systems(300, (0.1, 0.3))[2])
    assert 0 < worse.low < worse.rate < worse.high
    assert worse.verdict() == "the first is better" and worse.matched_pairs.p < 0.001
    other = compare(references, systems(300, (0.1, 0.3))[2], first)
    assert other.verdict() == "the second is better"
    assert other.rate == pytest.approx(-worse.rate)
    assert [other.low, other.high] == pytest.approx([-worse.high, -worse.low], abs=1e-3)


def test_over_speakers_that_differ_the_interval_is_wider():
    rng = np.random.default_rng(2)
    references = ["a b c d e f g h"] * 200
    speakers = [f"s{i % 10}" for i in range(200)]
    bad = dict.fromkeys(speakers, 0.02) | {"s0": 0.5, "s1": 0.4}
    first = [" ".join(corrupted(r.split(), 0.05, rng)) for r in references]
    second = [
        " ".join(corrupted(r.split(), bad[name], rng))
        for r, name in zip(references, speakers, strict=True)
    ]
    alone, known = (compare(references, first, second, names) for names in ((), speakers))
    assert alone.over == "utterances" and alone.verdict() == "the first is better"
    assert known.over == "speakers" and known.groups == 10
    assert known.high - known.low > 2 * (alone.high - alone.low)
    assert known.verdict().startswith("undecided: over segments the first is better, over speakers")


def test_pairs_without_spread():
    """Segments that all differ alike have p = 0, or p = 1 if they do not differ."""
    assert MatchedPairs(3, 0.0, 0.0).p == 1.0
    assert MatchedPairs(3, 1.0, 0.0).p == 0.0
    lone = compare(["a b", "b c"], ["a b", "b c"], ["a b", "b x"])
    assert lone.matched_pairs is None and lone.verdict() == "no difference is shown"


def test_what_cannot_be_compared():
    """Texts with fewer than two utterances with words cannot be compared."""
    with pytest.raises(
        DataError, match="needs at least two utterances with words, got 1 with 2 words"
    ):
        compare(["a b"], ["a b"], ["a b"])
    with pytest.raises(DataError, match="got 2 with 0 words"):
        compare(["", ""], ["a", ""], ["", ""])


def test_changed_utterances(tmp_path):
    """Utterances with the largest change come first, and equal ones keep their order."""
    parts = ["a b c", "a x", "d e"], ["a b x", "a b c", "e d"]
    one, two = (
        read_results(write_results(tmp_path / str(index), texts))
        for index, texts in enumerate(parts)
    )
    assert changed_utterances(one, two) == [
        Change("u1", "a b c", "a x", "a b c", -2),
        Change("u2", "d e", "d e", "e d", 2),
        Change("u0", "a b c", "a b c", "a b x", 1),
    ]
    assert [change.errors for change in changed_utterances(two, one)] == [2, -2, -1]
    assert changed_utterances(one, one) == []


def test_as_many_errors_are_a_change_too(tmp_path):
    one = read_results(write_results(tmp_path / "one", ["a b x", "a b c", "d e"]))
    two = read_results(write_results(tmp_path / "two", ["a x c", "a b c", "d e"]))
    assert changed_utterances(one, two) == [Change("u0", "a b c", "a b x", "a x c", 0)]
    assert one.score().words.errors == 1


def test_changes_need_the_same_utterances(tmp_path):
    one = read_results(write_results(tmp_path / "one", ["a b c", "a x", "d e"]))
    two = read_results(write_results(tmp_path / "two", ["a", "b", "c"], utterances=[]))
    with pytest.raises(DataError, match="are of different utterances: 3 are in one alone"):
        changed_utterances(one, two)


def test_the_command(tmp_path):
    """The command prints rates, tests and changed utterances of each pair of systems."""
    one = write_results(tmp_path / "one", ["a b c", "a x", "d e"], times=3)
    two = write_results(tmp_path / "two", ["a b x", "a b c", "d"], times=3)
    done = run("compare", one, two / "results.json", one)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1  25.00 % [6 / 24: 0 ins, 3 del, 3 sub]  ")
    assert (
        "\nWER of system 2 minus that of system 1: +0.00 points, " in done.stdout
        and "over 5 speakers" in done.stdout
    )
    assert "matched pairs: 9 segments, z = 0.00, p = 1.000" in done.stdout
    assert "changed: 9 utterances, 3 better and 6 worse" in done.stdout
    assert "  u1: 2 errors fewer\n    reference  a b c\n    before     a x\n" in done.stdout
    assert lines[-1] == "changed: 0 utterances, 0 better and 0 worse"
    assert "u1" not in run("compare", one, two, "--changed", "0").stdout


def test_few_or_unlike_utterances_have_no_interval(tmp_path):
    """Fewer than four utterances have none, and nor have others of which one is far worse."""
    parts = ["a b c", "a x", "d e"], ["a b x", "a b c", "d"]
    both = [write_results(tmp_path / name, part) for name, part in zip("ab", parts, strict=True)]
    done = run("compare", *both)
    assert (
        "\nWER of system 2 minus that of system 1: +0.00 points, no interval: too few utterances, "
        "or too unlike each other\n" in done.stdout
    )
    assert "verdict: no difference is shown\n" in done.stdout
    page = run("compare", *both, "-o", tmp_path / "out")
    assert page.returncode == 1 and "its score has no wer" in page.stderr
    references = ["a b c"] * 6
    unlike = compare(references, references, [*references[1:], "x " * 40])
    assert unlike.rate == pytest.approx(40 / 18) and unlike.groups == 6
    assert unlike.low is unlike.high is None
    assert compare(references, references, references).low == 0


def test_few_speakers_are_no_clusters():
    """The interval over fewer than four speakers is over utterances."""
    references = ["a b c"] * 8
    other = ["a b x", "a b c"] * 4
    for speakers, found in (("aabbccdd", (4, "speakers")), ("aabbccbb", (8, "utterances"))):
        difference = compare(references, references, other, list(speakers))
        assert (difference.groups, difference.over) == found


def test_a_verdict_without_an_interval():
    pairs = MatchedPairs(30, 1.0, 1.0)
    found = Difference(-0.1, None, None, 3, "utterances", pairs)
    assert found.verdict("A", "B") == (
        "undecided: over segments B is better, utterances give no interval"
    )


def test_two_side_by_side(tmp_path):
    """With -o two systems are shown on one page; more, or none, are errors of usage."""
    for name, hypothesis in (("one", "yes no\nenter\n"), ("two", "yes no\nenter six\n")):
        (tmp_path / "ref.txt").write_text("yes no\nenter six\n")
        (tmp_path / "hyp.txt").write_text(hypothesis)
        run("score", tmp_path / "ref.txt", tmp_path / "hyp.txt", "-o", tmp_path / name)
    both = tmp_path / "one", tmp_path / "two"
    done = run("compare", *both, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "<title>one and two</title>" in (tmp_path / "out" / "report.html").read_text()
    assert run("compare", *both, *both, "-o", tmp_path / "out").returncode == 2
    assert run("compare", both[0], "vs", both[1], "-o", tmp_path / "out").returncode == 2
    assert run("compare", *both, "--open").returncode == 2
    assert run("compare", both[0], "vs", both[1], "--open").returncode == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 9}, "schema_version is 9, this version of asr reads 2"),
        ({"schema_version": None}, "not a results.json of asr evaluate or asr score: it has no sc"),
        ({"utterances": [{"id": "u0"}]}, "not a results.json of asr evaluate or asr score: utter"),
        ({"utterances": 3}, "it has no list of utterances; evaluate or score once more"),
        ({"utterances": ["a"]}, 'utterance 1 is "a", no object'),
        (
            {"utterances": [{"id": "u0", "speaker": None, "reference": 3, "hypothesis": ""}]},
            "reference of utterance 1 is 3, no text",
        ),
        ({"model": ["x"]}, 'its model is ["x"], no object'),
        ({"utterances": []}, "are of different utterances: 3 are in one alone, u0 for example"),
    ],
)
def test_results_that_cannot_be_compared(changes, message, tmp_path):
    """Results that are unreadable or of other utterances are an error."""
    one = write_results(tmp_path / "one", ["a b c", "a x", "d e"])
    two = write_results(tmp_path / "two", ["a b c", "a x", "d e"], **changes)
    done = run("compare", one, two)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert run("compare", one).returncode == 2
    assert "cannot read" in run("compare", one, tmp_path / "none").stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "{",
            "its text is not JSON (Expecting property name enclosed in double quotes at column 2); "
            "evaluate or score once more",
        ),
        ("[" * 100_000, "its text is not usable as JSON: "),
        ("[1]", "it holds no JSON object; evaluate or score once more"),
        ("\xff", "a results.json is UTF-8 text, this is not"),
    ],
)
def test_files_that_are_no_results(content, message, tmp_path):
    """Files that are no results are an error of one line."""
    one = write_results(tmp_path / "one", ["a b c", "a x", "d e"])
    (tmp_path / "x.json").write_bytes(content.encode("latin-1"))
    for command in (("compare", one), ("report",)):
        done = run(*command, tmp_path / "x.json")
        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_page_needs_scores(tmp_path):
    """Results that have texts alone are compared, but not shown."""
    both = [write_results(tmp_path / name, ["a b c", "a x", "d e"]) for name in ("one", "two")]
    assert run("compare", *both).returncode == 0
    done = run("compare", *both, "-o", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "its score has no wer; evaluate or score once more" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_other_references(tmp_path):
    """Results with different references are an error."""
    one = write_results(tmp_path / "one", ["a b c", "a x", "d e"])
    two = write_results(tmp_path / "two", ["a b c", "a x", "d e"])
    text = (two / "results.json").read_text()
    (two / "results.json").write_text(text.replace("d e", "d f"))
    done = run("compare", one, two)
    assert done.returncode == 1 and "have different references for u2" in done.stderr
