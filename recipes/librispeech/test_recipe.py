"""Tests of the recipe of LibriSpeech, on a miniature in the layout of the corpus."""

import gzip
import json
import os
from pathlib import Path

import jiwer
import miniatures
import pytest
from conftest import ROOT

from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.lm.arpa import read_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import write_binary

SAMPLE = Path(
    os.environ.get("ASR_LIBRISPEECH_SAMPLE", ROOT.parent / "shared/data/librispeech_sample")
)
SPEAKERS = """\
; Some pipe-separated information about the speakers
;
;ID  |SEX| SUBSET           |MINUTES| NAME
14   | F | dev-clean        | 25.03 | Kristin LeMoine
60   | M | train-clean-100  | 20.18 | |CBW|Simon
103  | F | train-clean-100  | 30.1  | Karen Savage
"""
TEXTS = {
    "train-clean-100": {
        "60-121082-0000": "MISTER O'NEIL SAID YES",
        "60-121082-0001": "AND NO",
        "103-1240-0000": "YES",
    },
    "dev-clean": {"14-208-0000": "NO SAID MISTER O'NEIL"},
}
ARPA = """\
\\data\\
ngram 1=5
ngram 2=2

\\1-grams:
-1.2\t<UNK>\t0
-99\t<s>\t-0.3
-0.5\t</s>
-0.6\tO'NEIL\t-1.5e-01
-0.7\tSAID\t-0.2

\\2-grams:
-0.1\t<s> SAID
-0.2\tSAID O'NEIL

\\end\\
"""


@pytest.fixture
def librispeech(monkeypatch):
    """Return the script, which takes the archives of :func:`make` for the official ones."""
    module = miniatures.load("librispeech")

    def make(folder, part, left_out=()):
        files = {"LibriSpeech/README.TXT": "A corpus.", "LibriSpeech/SPEAKERS.TXT": SPEAKERS}
        transcripts = {}
        for name, text in TEXTS[part].items():
            speaker, chapter, _ = name.split("-")
            place = f"LibriSpeech/{part}/{speaker}/{chapter}"
            files[f"{place}/{name}.flac"] = miniatures.sound(1 + len(text) / 16, 16000, "FLAC")
            transcripts.setdefault(f"{place}/{speaker}-{chapter}.trans.txt", []).append(
                f"{name} {text}\n"
            )
        files |= {name: "".join(lines) for name, lines in transcripts.items()}
        archive = folder / f"{part}.tar.gz"
        kept = {name: data for name, data in files.items() if Path(name).name not in left_out}
        monkeypatch.setitem(module.SHA256, part, miniatures.pack(archive, kept))
        return archive

    module.make = make
    return module


def test_prepare_train_evaluate(librispeech, tmp_path, capsys):
    archives = [str(librispeech.make(tmp_path, part)) for part in TEXTS]
    official = tmp_path / "data" / "official" / "3-gram.arpa.gz"
    official.parent.mkdir(parents=True)
    official.write_bytes(gzip.compress(ARPA.encode()))
    librispeech.LM_BYTES["3-gram"] = official.stat().st_size
    data = tmp_path / "data"
    librispeech.main(["--archive", *archives, "--output", str(data), "--lm", "3-gram"])
    items = {part: read_manifest(data / f"{part}.jsonl") for part in TEXTS}
    for part, texts in TEXTS.items():
        assert {item.id: item.text for item in items[part]} == {
            name: text.lower() for name, text in texts.items()
        }
        for item in items[part]:
            assert item.speaker == item.id.split("-")[0]
            assert item.duration == pytest.approx(1 + len(item.text) / 16, abs=1e-4)
    assert [item.extra["sex"] for item in items["train-clean-100"]] == ["female", "male", "male"]
    result = miniatures.one_epoch(
        "librispeech/config.toml",
        tmp_path,
        *(data / f"{part}.jsonl" for part in ("train-clean-100", "dev-clean", "dev-clean")),
        decoder="beam",
        lm=str(data / "3-gram.arpa.gz"),
    )
    assert result.score.words.reference == 4
    assert result.lm_overlap is not None

    texts = [item.text for item in items["train-clean-100"]]
    write_binary(data / "words.ngram", estimate(texts, 2).model)
    values = miniatures.load("librispeech", "study").study(data, tmp_path / "run")
    assert values["training"]["epochs"] == 1
    for name, hypotheses in values["hypotheses"].items():
        wer = jiwer.wer(texts, [hypotheses[item.id] for item in items["train-clean-100"]])
        assert values["scores"][name]["wer"]["rate"] == pytest.approx(wer, abs=1e-6)
    table = miniatures.load("librispeech", "tables").learnt(values).splitlines()
    assert [row.split(" | ")[0] for row in table[2:4]] == [
        "| greedy search",
        "| beam search, language model of the same texts",
    ]
    assert all(" / 7: " in row for row in table[2:4])


