"""Comparison of two systems over several seeds, by hand and by simulation."""

import numpy as np
import pytest
from commands import run
from systems import write_results

from asr.errors import DataError
from asr.evaluation import interval
from asr.evaluation.results import read_results
from asr.evaluation.seeds import SeedDifference, Seeds, check_runs, compare_runs, compare_seeds
from asr.evaluation.t_test import TTest


def corrupted(references, errors):
    """Return the texts with their first ``errors`` words replaced."""
    texts = []
    for reference in references:
        words = reference.split()
        wrong = min(errors, len(words))
        errors -= wrong
        texts.append(" ".join(["x"] * wrong + words[wrong:]))
    return texts


def test_by_hand():
    """Runs of 1, 2, 3 and of 5, 6, 7 errors in 10 words have the tests that were computed by hand.

    Their means are 0.2 and 0.6, their deviations 0.1.
    """
    references = ["a b", "c d", "e f", "g h", "i j"]
    runs = [[corrupted(references, errors) for errors in side] for side in ((1, 2, 3), (5, 6, 7))]
    found = compare_seeds(references, *runs)
    assert (found.first.errors, found.second.errors) == ((1, 2, 3), (5, 6, 7))
    assert found.rate == pytest.approx(0.4)
    assert found.first.mean == pytest.approx(0.2) and found.first.deviation == pytest.approx(0.1)
    assert found.within == pytest.approx(0.1)
    assert found.seeds.t == pytest.approx(0.4 / np.sqrt(2 * 0.01 / 3))
    assert found.seeds.degrees == pytest.approx(4)
    assert (found.groups, found.over) == (5, "utterances")
    # The five texts have 5/3, 1/3, 0, 0, 0 errors on average with one system, and
    # 2, 2, 5/3, 1/3, 0 with the other.
    differences = np.array([2 - 5 / 3, 2 - 1 / 3, 5 / 3, 1 / 3, 0])
    error = np.sqrt(((differences - 0.8) ** 2).sum() * 5 / 4) / 10
    variance = 2 * 0.01 / 3 + error**2
    assert found.together.t == pytest.approx(0.4 / np.sqrt(variance))
    degrees = variance**2 / (2 * (0.01 / 3) ** 2 / 2 + error**4 / 4)
    assert found.together.degrees == pytest.approx(degrees)


def test_seeds_that_are_alike_are_no_certainty():
    references = ["a b c d e"] * 4
    runs = [[corrupted(references, errors)] * 2 for errors in (2, 3)]
    found = compare_seeds(references, *runs)
    assert found.first.deviation == 0 and found.seeds.p > 0.05
    assert found.seeds.t == pytest.approx(1 / np.sqrt(2 * (1 / 12) / 2))


def difference(low, high, seeds, together):
    """Return a difference with this interval and these p-values of both tests."""
    errors = Seeds((1, 2), 10), Seeds((3, 4), 10)
    tests = [None if p is None else TTest(2.0, 2.0, p) for p in (seeds, together)]
    return SeedDifference((low + high) / 2, low, high, 10, "speakers", *errors, *tests)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((0.1, 0.3, 0.01, 0.02), "A is better"),
        ((-0.3, -0.1, 0.01, 0.02), "B is better"),
        (
            (0.1, 0.3, 0.01, 0.06),
            "undecided: over other speakers or other seeds A is better, over both together it need "
            "not be",
        ),
        (
            (0.1, 0.3, 0.2, 0.1),
            "undecided: over other speakers A is better, over seeds it need not be",
        ),
        (
            (-0.3, 0.1, 0.01, 0.1),
            "undecided: over other seeds B is better, over speakers it need not be",
        ),
        ((-0.1, 0.1, 0.9, 0.9), "no difference is shown"),
        (
            (-0.1, 0.1, None, None),
            "no difference is shown; one seed says nothing of the spread of others",
        ),
        (
            (0.1, 0.3, None, None),
            "undecided: over other speakers A is better; one seed says nothing of the spread of "
            "others",
        ),
    ],
)
def test_verdicts(values, verdict):
    """The verdict follows from the interval and both tests."""
    assert difference(*values).verdict("A", "B") == verdict


WORDS = 40
SPEAKERS = [f"s{i}" for i in range(20)]
REFERENCES = ["a " * (WORDS - 1) + "a"] * len(SPEAKERS)


def simulated(rng, seeds, shift, seed_spread, speaker_spread):
    """Return texts of a system's runs.

    Error rates vary by speaker and by seed; those of a speaker differ between systems too.
    """
    rates = 0.15 * np.exp(shift + speaker_spread * rng.normal(size=len(SPEAKERS)))
    runs = []
    for _ in range(seeds):
        errors = rng.binomial(WORDS, np.minimum(rates * np.exp(seed_spread * rng.normal()), 0.9))
        runs.append([" ".join(["x"] * n + ["a"] * (WORDS - n)) for n in errors])
    return runs


