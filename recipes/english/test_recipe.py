"""Tests of the recipe of English: texts, shards of voices, manifests by sets, and a small model."""

import json
import lzma
import re
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import miniatures
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import DataError
from asr.model.directory import read_model, update_model
from asr.training.config import load_config
from asr.training.fit import fit

FOLDER = ROOT / "recipes" / "english"
RATE = 16000
BOOKS = """\
# A-Book_1
He met Captain Ahab and Miss Pross at the Wine-shop on a cold evening.
Chapter II The Mail

"Really, Mr. Carton," he said.
It was 1790 then.
Don’t go -- I'm not ready!
"""
READ = "103-1240-0000 chapter one missus rachel lynde is surprised\n"


@pytest.fixture
def books(tmp_path):
    """A file of books and one of what people read, both compressed."""
    paths = tmp_path / "books.txt.xz", tmp_path / "read.txt.xz"
    for path, text in zip(paths, (BOOKS, READ), strict=True):
        path.write_bytes(lzma.compress(text.encode()))
    return paths


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('"Really, Mr. Carton," he said.', "really mister carton he said"),
        ("Then Mrs Lynde, Dr. Gray.", "then missus lynde doctor gray"),
        ("the Wine-shop -- to-day_", "the wine shop to day"),
        ("Don’t! ‘I won't,’ I said.", "don't i won't i said"),
        ("It was 1790.", None),
        ("Chapter II.", None),
        ("THE END.", None),
        ("Fort St. Elmo", None),
        ("Mr. B. said so", None),
        ("Café au lait", None),
        ("...", None),
        ("word " * 36, None),
    ],
)
def test_sentences_that_can_be_read_with_certainty(line, words):
    found = miniatures.load("english", "texts").clean(line)
    assert (None if found is None else found[1]) == words


def test_every_kind_of_text_is_said_as_it_is_transcribed(books):
    """Lower case, a to z and apostrophes; the same words in what is said, titles apart."""
    module = miniatures.load("english", "texts")
    texts = module.Texts(*books)
    assert [words for _, words in texts.sentences] == [
        "he met captain ahab and miss pross at the wine shop on a cold evening",
        "really mister carton he said",
        "don't go i'm not ready",
    ]
    rng = np.random.default_rng(0)
    drawn = [texts.draw(rng) for _ in range(600)]
    assert {text.kind for text in drawn} == module.KINDS.keys()
    for text in drawn:
        assert set(text.words) <= set(" 'abcdefghijklmnopqrstuvwxyz")
        said = text.said.lower().replace("-", " ").replace("’", "'")
        heard = "".join(c if c in " 'abcdefghijklmnopqrstuvwxyz" else " " for c in said)
        heard = heard.replace("mr ", "mister ")
        assert heard.split() == text.words.split(), text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"), (19, "nineteen"), (20, "twenty"), (99, "ninety nine"), (100, "one hundred"),
        (6942, "six thousand nine hundred forty two"), (310000, "three hundred ten thousand"),
    ],
)  # fmt: skip
def test_numbers(value, words):
    assert miniatures.load("english", "texts").cardinal(value) == words


class Beeper:
    """A speaker whose voice is a tone for each word."""

    name = "hibari"

    def __call__(self, said, spelled, rng):
        count = RATE // 10 * len(said.split())
        return np.sin(np.arange(count) / 8).astype(np.float32), f"v{rng.integers(9)}"


def test_a_shard_is_a_function_of_its_number(books, tmp_path, monkeypatch):
    module = miniatures.load("english", "synthesise")
    monkeypatch.setattr(module, "UTTERANCES", 5)
    for folder in ("a", "b"):
        assert "hibari-003" in module.make_shard(Beeper, 3, *books, tmp_path / folder)
    first, second = (read_manifest(tmp_path / name / "hibari-003.jsonl") for name in "ab")
    assert len(first) == 5 and {item.extra["set"] for item in first} == {"hibari"}
    for one, other in zip(first, second, strict=True):
        assert (one.text, one.speaker, one.id) == (other.text, other.speaker, other.id)
        assert one.audio.read_bytes() == other.audio.read_bytes()
        samples, rate = soundfile.read(one.audio)
        assert rate == RATE and len(samples) / rate == pytest.approx(one.duration)
        assert 0.1 < np.abs(samples).max() < 1
    # A shard that is there is not made again.
    first[0].audio.unlink()
    assert module.make_shard(Beeper, 3, *books, tmp_path / "a").endswith("there")
    assert not first[0].audio.exists()


