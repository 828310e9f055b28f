"""``asr lm build`` as a user meets it."""

import gzip

import numpy as np
import pytest
from commands import run
from lm_cases import sentences

from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import read_lm
from asr.lm.perplexity import perplexity

TEXT = "The cat sat on the mat\nNo\n\ngo on\nthe cat sat\n"


@pytest.fixture
def text(tmp_path):
    """A file with the text."""
    (tmp_path / "a.txt").write_text(TEXT)
    return tmp_path / "a.txt"


def test_build(text, tmp_path):
    """Texts of all kinds of files give the model that the estimator gives, in each format."""
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"GO home"))
    line = '{"audio_filepath": "a.wav", "duration": 1, "text": "stay on"}'
    (tmp_path / "c.jsonl").write_text(line)
    inputs = [text, tmp_path / "b.txt.gz", tmp_path / "c.jsonl"]
    done = run("lm", "build", *inputs, "-o", tmp_path / "lm.arpa")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "1-grams: 12, discounts 0.500 1.000 1.500, fixed: too little text to estimate them",
        "2-grams: 17, discounts 0.500 1.000 1.500, fixed: too little text to estimate them",
        "3-grams: 14, discounts 0.500 1.000 1.500, fixed: too little text to estimate them",
    ]
    texts = ["the cat sat on the mat", "no", "go on", "the cat sat", "go home", "stay on"]
    expected = estimate(texts, 3).model
    sentences = [expected.encode(text) for text in texts]
    scores = np.concatenate(expected.score(sentences)).tolist()
    for name in ("lm.arpa.gz", "lm.ngram"):
        assert run("lm", "build", *inputs, "-o", tmp_path / name).returncode == 0
        model = read_lm(tmp_path / name)
        assert model.words == expected.words
        assert model.counts == expected.counts
        assert np.concatenate(model.score(sentences)).tolist() == scores


def test_options(text, tmp_path):
    """The options prune, restrict the vocabulary, and measure a held-out and a test text."""
    (tmp_path / "words.txt").write_text("the\nCat\nsat\non\n")
    (tmp_path / "heldout.txt").write_text("the dog sat\n")
    arguments = ["--order", 2, "--prune", "0,1", "--vocabulary", tmp_path / "words.txt"]
    arguments += ["--heldout", tmp_path / "heldout.txt", "--test-text", text]
    done = run("lm", "build", text, "-o", tmp_path / "lm.ngram", *arguments)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    model = read_lm(tmp_path / "lm.ngram")
    assert model.words == ("<unk>", "<s>", "</s>", "cat", "on", "sat", "the")
    assert lines[0].startswith("1-grams: 7, ") and lines[1].startswith("2-grams: 5 of 11, ")
    assert lines[2] == f"{tmp_path / 'heldout.txt'}: {perplexity(model, ['the dog sat'])}"
    assert lines[3].startswith(f"{text}: 100.0 % of the test's sentences, 100.0 % of its distinct")
    assert lines[4].startswith(f"{text}: the model holds 81.2 % of the 1-grams, 37.5 %")
    assert len(lines) == 5
    assert done.stderr.splitlines() == [
        f"warning: {text}: 100.0 % of the test's sentences of 4 or more words stand word for word "
        "in the language model's text; results on them say little about other speech"
    ]


def test_bits(tmp_path):
    (tmp_path / "long.txt").write_text("\n".join(sentences(500, 1)))
    sizes = {}
    for bits, arguments in ((8, []), (32, ["--bits", 32])):
        path = tmp_path / f"{bits}.ngram"
        assert run("lm", "build", tmp_path / "long.txt", "-o", path, *arguments).returncode == 0
        assert read_lm(path).bits == bits
        sizes[bits] = path.stat().st_size
    assert sizes[8] < 0.6 * sizes[32]


def test_characters(text, tmp_path):
    """With --unit character the model is one of characters."""
    done = run("lm", "build", text, "--unit", "character", "-o", tmp_path / "lm.ngram")
    assert done.returncode == 0
    assert read_lm(tmp_path / "lm.ngram").unit == "token"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["none.txt", "-o", "lm.arpa"], 1, "error: cannot read none.txt: No such file"),
        (["TEXT", "-o", "lm.arpa", "--prune", "1,2"], 1, "error: pruning needs counts that start"),
        (
            ["TEXT", "-o", "lm.txt"],
            2,
            "lm.txt needs to end in .arpa, .arpa.gz, .arpa.bz2, .arpa.xz or .ngram",
        ),
        (["TEXT", "-o", "lm.arpa", "--prune", "one"], 2, "'one' needs to be counts such as 0,0,1"),
        (["TEXT", "-o", "lm.arpa", "--order", "7"], 2, "'--order'"),
        (["TEXT", "-o", "lm.ngram", "--bits", "16"], 2, "'--bits'"),
        (["TEXT"], 2, "Missing option"),
    ],
)
def test_errors(arguments, status, message, text):
    """Errors are one line and a status."""
    done = run("lm", "build", *(text if value == "TEXT" else value for value in arguments))
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr and "Traceback" not in done.stderr
    assert status == 2 or len(done.stderr.splitlines()) == 1
