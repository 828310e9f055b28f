"""Tests of the recipe for own recordings, from miniature data sets of every kind to a report."""

import json

import jiwer
import miniatures
import pytest
import soundfile
from commands import run
from conftest import ROOT, noise

from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import DataError
from asr.model.directory import default_model, read_model
from asr.training.config import load_config
from asr.training.suggested_config import configure, written
from asr.training.suggestion import Machine, Recordings, suggest

FOLDER = ROOT / "recipes" / "your_data"
SAMPLES = sorted((ROOT / "samples").glob("*.wav"))
TEXTS = [path.with_suffix(".txt").read_text().strip() for path in SAMPLES]


recipe, study = (miniatures.load("your_data", name) for name in ("prepare", "study"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return an empty folder to work in, on a machine that trains at 100 times real time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("asr.training.throughput.measure_speed", lambda config, skipped: 100.0)
    return tmp_path


def say(path, number, text=None):
    """Write one of the samples in the format of the suffix, and its text beside it."""
    samples, rate = soundfile.read(SAMPLES[number])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, format=path.suffix[1:].upper())
    path.with_suffix(".txt").write_text(TEXTS[number] if text is None else text, encoding="utf-8")


@pytest.fixture
def recordings(here):
    """Write sixteen usable recordings of two speakers and six unusable ones; return the folder."""
    folder = here / "meine Aufnahmen"
    for number, suffix in enumerate(["wav", "flac", "mp3", "ogg"] * 2):
        say(folder / "Jürgen" / f"Satz {number}.{suffix}", number)
        say(folder / "anna" / f"{number}.{suffix}", number, TEXTS[number].upper() + "!")
    say(folder / "anna" / "0.wav", 0, "Grüße,  und “YES”.\n")
    say(folder / "anna" / "empty.wav", 1, "")
    say(folder / "anna" / "dots.wav", 1, "…")
    say(folder / "anna" / "too fast.wav", 1, "a very long text for so little audio " * 20)
    (folder / "anna" / "alone.txt").write_text("yes")
    soundfile.write(folder / "anna" / "alone too.wav", noise(800), 16000)
    path = folder / "Jürgen" / "cut off.wav"
    say(path, 1)
    path.write_bytes(path.read_bytes()[:20000])
    return folder


ALLOW = ("--max-rejected", "0.4")


def parts_of(folder):
    return {name: read_manifest(folder / f"{name}.jsonl") for name in ("train", "dev", "test")}


@pytest.mark.slow
def test_three_commands(recordings, here, capsys):
    recipe.main([str(recordings), *ALLOW])
    said = capsys.readouterr().out
    parts = parts_of(here / "data/mine")
    items = {item.id: item for items in parts.values() for item in items}
    assert len(items) == sum(map(len, parts.values())) == 16
    assert items["anna/0"].text == "grüße und yes" and items["anna/1"].text == TEXTS[1]
    assert {item.speaker for item in items.values()} == {"Jürgen", "anna"}
    rejected = (here / "data/mine/rejected.jsonl").read_text().splitlines()
    kinds = {values["id"]: values["kind"] for values in map(json.loads, rejected)}
    assert kinds == {
        "anna/alone": "audio", "anna/alone too": "text", "anna/empty": "text",
        "anna/dots": "text", "anna/too fast": "length", "Jürgen/cut off": "truncated",
    }  # fmt: skip
    for phrase in (
        "22 utterances",
        "left out: 6 (text: 3,",
        "! (7)",
        "“ (1)",
        "no file is in two parts, but speakers are (2 speakers)",
        "fewer than 5 times in all texts, is it meant? ß ü",
        "warning: too little to train on",
        "has no symbol for ß ü",
        "warning: the test has",
        "  asr train --config data/mine/config.toml\n",
        "  asr evaluate --manifest data/mine/test.jsonl --model runs/mine/model -o runs/mine/report"
        " --open\n",
    ):
        assert phrase in said
    done = run("train", "--config", "data/mine/config.toml", "--set", "training.epochs=1", cwd=here)
    assert (done.returncode, done.stdout) == (0, "runs/mine/model\n"), done.stderr
    assert "not taken from" in done.stderr and "the output of 'ß'" in done.stderr
    model = read_model(here / "runs/mine/model")
    assert set("ßü abz'") < set(model.vocabulary.tokens)
    command = ("--manifest", "data/mine/test.jsonl", "--model", "runs/mine/model")
    done = run("evaluate", *command, "-o", "runs/mine/report", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "</html>" in (here / "runs/mine/report/report.html").read_text()
    words = sum(len(item.text.split()) for item in parts["test"])
    assert f"/ {words}: " in done.stdout


def test_again_gives_the_same_and_more_recordings_move_no_other(recordings, here):
    files = [f"data/mine/{name}" for name in
             ("all.jsonl", "train.jsonl", "dev.jsonl", "test.jsonl", "config.toml")]  # fmt: skip
    recipe.main([str(recordings), *ALLOW])
    first = [(here / name).read_bytes() for name in files]
    for name in files[1:]:  # as if it had been stopped
        (here / name).unlink()
    recipe.main([str(recordings), *ALLOW])
    assert [(here / name).read_bytes() for name in files] == first
    before = parts_of(here / "data/mine")
    for number in range(8):
        say(recordings / "anna" / f"later {number}.wav", number)
    recipe.main([str(recordings), *ALLOW])
    after = parts_of(here / "data/mine")
    assert sum(map(len, after.values())) == 24
    for part, items in before.items():
        assert {item.id for item in items} <= {item.id for item in after[part]}


def tables(here):
    """Write the same eight recordings as a folder, a TSV and a Kaldi directory."""
    for number in range(8):
        say(here / "folder" / f"take{number}.wav", number)
    rows = [f"folder/take{n}.wav\t{text}\tspeaker {n % 2}\n" for n, text in enumerate(TEXTS)]
    (here / "table.tsv").write_text("path\tsentence\tclient_id\n" + "".join(rows))
    (here / "kaldi").mkdir()
    lines = [(f"take{n}", f"folder/take{n}.wav", text) for n, text in enumerate(TEXTS)]
    (here / "kaldi/wav.scp").write_text("".join(f"{id} {path}\n" for id, path, _ in lines))
    (here / "kaldi/text").write_text("".join(f"{id} {text}\n" for id, _, text in lines))
    return {"folder": "folder", "table": "table.tsv", "Kaldi": "kaldi"}


def test_formats_give_the_same(here, capsys, small_model):
    found = {}
    for name, source in tables(here).items():
        recipe.main([source, "--output", f"data/{name}", "--model", str(small_model)])
        said = capsys.readouterr()
        assert f"{source} ({name}): 8 utterances" in said.out and said.err == ""
        items = read_manifest(here / f"data/{name}/all.jsonl")
        found[name] = sorted((item.id, item.text, item.duration, item.audio) for item in items)
        assert all(parts_of(here / f"data/{name}").values())
        config = load_config(here / f"data/{name}/config.toml")
        assert (config.encoder.layers, config.encoder.hidden_size) == (2, 16)
        assert config.training.init_from == str(small_model)
    assert found["folder"] == found["table"] == found["Kaldi"]


def test_clips_of_a_recording_stay_together(here, small_model, capsys):
    tables(here)
    times = [(n, m, m * 0.9, m * 0.9 + 0.8) for n in range(8) for m in range(2)]
    segments = [f"s{n}-{m} take{n} {start} {end}\n" for n, m, start, end in times]
    (here / "kaldi/segments").write_text("".join(segments))
    (here / "kaldi/text").write_text("".join(f"s{n}-{m} yes\n" for n, m, *_ in times))
    recipe.main(["kaldi", "--model", str(small_model)])
    assert "16 clips of recordings are in " in capsys.readouterr().out
    parts = parts_of(here / "data/mine")
    names = [{item.id.split("-")[0] for item in items} for items in parts.values()]
    assert sum(map(len, names)) == 8 and sum(map(len, parts.values())) == 16
    first = [(here / "data/mine" / f"{part}.jsonl").read_bytes() for part in parts]
    recipe.main(["kaldi", "--model", str(small_model)])
    assert [(here / "data/mine" / f"{part}.jsonl").read_bytes() for part in parts] == first


def test_files_of_one_name_in_two_folders_of_a_table(here, small_model):
    for number in range(8):
        say(here / "abcdefgh"[number] / "1.wav", number)
    rows = [f"{name}/1.wav,{text}\n" for name, text in zip("abcdefgh", TEXTS, strict=True)]
    (here / "t.csv").write_text("audio,text\n" + "".join(rows))
    recipe.main(["t.csv", "--model", str(small_model)])
    ids = {item.id for item in read_manifest(here / "data/mine/all.jsonl")}
    assert ids == {f"{name}/1" for name in "abcdefgh"}


def test_a_recording_without_samples_is_left_out(here, small_model, capsys):
    for number in range(8):
        say(here / "rec" / f"{number}.wav", number)
    say(here / "rec" / "3 none.wav", 3)
    soundfile.write(here / "rec" / "3 none.wav", [], 16000)
    recipe.main(["rec", "--model", str(small_model)])
    assert "left out: 1 (audio: 1)" in capsys.readouterr().out
    parts = [item for items in parts_of(here / "data/mine").values() for item in items]
    assert {item.audio.stem: item.text for item in parts} == {str(n): TEXTS[n] for n in range(8)}


def test_from_scratch_and_punctuation(here):
    tables(here)
    (here / "folder" / "take3.txt").write_text("Yes! No?")
    recipe.main(["folder", "--from-scratch", "--keep-punctuation"])
    config = load_config(here / "data/mine/config.toml")
    assert config.training.init_from == "" and config.encoder.layers == 3
    texts = [*TEXTS[:3], "yes! no?", *TEXTS[4:]]
    assert set(config.data.characters) == set("".join(texts).lower())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: no such file or folder"),
        (["empty"], "empty: looked for wav.scp (Kaldi)"),
        (["broken"], "1 of 2 utterances cannot be used (audio: 1); see data/mine/rejected.jsonl"),
        (
            ["broken", "--max-rejected", "1"],
            "cannot divide 1 names into train, dev, test: needs at least 3",
        ),
        (["folder", "--split", "speakers"], "the speakers of 8 utterances are unknown"),
        (["folder", "--test-share", "0"], "the shares of dev and test are 0.1 and 0"),
        (["folder", "--model", "empty"], "empty/model.json: cannot be read"),
        (["t.csv"], "t.csv:1: which column is the audio?"),
    ],
)
def test_errors_are_one_line(here, arguments, message):
    tables(here)
    (here / "empty").mkdir()
    say(here / "broken/a.wav", 0)
    say(here / "broken/b.wav", 1)
    (here / "broken/b.wav").write_bytes(b"no audio at all")
    (here / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit) as stopped:
        recipe.main(arguments)
    error = str(stopped.value)
    assert error.startswith("error: ") and message in error and "\n" not in error
    assert not (here / "data/mine/config.toml").exists()


