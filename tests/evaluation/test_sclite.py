"""Word errors, counted by NIST's sclite in the trn, ctm and stm files of a report."""

import re
import shutil
import subprocess
import unicodedata
from collections import Counter

import numpy as np
import pytest
from commands import run
from conftest import ROOT
from systems import systems

from asr.errors import DataError
from asr.evaluation.evaluate import evaluate, results_values
from asr.evaluation.interval import wer_interval
from asr.evaluation.results import read_results, write_results
from asr.evaluation.sclite import SPECIAL, escaped, sclite_ids, speaker_of, unescaped
from asr.evaluation.scoring import count_errors, score
from asr.evaluation.word_alignment import align_words
from asr.recognition.transcriber import Transcriber

PAIRS = [
    ("enter six two", "enter six two"),
    ("r u b o u t", "r u b out"),
    ("october thirty first", "october first one"),
    ("yes", ""),
    ("no", "no no"),
    ("h e l l o", "a h e l o o"),
]
TRN = "-i spu_id -r ref.trn trn -h hyp.trn trn"
CTM = "-r ref.stm stm -h hyp.ctm ctm"


@pytest.fixture
def sclite(tmp_path):
    """A function that lets sclite count sentences, words, C, S, D, I and errors in ``tmp_path``."""
    if not shutil.which("sctk"):
        pytest.skip("sctk (NIST's sclite) not found; install it, e.g. apt install sctk")

    def counted(options=TRN):
        command = f"sctk sclite {options} -o rsum stdout".split()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        output = done.stdout.decode(errors="replace")
        (line,) = [line for line in output.splitlines() if re.match(r"\s*\| Sum ", line)]
        return list(map(int, re.findall(r"\d+", line)[:7]))

    return counted


def utterances_of(pairs):
    """Return utterances of twenty speakers with these references and hypotheses."""
    return [
        {"id": f"u{i}", "speaker": f"s{i % 20}", "reference": reference, "hypothesis": hypothesis}
        for i, (reference, hypothesis) in enumerate(pairs)
    ]


def our_counts(utterances):
    """Return the counts that sclite should have.

    The errors are those of its alignment, whose weights differ from those of the score: see
    :func:`more_than_fewest`.
    """
    pairs = [(item["reference"], item["hypothesis"]) for item in utterances]
    words = score(*map(list, zip(*pairs, strict=True))).words
    kinds = Counter(step.kind for r, h in pairs for step in align_words(r.split(), h.split()))
    return [
        len(pairs), words.reference, *(kinds[kind] for kind in "CSDI"), kinds.total() - kinds["C"]
    ]  # fmt: skip


def more_than_fewest(utterances):
    """Return the ids of utterances in which sclite's alignment has more errors than the score."""
    return [
        item["id"]
        for item in utterances
        if sum(
            step.kind != "C"
            for step in align_words(item["reference"].split(), item["hypothesis"].split())
        )
        != count_errors(item["reference"], item["hypothesis"]).errors
    ]


def test_counts_equal_sclite(tmp_path, sclite):
    write_results(tmp_path, {"utterances": utterances_of(PAIRS)})
    assert sclite() == our_counts(utterances_of(PAIRS))


@pytest.mark.parametrize(("system", "more"), [(1, []), (2, ["u1439"])])
def test_random_pairs(system, more, tmp_path, sclite):
    """The counts equal those of sclite, even in a tie that it gives more errors than the score.

    The tie is where half of the words are wrong: four deletions, two insertions and two
    substitutions cost 26, as do two deletions and five substitutions.
    """
    parts = systems(2000, (0.15, 0.5), seed=11)
    utterances = utterances_of(zip(parts[0], parts[system], strict=True))
    assert more_than_fewest(utterances) == more
    write_results(tmp_path, {"utterances": utterances})
    assert sclite() == our_counts(utterances)


def test_an4(an4, tmp_path, sclite):
    """On AN4 the counts equal those of sclite, and the errors are the fewest."""
    transcriber = Transcriber(ROOT / "recipes" / "an4" / "model")
    manifest = an4 / "test.jsonl"
    values = results_values(evaluate(manifest, transcriber), transcriber)
    write_results(tmp_path, values)
    counts = sclite()
    assert counts == our_counts(values["utterances"])
    assert more_than_fewest(values["utterances"]) == []
    assert counts[:2] == [130, 773] and counts[-1] == values["score"]["wer"]["errors"]