def test_voices_that_are_not_there(tmp_path):
    """What is missing or another one is named in a line."""
    voices = miniatures.load("english", "voices")
    with pytest.raises(voices.VoiceError, match="no such file, needs the joined parts"):
        voices.Kokoro(tmp_path / "model.onnx", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"other")
    with pytest.raises(voices.VoiceError, match="is not the Kokoro model that was used"):
        voices.Kokoro(tmp_path / "model.onnx", tmp_path)


def test_a_stretched_spectrum_moves_its_peak():
    voices = miniatures.load("english", "voices")
    spectrum = np.zeros((601, 2), np.float32)
    spectrum[100] = 1
    for factor, place in ((1.0, 100), (0.8, 125), (1.25, 80)):
        for nearest in (False, True):
            assert (voices._stretched(spectrum, factor, nearest).argmax(0) == place).all()


def tone(path, seconds, pitch):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(round(seconds * RATE)) * pitch / RATE), RATE)
    return path


@pytest.fixture
def corpora(tmp_path):
    """Miniatures of the corpora, of AN4, of noise, of letters and of two synthetic shards."""
    prepare = miniatures.load("english")
    speech = tmp_path / "speech"
    for number, folder in enumerate(prepare.SETS):
        items = [
            Utterance(
                tone(speech / folder / f"{part}{index}.flac", 1.5, 2000 + 500 * number),
                2.3, "yes no", f"{folder}-{part}{index}", f"{folder}-{part}", {"split": part},
            )
            for part in ("train", "dev", "test") for index in range(4)
        ]  # fmt: skip
        items.append(
            Utterance(tone(speech / folder / "long.flac", 21, 900), 21.0, "long", f"{folder}-long",
                      "s", {"split": "train"})
        )  # fmt: skip
        write_manifest(speech / folder / "manifest.jsonl", items)
    noises = [
        Utterance(tone(speech / f"noise/Rain-{n}-17367-A.flac", 2, 700), 2.0, "", f"rain-{n}")
        for n in range(1, 6)
    ]
    write_manifest(speech / "noise/manifest.jsonl", noises)
    letters = [
        Utterance(tone(tmp_path / f"letters/{n}.flac", 1, 600), 1.0, text, f"letters-{n}")
        for n, text in enumerate(("", "a b c", "one"))
    ]
    write_manifest(tmp_path / "letters/train.jsonl", letters)
    for part in ("train", "dev", "test"):
        items = [
            Utterance(
                tone(tmp_path / f"an4/{part}{n}.flac", 1.5, 3000), 1.5, "go", f"{part}{n}", part
            )
            for n in range(4)
        ]
        write_manifest(tmp_path / f"an4/{part}.jsonl", items)
    for name, count in (("hibari-000", 6), ("kokoro-000", 104)):
        items = [
            Utterance(tone(tmp_path / f"synthetic/{name}/{n}.flac", 1.2, 4000), 1.2, "a b",
                      f"{name}-{n}", name, {"set": name[:6]})
            for n in range(count)
        ]  # fmt: skip
        write_manifest(tmp_path / f"synthetic/{name}.jsonl", items)
    return tmp_path


def prepared(folder, monkeypatch, *options, left_out=None):
    """Run the script, and return its parts."""
    module = miniatures.load("english")
    if left_out is not None:
        monkeypatch.setattr(module, "LEFT_OUT", left_out)
    monkeypatch.setattr(module, "JOINED", {"an4": (5, 3), "commands": (4, 3)})
    monkeypatch.setattr(module, "IN_A_ROW", dict.fromkeys(module.IN_A_ROW, 5))
    output = folder / "english"
    module.main(
        ["--speech", str(folder / "speech"), "--an4", str(folder / "an4"),
         "--synthetic", str(folder / "synthetic"), "--output", str(output), *options]
    )  # fmt: skip
    return {part: read_manifest(output / f"{part}.jsonl") for part in ("train", "dev", "test")}


def additions(folder):
    """Return the options for orders that were labelled, and for the letters."""
    orders = [
        Utterance(
            tone(folder / f"order{n}.flac", 2, 5000), 2.0, "a latte please", f"order{n}", None
        )
        for n in range(2)
    ]
    write_manifest(folder / "labelled.jsonl", orders)
    return (
        "--labelled",
        str(folder / "labelled.jsonl"),
        "--letters",
        str(folder / "letters/train.jsonl"),
    )