def pairs(count, speakers, files=1000):
    return [
        (f"{n % files}.wav", Utterance(f"{n}.wav", 1.0, "yes", str(n), speakers[n % len(speakers)]))
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("speakers", "how", "by_speaker"),
    [
        (list("abcde"), "auto", True),
        (list("abcd"), "auto", False),
        ([*"abcdef", None], "auto", False),
        (list("abcde"), "files", False),
        (list("abc"), "speakers", True),
    ],
)
def test_no_speaker_or_no_file_is_in_two_parts(speakers, how, by_speaker, capsys):
    given = pairs(300, speakers, files=60)
    parts = recipe.divide(given, how, (0.1, 0.1), 0)
    assert sum(map(len, parts.values())) == 300 and all(parts.values())
    file_of = {item.id: file for file, item in given}
    keys = [
        {item.speaker if by_speaker else file_of[item.id] for item in items}
        for items in parts.values()
    ]
    assert sum(map(len, keys)) == len(set.union(*keys))
    assert ("no speaker is in two parts" in capsys.readouterr().out) == by_speaker


def test_the_configuration_shown_is_what_is_written(monkeypatch):
    """It is the one for the own recordings of the study, at the speed that the README reports."""
    monkeypatch.chdir(ROOT)
    info = read_model(default_model())
    start = recipe.start_of(default_model(), info)
    assert start.model == "asr/models/default"
    given, machine = Recordings(8.89, 206, start.characters, 6.4), Machine(2, speed=100)
    suggestion = suggest(given, machine, start)
    config = configure(
        suggestion, recipe.Path("data/mine"), "".join(sorted(start.characters)), info
    )
    shown = (FOLDER / "config.toml").read_text()
    assert shown == written(config, suggestion, given, machine)
    assert load_config(FOLDER / "config.toml") == config