def random_texts(count, alphabet, seed):
    """Return texts of up to five words of one to three characters of ``alphabet``."""
    rng = np.random.default_rng(seed)
    return [
        " ".join("".join(rng.choice(alphabet, rng.integers(1, 4))) for _ in range(words))
        for words in rng.integers(0, 6, count)
    ]


PRINTED = [character for character in map(chr, range(33, 127)) if not character.isupper()]


@pytest.mark.parametrize("encoding", ["", "-e utf-8 "])
def test_no_character_means_something_else(encoding, tmp_path, sclite):
    """sclite counts alike where texts differ from references in a character or a word."""
    rng = np.random.default_rng(5)
    pairs = []
    for reference in random_texts(1500, [*PRINTED, *SPECIAL[:9], *"{}()@;*\\<" * 4], 6):
        kind, cut = rng.integers(4), rng.integers(len(reference) + 1)
        changed = (
            reference,
            reference[:cut] + reference[cut + 1 :],
            reference[cut:],
            "a " + reference,
        )
        pairs.append((reference, " ".join(changed[kind].split())))
    utterances = utterances_of(
        (" ".join(reference.split()), hypothesis) for reference, hypothesis in pairs
    )
    write_results(tmp_path, {"utterances": utterances})
    assert sclite(encoding + TRN) == our_counts(utterances)


@pytest.mark.parametrize("encoding", ["", "-e utf-8 "])
def test_letters_of_other_scripts(encoding, tmp_path, sclite):
    """sclite counts a letter that is missed, alone or within a word, as one error."""
    letters = {
        unicodedata.normalize("NFC", chr(code)).lower()
        for code in (*range(0xA1, 0x3000), *range(0x1F300, 0x1F400))
        if chr(code).isprintable()
    }
    pairs = [(f"{letter} a{letter}b", "ab") for letter in sorted(letters)]
    utterances = utterances_of(pairs)
    write_results(tmp_path, {"utterances": utterances})
    assert sclite(encoding + TRN) == our_counts(utterances)