def test_prepare_and_train(corpora, monkeypatch):
    spared = prepared(corpora, monkeypatch)["train"][0]
    doubtful = corpora / "left_out.txt"
    doubtful.write_text(f"{spared.id}\n")
    parts = prepared(corpora, monkeypatch, *additions(corpora), left_out=doubtful)
    assert spared.id not in {item.id for item in parts["train"]}
    speakers = [{item.speaker for item in items if item.speaker} for items in parts.values()]
    assert not (speakers[0] & speakers[1] - {"kokoro-000"} or speakers[0] & speakers[2])
    sets = {part: {item.extra["set"] for item in items} for part, items in parts.items()}
    real = set(miniatures.load("english").SETS.values()) | {"an4"}
    made = {"joined_an4", "joined_commands", "hibari", "kokoro", "orders", "letters", "noise"}
    rows = {f"row_{name}" for name in ("speechocean", "robotutor", "orders", "hibari")}
    words = {"word_commands", "word_bed_cat_happy", "word_an4", "word_synthetic", "joined_words"}
    assert sets["train"] == real | made | rows | words
    for item in parts["train"]:
        if item.extra["set"] in rows:
            assert soundfile.info(item.audio).duration == pytest.approx(item.duration)
    row = next(item for item in parts["train"] if item.extra["set"] == "row_speechocean")
    assert row.speaker == "speechocean762-train" and row.duration == pytest.approx(1.5 * 4)
    assert row.text == "yes no yes no yes no yes no"
    assert sets["dev"] == real | {"synthetic"} and sets["test"] == real
    assert max(item.duration for item in parts["train"]) <= 20
    for item in parts["test"]:  # the manifests of the corpora say 2.3 s
        assert item.duration == pytest.approx(1.5)
    for name in real:
        own = read_manifest(corpora / "english" / f"test_{name}.jsonl")
        of_set = [item.id for item in parts["test"] if item.extra["set"] == name]
        assert [item.id for item in own] == of_set
    heard = {item.id for item in parts["train"] if item.extra["set"] == "noise"}
    kept = {item.id for item in read_manifest(corpora / "english/test_noise.jsonl")}
    mixed = {item.id for item in read_manifest(corpora / "english/noise.jsonl")}
    assert heard == mixed == {f"rain-{n}" for n in range(1, 5)} and kept == {"rain-5"}
    synthetic = [item.id for item in parts["dev"] if item.extra["set"] == "synthetic"]
    assert len(synthetic) == 100 and not {item.id for item in parts["train"]} & {*synthetic}
    for item in parts["train"]:
        if item.extra["set"] == "joined_an4":
            assert set(item.text.split()) == {"go"} and 2 <= len(item.text.split()) <= 3
            assert soundfile.info(item.audio).duration == pytest.approx(item.duration)

    # Prepared again, nothing changes.
    before = {path: path.read_bytes() for path in sorted((corpora / "english").rglob("*.*"))}
    prepared(corpora, monkeypatch, *additions(corpora), left_out=doubtful)
    assert before == {
        path: path.read_bytes() for path in sorted((corpora / "english").rglob("*.*"))
    }

    assert (trained(corpora) / "model.onnx").exists()


def trained(corpora):
    """Train a small model by the configuration and the mix of the recipe, which names every set."""
    mix = corpora / "mix.toml"
    mix.write_text((FOLDER / "mix.toml").read_text().replace("hours = 6.0", "hours = 0.05"))
    manifests = [f'data.{part}=["{corpora / "english" / part}.jsonl"]' for part in ("train", "dev")]
    small = ["encoder.layers=3", "encoder.hidden_size=8", "encoder.pyramid=1", "encoder.top_size=8",
             "encoder.channels=2", "training.epochs=1", "training.average=1"]  # fmt: skip
    config = load_config(
        FOLDER / "config.toml",
        [*manifests, *small, f"data.mix={mix}", f"data.cache={corpora / 'cache'}",
         f"optimizer.plan={FOLDER / 'plan.toml'}", "optimizer.warmup=0.5",
         f"augment.noise.manifest={corpora / 'english/noise.jsonl'}"],
    )  # fmt: skip
    return fit(config, folder=corpora / "run")