@pytest.fixture
def corpus(here):
    """Write a corpus like AN4, with four speakers, and a recipe with a small network."""
    folder = here / "data/an4"
    items = [
        Utterance(path, soundfile.info(path).duration, text, f"{speaker}-{path.stem}", speaker)
        for speaker in "abcd"
        for path, text in zip(SAMPLES, TEXTS, strict=True)
    ]
    write_manifest(folder / "train.jsonl", items)
    write_manifest(folder / "dev.jsonl", items[:2])
    config = here / "small.toml"
    config.write_text("[encoder]\nlayers = 1\nhidden_size = 8\nchannels = 2\n")
    return config


@pytest.mark.slow
def test_the_study(corpus, here, monkeypatch, capsys):
    def in_process(command, check):
        recipe.main([str(argument) for argument in command[2:]])

    monkeypatch.setattr(study, "AN4_CONFIG", corpus)
    monkeypatch.setattr(study.subprocess, "run", in_process)
    options = [
        "--base-epochs",
        "1",
        "--epochs",
        "1",
        "--minutes",
        "0.7",
        "--output",
        "results.json",
    ]
    study.main(options)
    values = json.loads((here / "results.json").read_text())
    own, others = (read_manifest(here / f"data/your_data/{name}.jsonl") for name in
                   ("own", "others"))  # fmt: skip
    assert not {item.speaker for item in own} & {item.speaker for item in others}
    assert len({item.id for item in [*own, *others]}) == 32 and values["speakers"] == 2
    test = read_manifest(here / "data/your_data-fine-tuned/test.jsonl")
    for part in ("train", "dev", "test"):
        manifests = [here / f"data/your_data-{name}/{part}.jsonl" for name in
                     ("fine-tuned", "from-scratch")]  # fmt: skip
        assert manifests[0].read_bytes() == manifests[1].read_bytes()
        assert values[part]["utterances"] == len(read_manifest(manifests[0]))
    assert [row["model"] for row in values["rows"]] == ["base", "fine-tuned", "from scratch"]
    for row in values["rows"]:
        said = [row["hypotheses"][item.id] for item in test]
        assert row["wer"]["rate"] == pytest.approx(
            jiwer.wer([item.text for item in test], said), abs=1e-6
        )
        assert row["epochs"] == 1 and "expected_minutes" not in row
    assert study.expected_minutes(here / "data/your_data-fine-tuned/config.toml") == 1
    for item in values["differences"]:
        rates = {row["model"]: row["wer"]["rate"] for row in values["rows"]}
        assert item["rate"] == pytest.approx(
            rates[item["second"]] - rates[item["first"]],
            abs=2e-6,  # rates have six digits
        )
        assert "is better" not in item["verdict"] or not item["low"] <= 0 <= item["high"]
    table = miniatures.load("your_data", "tables").own_recordings(values).splitlines()
    assert [row.split(" | ")[0] for row in table[2:5]] == [
        "| base",
        "| fine-tuned",
        "| from scratch",
    ]
    assert table[-3].startswith("- fine-tuned against base: ")

    models = [*here.glob("runs/*/model/model.onnx")]
    times = [path.stat().st_mtime_ns for path in models]
    capsys.readouterr()
    study.main(options)
    assert "utterances" not in capsys.readouterr().err  # nothing was trained again
    assert len(models) == 3 and times == [path.stat().st_mtime_ns for path in models]
    assert (
        json.loads((here / "results.json").read_text())["rows"][1]["wer"]
        == values["rows"][1]["wer"]
    )
    with pytest.raises(SystemExit, match=r"others\.jsonl holds another choice"):
        study.main([*options, "--seed", "3"])


def test_own_speakers_are_drawn(here):
    items = [item for _, item in pairs(600, list("abcdefghij"))]
    for seed in range(4):
        own, others = study.choose(items, 3, seed)
        assert len({item.speaker for item in own}) == 3 and len(own) == 180
        assert not {item.speaker for item in own} & {item.speaker for item in others}
        assert study.choose(items, 3, seed) == (own, others)
    assert study.choose(items, 3, 0) != study.choose(items, 3, 1)
    with pytest.raises(DataError, match="leave no speaker"):
        study.choose(items, 10, 0)