@pytest.mark.parametrize(
    ("seeds", "seed_spread", "speaker_spread"), [(3, 0.1, 0.0), (3, 0.1, 0.3), (5, 0.1, 0.3)]
)
def test_false_alarms(seeds, seed_spread, speaker_spread, monkeypatch):
    """The verdict is wrong for at most 5 % of equal systems, and finds a true difference.

    The bound adds what 300 cases leave open.
    """
    monkeypatch.setattr(interval, "REPLICATES", 400)
    rng = np.random.default_rng(3)
    spread = seed_spread, speaker_spread

    def found(shift, cases):
        verdicts = [
            compare_seeds(
                REFERENCES,
                simulated(rng, seeds, 0, *spread),
                simulated(rng, seeds, shift, *spread),
                SPEAKERS,
            ).verdict("A", "B")
            for _ in range(cases)
        ]
        return verdicts.count("A is better") / cases, verdicts.count("B is better") / cases

    assert sum(found(0, 300)) <= 0.07
    better, worse = found(0.9, 30)
    assert better >= 0.9 and worse == 0


def test_what_cannot_be_compared():
    """Texts with fewer than two utterances with words cannot be compared."""
    with pytest.raises(
        DataError, match="needs at least two utterances with words, got 1 with 2 words"
    ):
        compare_seeds(["a b"], [["a b"], ["a b"]], [["a b"], ["a b"]])


def test_runs_are_compared_as_their_texts_are(tmp_path):
    texts = [["a b c", "a x", "d e"], ["a b x", "a b c", "d"], ["a b x", "a", "d"]]
    runs = [
        read_results(write_results(tmp_path / str(index), text)) for index, text in enumerate(texts)
    ]
    expected = compare_seeds(["a b c", "a b c", "d e"], texts[:2], texts[2:], ["s0", "s0", "s1"])
    assert compare_runs(runs[:2], runs[2:]) == expected
    with pytest.raises(DataError, match="are of one run"):
        compare_runs(runs[:2], runs[1:])


def test_runs_of_a_system_differ(tmp_path):
    """Runs of one system differ in their models, but two systems may share one.

    They may be two decoders of one model.
    """

    def made(name, **changes):
        return read_results(write_results(tmp_path / name, ["a b c", "a x", "d e"], **changes))

    one, two = made("one", model={"sha256": "x"}), made("two", model={"sha256": "x"})
    other, unknown = made("other", model={"sha256": "y"}), made("unknown", model=None)
    check_runs([one, other], [two, unknown])
    check_runs([unknown, made("unknown too", model=None)], [made("without")])
    with pytest.raises(DataError, match=r"two/.* and .*one/.* needs runs that differ in their"):
        check_runs([one, two], [other])
    for first, second in (([one, one], [other]), ([one], [one]), ([unknown], [other, unknown])):
        with pytest.raises(DataError, match="are of one run"):
            check_runs(first, second)


def test_the_command(tmp_path):
    """The command prints each system's rates, the tests and the verdict."""
    texts = [["a b c", "a x", "d e"], ["a b x", "a b c", "d"], ["a b x", "a", "d"]]
    runs = [
        write_results(tmp_path / f"{i}", text, times=3)
        for i, text in enumerate([*texts, *texts[:1]])
    ]
    done = run("compare", *runs[:2], "vs", *runs[2:])
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "system 1: 25.00 ± 0.00 % over 2 seeds"
    assert lines[1].startswith("   25.00 % [6 / 24: 0 ins, 3 del, 3 sub]  ")
    assert lines[3] == "system 2: 37.50 ± 17.68 % over 2 seeds"
    assert lines[7].startswith("WER of system 2 minus that of system 1: +12.50 points, ")
    assert lines[7].endswith(" over 5 speakers")
    assert lines[8] == "spread: 12.50 points between systems, 12.50 between seeds of one system"
    assert lines[9].startswith("seeds (Welch's t-test): t = ")
    assert lines[10].startswith("seeds and speakers together: t = ")
    assert lines[11] == (
        "verdict: undecided: over other speakers system 1 is better, over seeds it need not be"
    )
    lone = run("compare", runs[0], "vs", runs[2]).stdout
    assert "system 1: 25.00 %, one seed\n" in lone and "Welch" not in lone
    assert lone.endswith("; one seed says nothing of the spread of others\n")


def test_errors_of_the_command(tmp_path):
    """A misplaced vs is an error of usage, and one run on both sides an error."""
    one, two = (write_results(tmp_path / name, ["a b c", "a x", "d e"]) for name in ("one", "two"))
    for arguments in ((one, "vs"), ("vs", one), (one, "vs", two, "vs", two)):
        done = run("compare", *arguments)
        assert done.returncode == 2 and "both sides of one vs" in done.stderr
    assert run("compare", one, "vs", two, "--changed", "3").returncode == 2
    twice = run("compare", one, "vs", two, one / "results.json")
    assert twice.returncode == 1 and "are of one run" in twice.stderr
    models = [
        write_results(tmp_path / name, ["a b c", "a x", "d e"], model={"sha256": "x"})
        for name in "abc"
    ]
    same = run("compare", *models[:2], "vs", two)
    assert same.returncode == 1 and "needs runs that differ in their seed" in same.stderr
    assert run("compare", models[0], one, "vs", two, models[1]).returncode == 0