SPEECH = ROOT.parent / "shared/speech"


@pytest.mark.skipif(not SPEECH.exists(), reason=f"needs the corpora in {SPEECH}")
def test_the_list_of_utterances_is_that_of_the_corpora():
    """Every utterance that was used has the same part in the corpora, but for those left out."""
    module = miniatures.load("english")
    listed = {part: {} for part in ("train", "dev", "test")}
    for line in (
        lzma.decompress((FOLDER / "utterances.txt.xz").read_bytes()).decode().split("\n")[:-1]
    ):
        part, name, id = line.split(" ")
        listed[part].setdefault(name, set()).add(id)
    doubtful = {*module.LEFT_OUT.read_text().split()}
    for folder, name in module.SETS.items():
        there, short = {part: set() for part in (*listed, "unlabelled")}, set()
        for line in (SPEECH / folder / "manifest.jsonl").read_text().splitlines():
            item = json.loads(line)
            there[item["split"]].add(item["id"])
            if item["split"] == "train" and item["duration"] <= module.LONGEST:
                short.add(item["id"])
        for part, sets in listed.items():
            used = sets.get(name, set())
            assert used <= there[part]
            if part != "train":
                assert used == there[part]
            else:
                assert not used & doubtful and used >= short - doubtful


def test_single_words_are_cut_at_their_edges(an4, tmp_path, monkeypatch):
    """Words of commands, of synthetic speech and of AN4's sentences, and strings of digits."""
    module = miniatures.load("english", "words")
    monkeypatch.setattr(module, "STRINGS", 12)
    sentences = [replace(item, extra={"set": "an4"}) for item in read_manifest(an4 / "dev.jsonl")]
    sentences = [item for item in sentences if "four" in item.text.split()][:6]
    silence = np.zeros(RATE // 2)
    items = list(sentences)
    for name, text in (("commands", "stop"), ("kokoro", "nine"), ("hibari", "z"), ("grid", "bin")):
        path = tmp_path / f"{name}.wav"
        sound, _ = soundfile.read(tone(path, 0.4, 900))
        soundfile.write(path, np.concatenate([silence, sound, silence]), RATE)
        items.append(Utterance(path, 1.4, text, name, f"speaker of {name}", {"set": name}))
    found = module.single_words(items, tmp_path / "words")
    sets = Counter(item.extra["set"] for item in found)
    assert sets["word_commands"] == sets["word_synthetic"] == 1 and sets["joined_words"] == 12
    said = Counter(word for item in sentences for word in item.text.split() if len(word) > 1)
    assert 0.8 * said.total() <= sets["word_an4"] <= said.total()
    assert sets.keys() == {"word_commands", "word_synthetic", "word_an4", "joined_words"}
    assert len({item.id for item in found}) == len({item.audio for item in found}) == len(found)
    narrow = 0
    for item in found:
        samples, rate = soundfile.read(item.audio)
        assert rate == RATE and len(samples) / rate == pytest.approx(item.duration)
        power = np.abs(np.fft.rfft(samples)) ** 2
        narrow += power[len(power) * 5 // 8 :].sum() < 1e-5 * power.sum()
        if item.extra["set"] in ("word_commands", "word_synthetic"):
            assert item.duration == pytest.approx(0.4, abs=0.02)
        elif item.extra["set"] == "word_an4":
            assert item.text in said and 0.15 <= item.duration < 1.5
        else:
            assert set(item.text.split()) <= module.DIGITS and 2 <= len(item.text.split()) <= 8
    assert 0.2 * len(found) < narrow < len(found)
    again = module.single_words(items, tmp_path / "words")
    assert again == found


def test_long_recordings_hold_all_that_was_said(tmp_path, monkeypatch):
    module = miniatures.load("english")
    monkeypatch.setattr(module, "LONG", 4.0)
    items = [
        Utterance(tone(tmp_path / f"{n}.wav", 1.5, 300 + 50 * n), 1.5, f"text {n}", str(n), None)
        for n in range(7)
    ]
    found = module.long_ones(items, tmp_path / "long")
    assert [item.text for item in found] == [
        "text 0 text 1 text 2",
        "text 3 text 4 text 5",
        "text 6",
    ]
    assert [item.duration for item in found] == [4.5, 4.5, 1.5]
    second, _ = soundfile.read(found[1].audio)
    one, _ = soundfile.read(items[4].audio)
    np.testing.assert_allclose(second[RATE * 3 // 2 : RATE * 3], one, atol=2**-15)


def test_growth_trains_on_parts_of_the_speech(corpora, monkeypatch):
    """Smaller parts lie in larger ones, speakers are whole, and a table shows each part."""
    parts = prepared(corpora, monkeypatch)
    module = miniatures.load("english", "growth")
    items = parts["train"]
    chosen = {
        shares: {item.id for item in module.Part(*shares).of(items)} for shares in module.SHARES
    }
    whole = {
        item.id for item in items if not item.extra["set"].startswith(("joined", "row", "word"))
    }
    assert chosen[1.0, 1.0] == whole and len(whole) < len(items)
    assert chosen[0.25, 1.0] < chosen[0.5, 1.0] < chosen[1.0, 1.0]
    assert {item.id for item in items if item.extra["set"] in module.SYNTHETIC}.isdisjoint(
        chosen[1.0, 0.0]
    )
    many = [replace(item, speaker=f"s{n // 3}") for n, item in enumerate(30 * items[:1])]
    counts = Counter(item.speaker for item in module.Part(0.5, 1.0).of(many))
    assert 0 < len(counts) < 10 and set(counts.values()) == {3}

    monkeypatch.setattr(module, "SHARES", ((1.0, 1.0), (0.5, 0.0)))
    monkeypatch.chdir(corpora)
    small = ["encoder.layers=2", "encoder.hidden_size=8", "encoder.pyramid=1", "encoder.top_size=8",
             "encoder.channels=2", "optimizer.warmup=0.5"]  # fmt: skip
    module.main(
        ["--data", "english", "--epochs", "1", "--hours", "0.01", "--output", "growth.json",
         *(part for setting in small for part in ("--set", setting))]
    )  # fmt: skip
    values = json.loads((corpora / "growth.json").read_text())
    assert [row["synthetic_hours"] > 0 for row in values["rows"]] == [True, False]
    table = miniatures.load("english", "tables").growth(values)
    assert table.count("\n") == 4 and "| 100.0 % |" in table


def test_a_card_tells_what_was_measured(corpora, monkeypatch):
    """All places of the card are filled; results of another model, or other data, are refused."""
    prepared(corpora, monkeypatch, *additions(corpora))
    model = trained(corpora)
    monkeypatch.chdir(corpora)
    counts = {"rate": 0.25, "errors": 2, "reference": 8, "hits": 6, "insertions": 0, "deletions": 1,
              "substitutions": 1}  # fmt: skip
    row = {"wer": counts, "wer_interval": None, "times_real_time": 300.0}
    names = ("LibriSpeech", "speechocean762", "AN4", "AN4, joined", "Speech Commands")
    ours = {"this model, greedy": row, "this model, beam": row | {"wer": counts | {"errors": 1}}}
    peers = {"model": read_model(model).hash, "command": "python …",
             "sets": {name: ours | {"Whisper tiny.en": row} for name in names}}  # fmt: skip
    (corpora / "peers.json").write_text(json.dumps(peers))
    update_model(model, {}, decoder="beam")
    publish = miniatures.load("english", "publish")
    arguments = ["--model", str(model), "--peers", "peers.json", "--train", "english/train.jsonl",
                 "--output", "shipped"]  # fmt: skip
    publish.main(arguments)
    card = (corpora / "shipped" / "README.md").read_text()
    assert "{" not in card and "Whisper tiny.en" in card and "  - kokoro: " in card
    info = read_model("shipped")
    assert info.scores["AN4, joined"]["wer"]["errors"] == 1 and info.decoder == "beam"
    assert info.provenance["golden"] == "recordings"
    (corpora / "peers.json").write_text(json.dumps(peers | {"model": "another"}))
    with pytest.raises(SystemExit, match="results of another model"):
        publish.main(arguments)


def test_a_missing_corpus_is_named(corpora, monkeypatch):
    (corpora / "speech/grid_s1/manifest.jsonl").unlink()
    module = miniatures.load("english")
    with pytest.raises(DataError, match="grid_s1"):
        folders = (corpora / name for name in ("speech", "an4", "synthetic", "english"))
        module.prepare(*folders, {})


OPTIONS = [
    "--speech", "SPEECH", "--an4", "an4_sphere.tar.gz", "--books", "books.txt.xz",
    "--read", "librispeech_train-clean-100.txt.xz", "--kokoro-model", "kokoro.onnx",
    "--kokoro-voices", "voices", "--labelled", "data/english/labelled.jsonl",
]  # fmt: skip


def test_one_command_runs_those_of_the_readme(tmp_path, monkeypatch, capsys):
    """In their order; those whose result is there are left out, and a training goes on."""
    module = miniatures.load("english", "train")
    text = (FOLDER / "README.md").read_text().replace("\\\n", " ")
    blocks = " ; ".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\n", " ; ")
    readme = " ".join(blocks.split())
    ran = []

    def run(command):
        assert command[0] == sys.executable
        ran.append(shlex.join(map(str, ["python", *command[1:]])).replace("python -m asr", "asr"))
        return subprocess.CompletedProcess(command, int(fails in ran[-1]))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module.subprocess, "run", run)
    fails = "nothing"
    module.main(OPTIONS)
    places = [readme.index(f"{command} ;") for command in ran[:-1]] + [readme.index(ran[-1])]
    assert places == sorted(places) and len(ran) == 9
    assert capsys.readouterr().out == "runs/english/model\n"

    (tmp_path / "data/english/letters").mkdir(parents=True)
    (tmp_path / "data/english/letters/train.jsonl").touch()
    (tmp_path / "runs/english").mkdir(parents=True)
    (tmp_path / "runs/english/last.ckpt").touch()
    before, fails = [*ran], "asr train"
    ran.clear()
    with pytest.raises(SystemExit, match=r"asr train .* --resume failed; mend what it says"):
        module.main(OPTIONS)
    assert ran == [*before[:2], before[3], f"{before[4]} --resume"]


def test_labels_are_words():
    words = miniatures.load("english", "label").words
    assert words("I'd like 2 large lattes, please.") == "i'd like two large lattes please"
    assert words("A half-caf.") == "a half caf" and words("That is $5.50") == ""


def test_texts_of_the_language_model(books, tmp_path, monkeypatch):
    """Books, what was read, transcripts of real speech, and what is drawn."""
    module = miniatures.load("english", "lm_texts")
    monkeypatch.setattr(module, "DRAWN", 30)
    path = tmp_path / "train.jsonl"
    items = [
        Utterance(tmp_path / "a.flac", 1.0, text, text, None, {"set": name})
        for text, name in (("bin blue", "grid"), ("synthetic words", "hibari"))
    ]
    write_manifest(path, items)
    output = tmp_path / "lm.txt"
    module.main(["--books", str(books[0]), "--read", str(books[1]), "--train", str(path),
                 "--output", str(output)])  # fmt: skip
    lines = output.read_text().splitlines()
    assert len(lines) == 3 + 1 + 1 + 30
    assert lines[3:5] == ["chapter one missus rachel lynde is surprised", "bin blue"]
    assert "synthetic words" not in lines
    assert json.dumps(lines) == json.dumps(module.lm_texts(*books, path))


class Voices:
    """Kokoro's place: tones, whose pitch is a voice's."""

    def __init__(self, model, voices):
        pass

    def say(self, said, voices):
        ((voice, share),) = voices.items()
        assert share == 1
        return np.sin(np.arange(RATE) * len(voice) / 50).astype(np.float32)


def test_samples_join_those_that_are_there(tmp_path, monkeypatch):
    module = miniatures.load("english", "make_samples")
    monkeypatch.setattr(module, "Kokoro", Voices)
    there = Utterance(tone(tmp_path / "there.wav", 1, 400), 1.0, "there", "there", "someone")
    write_manifest(tmp_path / "manifest.jsonl", [there])
    for _ in range(2):  # made again, nothing changes
        module.main(["--kokoro-model", "-", "--kokoro-voices", "-", "--output", str(tmp_path)])
        items = {item.id: item for item in read_manifest(tmp_path / "manifest.jsonl")}
        assert items.keys() == {"there", *module.SENTENCES}
    rain = items["kokoro-bm-george-rain"]
    assert rain.text == "we had a good dinner and walked home in the rain"
    assert rain.speaker == "kokoro-bm_george"
    samples, rate = soundfile.read(rain.audio)
    assert len(samples) / rate == rain.duration == 1.6 and not samples[:4000].any()
    assert np.abs(samples).max() == pytest.approx(module.PEAK, abs=1e-4)