def test_what_sclite_reads_is_read_back(tmp_path):
    texts = random_texts(200, [*PRINTED, "é", "ß", *SPECIAL[:9]], 7)
    texts = [" ".join(text.split()) for text in texts]
    assert [unescaped(escaped(text, "u")) for text in texts] == texts
    utterances = utterances_of(zip(texts, [*texts[1:], ""], strict=True))
    write_results(tmp_path, {"utterances": utterances})
    done = run("score", tmp_path / "ref.trn", tmp_path / "hyp.trn", "-o", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    again = read_results(tmp_path / "again").utterances
    for id, item in zip(sclite_ids(utterances), utterances, strict=True):
        assert {"id": id} | again[id] == item | {"id": id}
    ours = score(texts, [*texts[1:], ""])
    assert done.stdout.startswith(f"WER  {ours.words}\n")


def test_a_text_with_what_stands_for_another_is_refused():
    with pytest.raises(DataError, match=r"u1: U\+F07B in its text stands for '{'"):
        escaped("a \uf07b", "u1")


NAMES = [
    "a", "A", "a-b", "a_b", "a b", "a(b)", "a%20b", "a;b", ";;a", "#a", "é", "É", "a\tb", "%2D",
    "unknown", "Unknown", "a{b", "a\\b", "-", "a--b", '"a"', "a\nb", "日本", "B", "<a>", "a%2db",
]  # fmt: skip


def named(names, pairs):
    """Return an utterance for each speaker, None included, and each id."""
    return [
        {"speaker": speaker, "id": id, "reference": pairs[i % len(pairs)][0],
         "hypothesis": pairs[i % len(pairs)][1], "duration": 2.0}
        for i, (speaker, id) in enumerate((s, id) for s in (*names, None) for id in names)
    ]  # fmt: skip


def test_ids_do_not_break_and_do_not_collide(tmp_path, sclite):
    utterances = named(NAMES, PAIRS)
    ids = sclite_ids(utterances)
    assert len({id.lower() for id in ids}) == len(ids)
    assert all(re.fullmatch(r"[!-~]+", id) and not set(id) & set('();#\\{}<*"') for id in ids)
    assert [speaker_of(id) for id in ids] == [item["speaker"] for item in utterances]
    write_results(tmp_path, {"utterances": utterances})
    assert sclite() == our_counts(utterances)


@pytest.mark.parametrize("speaker", ["Unknown", "UNKNOWN", "unknown"])
def test_no_speaker_is_taken_for_none(speaker):
    utterances = [{"speaker": name, "id": "a"} for name in (speaker, None)]
    ids = sclite_ids(utterances)
    assert ids[0].lower() != ids[1].lower()
    assert [speaker_of(id) for id in ids] == [speaker, None]


def test_ordinary_ids_stay():
    ids = [("fcaw", "an406-fcaw-b"), ("1089", "1089-134686-0001"), ("FADG0", "SA1"), (None, "x/y")]
    utterances = [{"speaker": speaker, "id": id} for speaker, id in ids]
    assert sclite_ids(utterances) == [
        "fcaw-an406-fcaw-b", "1089-1089-134686-0001", "FADG0-SA1", "unknown-x/y",
    ]  # fmt: skip


def test_ids_are_read_back(tmp_path):
    utterances = [item for item in named(NAMES, PAIRS) if item["speaker"] is not None]
    write_results(tmp_path, {"utterances": utterances})
    done = run("score", tmp_path / "ref.trn", tmp_path / "hyp.trn")
    counts = [count_errors(item["reference"], item["hypothesis"]) for item in utterances]
    interval = wer_interval(counts, [item["speaker"] for item in utterances])
    assert done.stdout.splitlines()[1].strip() == str(interval)
    assert f"over {len(NAMES)} speakers" in done.stdout


def timed(utterances):
    """Give the words times; they last 0.2 s, or nothing, and some begin with the word before."""
    for index, item in enumerate(utterances):
        count = len(item["hypothesis"].split())
        times = [0.25 * place if index % 3 else 0.5 * (place // 2) for place in range(count)]
        item["words"] = [[t, t + (0.0 if index % 5 == 0 else 0.2), 0.9] for t in times]
    return utterances


def test_a_ctm_by_hand(tmp_path):
    """The lines of ctm and stm files are those that were written by hand."""
    item = {"id": "u 1", "speaker": "s-1", "reference": "yes (no)", "hypothesis": "yes {no"}
    item |= {"duration": 1.5, "words": [[0.5, 0.75, 0.9876], [0.75, 1.0, 1]]}
    write_results(tmp_path, {"utterances": [item]})
    assert (tmp_path / "hyp.ctm").read_text() == (
        "s%2D1-u%201 1 0.500 0.250 yes 0.988\ns%2D1-u%201 1 0.750 0.250 \uf07bno 1.000\n"
    )
    assert (tmp_path / "ref.stm").read_text() == (
        "s%2D1-u%201 1 s%2D1 0.000 1.501 yes \uf028no\uf029\n"
    )
    assert "(s%2D1-u%201)" in (tmp_path / "hyp.trn").read_text()


@pytest.mark.parametrize("encoding", ["", "-e utf-8 "])
def test_a_ctm_counts_as_the_trn(encoding, tmp_path, sclite):
    texts = random_texts(300, [*PRINTED, *"{}()@;*\\<" * 4], 8)
    utterances = timed(utterances_of(zip(texts, [*texts[1:], "x"], strict=True)))
    utterances += timed(named(NAMES[:9], [*PAIRS, ("", "a")]))
    write_results(tmp_path, {"utterances": utterances})
    assert sclite(encoding + CTM) == sclite(encoding + TRN) == our_counts(utterances)
    done = run("score", tmp_path / "ref.trn", tmp_path / "hyp.ctm")
    assert done.stdout == run("score", tmp_path / "ref.trn", tmp_path / "hyp.trn").stdout


def test_without_times_there_is_no_ctm(tmp_path):
    write_results(tmp_path, {"utterances": utterances_of(PAIRS)})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"results.json", "ref.trn", "hyp.trn"}


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([[0, 1, 1]], "u0: 3 words but 1 times of words; needs one for each"),
        ([[0, 1, 1], [2, 3, 1], [1, 2, 1]], "u0: a word from 1 to 2 s after one at 2 s"),
        ([[0, 1, 1], [2, 1, 1], [3, 4, 1]], "u0: a word from 2 to 1 s"),
        (None, "u0 has no times of its words, u1 has; needs all or none"),
    ],
)
def test_times_that_do_not_fit(times, message, tmp_path):
    """Times that do not fit the words are an error, and the results are kept."""
    utterances = timed(utterances_of(PAIRS))
    utterances[0]["words"] = times
    with pytest.raises(DataError, match=message):
        write_results(tmp_path, {"utterances": utterances})
    assert (tmp_path / "results.json").exists()


def test_a_long_id_takes_no_longer_than_its_length():
    """With time that grows as the square, this would take an hour."""
    item = {"id": "x" * 1_000_000, "speaker": "ann"}
    assert sclite_ids([item]) == [f"ann-{item['id']}"]
