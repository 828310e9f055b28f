"""Tests of the recipe of Common Voice, on a miniature in the layout of its releases."""

import miniatures
import pytest

from asr.data.manifest import read_manifest
from asr.errors import DataError

NEW = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents "
    "variant locale segment"
).split()
OLD = "client_id path sentence up_votes down_votes age gender accent".split()
SENTENCES = {
    "train": [
        ("a1", "Wie geht’s, «Anna»?"),
        ("a1", 'Er sagte: "Ja'),
        ("a2", "U\u0308bung macht den Meister!"),  # this is not in NFC
        ("a2", "Řeka"),
        ("a3", ""),
        ("a3", "…"),
    ],
    "dev": [("b1", "Ja, Anna."), ("b1", "Ob Řeka?")],
    "test": [("c1", "Die Řeka rauscht."), ("c2", "Ja!")],
}
OTHERS = ("validated", "other", "invalidated")


def release(columns, language="de", left_out=(), suffix=".mp3"):
    """Return the contents of the files of a release, by path."""
    folder = f"cv-corpus-17.0-2024-03-15/{language}"
    files = {f"{folder}/{name}.tsv": "\t".join(columns) + "\n" for name in OTHERS}
    durations = ["clip\tduration[ms]"]
    for part, rows in SENTENCES.items():
        lines = ["\t".join(columns)]
        for number, (speaker, sentence) in enumerate(rows):
            name = f"common_voice_{language}_{part}{number}"
            values = {"client_id": speaker, "path": name + suffix, "sentence": sentence}
            values |= {"up_votes": "2", "down_votes": "0", "gender": "female_feminine"}
            lines.append("\t".join(values.get(column, "") for column in columns))
            if name not in left_out:
                clip = miniatures.sound(1 + len(sentence) / 16, 32000, "MP3")
                files[f"{folder}/clips/{name}.mp3"] = clip
            durations.append(f"{name}.mp3\t1000")
        files[f"{folder}/{part}.tsv"] = "\n".join(lines) + "\n"
    return files | {f"{folder}/clip_durations.tsv": "\n".join(durations) + "\n"}


@pytest.fixture
def common_voice():
    return miniatures.load("common_voice")


def test_prepare_train_evaluate(common_voice, tmp_path, capsys):
    digest = miniatures.pack(tmp_path / "de.tar.gz", release(NEW))
    data = tmp_path / "data"
    command = ["--archive", str(tmp_path / "de.tar.gz"), "--output", str(data)]
    with pytest.raises(SystemExit, match="2"):
        common_voice.main(["--folder", str(tmp_path), "--sha256", digest])
    with pytest.raises(SystemExit, match="SHA-256"):
        common_voice.main([*command, "--sha256", "0"])
    common_voice.main([*command, "--sha256", digest, "--min-count", "1"])
    parts = {part: read_manifest(data / f"{part}.jsonl") for part in SENTENCES}
    assert [item.text for item in parts["train"]] == [
        "wie geht's anna",
        "er sagte ja",
        "übung macht den meister",
        "řeka",
    ]
    assert [item.text for item in parts["dev"]] == ["ja anna"]  # b is in no training sentence
    assert [item.text for item in parts["test"]] == ["die řeka rauscht", "ja"]
    assert [item.speaker for item in parts["test"]] == ["c1", "c2"]
    assert parts["dev"][0].extra == {"gender": "female_feminine"}
    for item in parts["test"]:
        assert item.duration == pytest.approx(1 + len(item.text + ".") / 16, abs=0.1)
    said = capsys.readouterr().err
    assert "train.tsv: 4 utterances; left out: 2 without a sentence" in said
    assert "dev: 1 sentence with rare characters left out" in said
    manifests = [data / f"{part}.jsonl" for part in SENTENCES]
    result = miniatures.one_epoch("common_voice/config.toml", tmp_path, *manifests)
    assert result.score.words.reference == 4


def unpack(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path.parent


def test_rare_characters(common_voice, tmp_path, monkeypatch):
    monkeypatch.setitem(SENTENCES, "train", [("a1", "Ja."), ("a1", "Ja, ja!"), ("a2", "Řja")])
    monkeypatch.setitem(SENTENCES, "dev", [("b1", "Ja?"), ("b1", "Ř")])
    unpack(tmp_path, release(NEW))
    common_voice.main(["--folder", str(tmp_path), "--output", str(tmp_path), "--min-count", "2"])
    texts = {
        part: [item.text for item in read_manifest(tmp_path / f"{part}.jsonl")]
        for part in SENTENCES
    }
    assert texts == {
        "train": ["ja", "ja ja"],
        "dev": ["ja"],
        "test": ["die řeka rauscht", "ja"],
    }


def test_an_old_release_with_faults(common_voice, tmp_path, capsys):
    files = release(OLD, left_out=["common_voice_de_train1"], suffix="")
    language = unpack(tmp_path, files)
    clip = language / "clips" / "common_voice_de_train0.mp3"
    clip.write_bytes(b"")
    table = language / "train.tsv"
    table.write_text(table.read_text().replace("\n", "\r\n") + "half a line\tof\r\n")
    common_voice.main(
        ["--folder", str(language), "--output", str(tmp_path / "data"), "--min-count", "1"]
    )
    assert [item.id for item in read_manifest(tmp_path / "data" / "train.jsonl")] == [
        "common_voice_de_train2",
        "common_voice_de_train3",
    ]
    said = capsys.readouterr().err
    for reason in (
        "1 without a clip",
        "1 with a clip that cannot be read",
        "1 lines that are no rows",
    ):
        assert reason in said


def test_a_speaker_in_two_parts_is_said(common_voice, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(SENTENCES, "test", [("a1", "Ja!")])
    unpack(tmp_path, release(NEW))
    common_voice.main(["--folder", str(tmp_path), "--output", str(tmp_path), "--min-count", "1"])
    assert "warning: 1 speaker of the test also in train or dev;" in capsys.readouterr().err


def test_which_language(common_voice, tmp_path):
    unpack(tmp_path, release(NEW, "de") | release(NEW, "cy"))
    with pytest.raises(DataError, match=r"several languages, .*cy, .*de; name one with --folder"):
        common_voice.find(tmp_path)
    assert common_voice.find(tmp_path / "cv-corpus-17.0-2024-03-15" / "cy").name == "cy"
    with pytest.raises(DataError, match=r"no train\.tsv in it"):
        common_voice.find(tmp_path / "none")
    (tmp_path / "dev.tsv").write_text("path\tsentence\n")
    with pytest.raises(DataError, match="no column client_id; it has path, sentence"):
        common_voice.read_part(tmp_path, "dev")


@pytest.mark.parametrize(
    ("language", "sentence", "text"),
    [
        ("fr", "«L’été», dit-il: 100 % !", "l'été dit il 100"),
        ("tr", "Isparta'da I\u0307yi", "ısparta'da iyi"),
        ("de", "‚Nun‘ – sagte Ida", "nun sagte ida"),
        ("ca", "al·lot (pla)", "al lot pla"),
    ],
)
def test_what_is_recognised_of_a_sentence(language, sentence, text, common_voice):
    assert common_voice.target(sentence, language) == text