def test_what_was_stopped_goes_on(librispeech, tmp_path):
    first, second = (librispeech.make(tmp_path, part) for part in TEXTS)
    whole = second.read_bytes()
    second.write_bytes(whole[:1000])
    command = ["--archive", str(first), str(second), "--output", str(tmp_path / "data")]
    with pytest.raises(SystemExit, match="SHA-256"):
        librispeech.main(command)
    assert len(read_manifest(tmp_path / "data" / "train-clean-100.jsonl")) == 3
    first.unlink()
    second.write_bytes(whole)
    librispeech.main(command)
    assert len(read_manifest(tmp_path / "data" / "dev-clean.jsonl")) == 1


def test_a_folder_stays_as_it_is(librispeech, tmp_path):
    librispeech.main(
        ["--archive", str(librispeech.make(tmp_path, "dev-clean")), "--output", str(tmp_path / "a")]
    )
    (tmp_path / "a" / "LibriSpeech" / "SPEAKERS.TXT").unlink()
    before = sorted(tmp_path.joinpath("a").rglob("*"))
    librispeech.main(["--folder", str(tmp_path / "a"), "--output", str(tmp_path / "b")])
    assert sorted(tmp_path.joinpath("a").rglob("*")) == before
    (item,) = read_manifest(tmp_path / "b" / "dev-clean.jsonl")
    assert item.audio == tmp_path / "a/LibriSpeech/dev-clean/14/208/14-208-0000.flac"
    assert item.extra == {}
    with pytest.raises(SystemExit, match="no folder LibriSpeech"):
        librispeech.main(["--folder", str(tmp_path / "b"), "--output", str(tmp_path / "b")])


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("60-121082-0001.flac", "60-121082-0001 has no recording"),
        ("60-121082.trans.txt", "cannot read the transcript .*60-121082.trans.txt"),
    ],
)
def test_a_part_that_is_not_whole(left_out, message, librispeech, tmp_path):
    archive = librispeech.make(tmp_path, "train-clean-100", [left_out])
    with pytest.raises(DataError, match=message):
        librispeech.prepare("train-clean-100", archive, tmp_path)


def test_what_cannot_be_asked_for(librispeech, tmp_path, capsys):
    with pytest.raises(SystemExit):
        librispeech.main(["--archive", "dev-clean.tar.gz", "--parts", "dev-clean"])
    assert "--parts goes with --folder or --download" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="needs the name of an official archive"):
        librispeech.main(["--archive", str(tmp_path / "my-speech.tar.gz")])


def test_the_language_model_in_lower_case(librispeech, tmp_path):
    (tmp_path / "upper.arpa").write_text(ARPA)
    official = tmp_path / "official" / "4-gram.arpa.gz"
    official.parent.mkdir()
    official.write_bytes(gzip.compress(ARPA.encode()))
    with pytest.raises(DataError, match="the official file has 1355172078"):
        librispeech.prepare_lm("4-gram", tmp_path)
    librispeech.LM_BYTES["4-gram"] = official.stat().st_size
    librispeech.prepare_lm("4-gram", tmp_path)
    upper, lower = (read_arpa(tmp_path / name) for name in ("upper.arpa", "4-gram.arpa.gz"))
    assert list(lower.words) == [word.lower() for word in upper.words]
    assert (lower.log10_probs == upper.log10_probs).all()
    assert (lower.log10_backoffs == upper.log10_backoffs).all()


def test_the_real_sample(librispeech, tmp_path):
    if not SAMPLE.exists():
        pytest.skip(f"no sample of LibriSpeech at {SAMPLE}; set ASR_LIBRISPEECH_SAMPLE to its path")
    librispeech.main(["--folder", str(SAMPLE), "--output", str(tmp_path)])
    items = read_manifest(tmp_path / "train-clean-100.jsonl")
    assert len(items) == len({item.speaker for item in items}) == 70
    assert sum(len(item.text.split()) for item in items) == 2367
    assert sum(item.duration for item in items) / 60 == pytest.approx(15.24, abs=0.01)
    assert max(item.duration for item in items) == 16.975
    recorded = ROOT / "recipes/librispeech/results.json"
    values = json.loads(recorded.read_text()) if recorded.exists() else {"hypotheses": {}}
    for name, hypotheses in values["hypotheses"].items():
        wer = jiwer.wer([item.text for item in items], [hypotheses[item.id] for item in items])
        assert values["scores"][name]["wer"]["rate"] == pytest.approx(wer, abs=1e-6)
