"""Tests of the records of the model in the package, and of the scripts that make it."""

import json
from pathlib import Path

import miniatures
import pytest
import tables as documentation
from conftest import ROOT

from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.decoding.bundle import read_bundle
from asr.errors import DataError
from asr.evaluation.results import count_values
from asr.evaluation.scoring import word_errors
from asr.files import sha256
from asr.model.directory import default_model, read_model
from asr.recognition.transcriber import Transcriber
from asr.training.config import load_config
from asr.training.fit import fit

FOLDER = Path(__file__).parent
RECORD = FOLDER / "conditions.json"
UNSEEN = FOLDER / "unseen.json"
train = miniatures.load(FOLDER.name, "train")
prepare = miniatures.load(FOLDER.name)
stages = miniatures.load(FOLDER.name, "stages")
tables = miniatures.load(FOLDER.name, "tables")
measure_conditions, unseen_speakers = train.measure_conditions, train.unseen_speakers
publish = train.publish
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RECORD.read_text())


def first_of(name, count, folder, request):
    """Return a manifest of the first ``count`` recordings of one of the recorded sets."""
    if name == "samples":
        return measure_conditions.list_samples(ROOT / "samples", folder / "samples.jsonl")
    corpus, file = {"an4_test": ("an4", "test"), "fsdd_test": ("fsdd", "test")}[name]
    items = read_manifest(request.getfixturevalue(corpus) / f"{file}.jsonl")
    write_manifest(folder / "first.jsonl", items[:count])
    return folder / "first.jsonl"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "condition", "count"),
    [
        ("an4_test", "clean", 30),
        ("an4_test", "snr10", 30),
        ("an4_test", "8khz", 15),
        ("fsdd_test", "clean", 100),
        ("fsdd_test", "snr5", 50),
        *(("samples", condition, 8) for condition in tables.SAMPLES),
    ],
)
def test_the_recorded_hypotheses_come_out_again(
    name, condition, count, recorded, an4, tmp_path, request
):
    """Rounding on another processor may change one word in fifty."""
    manifest = first_of(name, count, tmp_path, request)
    talkers = measure_conditions.Talkers(read_manifest(an4 / "train.jsonl"))
    copies = measure_conditions.copy(manifest, condition, talkers, tmp_path / "copies")
    found = measure_conditions.recognise(copies, Transcriber(threads=1))["hypotheses"]
    assert len(found) == count
    before = [recorded["sets"][name][condition]["hypotheses"][id] for id in found]
    assert word_errors(before, [*found.values()]).errors <= len(" ".join(before).split()) / 50


def test_the_record_is_of_the_model_in_the_package(recorded, an4, fsdd):
    assert recorded["model"] == read_model(default_model()).hash
    assert recorded["decoder"] == {"name": "greedy"}
    manifests = {
        "an4_test": an4 / "test.jsonl",
        "fsdd_test": fsdd / "test.jsonl",
        "fsdd_strings": fsdd / "test_strings.jsonl",
    }
    assert recorded["manifests"].keys() == manifests.keys()
    for name, manifest in manifests.items():
        assert recorded["manifests"][name]["sha256"] == sha256(manifest)
        texts = {item.id: item.text for item in read_manifest(manifest)}
        for condition in tables.CONDITIONS:
            part = recorded["sets"][name][condition]
            assert part["hypotheses"].keys() == texts.keys()
            pairs = [(text, part["hypotheses"][id]) for id, text in texts.items()]
            assert count_values(word_errors(*zip(*pairs, strict=True))) == part["wer"]
            assert part["utterances_wrong"] == sum(text != said for text, said in pairs)


def test_who_babbles_is_not_tested(recorded, an4, fsdd):
    train = an4 / "train.jsonl"
    assert recorded["talkers"]["sha256"] == sha256(train)
    talkers = {item.speaker for item in read_manifest(train)}
    for manifest in (an4 / "test.jsonl", fsdd / "test.jsonl", fsdd / "test_strings.jsonl"):
        assert not talkers & {item.speaker for item in read_manifest(manifest)}


def test_the_table(recorded):
    table = tables.conditions(recorded).splitlines()
    for line, name in zip(table[2:], tables.SETS, strict=False):
        assert line.count("|") == len(tables.CONDITIONS) + 2
        wer = recorded["sets"][name]["snr5"]["wer"]
        assert f"{100 * wer['rate']:.2f} % [{wer['errors']} / {wer['reference']}]" in line
    assert documentation.make("conditions", RECORD) == tables.conditions(recorded)


def test_the_record_of_speakers_left_out(fsdd):
    found = json.loads(UNSEEN.read_text())
    assert found["start"]["sha256"] == read_model(ROOT / found["start"]["path"]).hash
    assert found["fsdd"] == {name: sha256(fsdd / f"{name}.jsonl") for name in found["fsdd"]}
    assert tuple(found["speakers"]) == SPEAKERS
    card = (default_model() / "README.md").read_text()
    assert tables.unseen(found) in card
    for part, said in (("isolated", 3000), ("strings", 1158)):
        wers = [values[part]["wer"] for values in found["speakers"].values()]
        both = found["all"][part]["wer"]
        assert both["reference"] == sum(wer["reference"] for wer in wers) == said
        assert both["errors"] == sum(wer["errors"] for wer in wers)
        share = f"{100 * both['rate']:.1f} % [{both['errors']} / {both['reference']}]"
        assert share in " ".join((ROOT / "README.md").read_text().split())


def test_the_configuration_keeps_within_its_limits():
    for stage in train.STAGES:
        config = train.config_of(stage, [], Path("data"), Path("runs/default"))
        assert not [path for path in (*config.data.train, *config.data.dev) if "test" in path]
    start = read_model(ROOT / load_config(train.CONFIG).training.init_from)
    assert start.features == config.features
    assert start.frame_stride == config.encoder.reduction * config.features.hop_length == 640
    assert (
        3e6 < miniatures.load("cells", "study").parameters(config) <= 5e6
    )  # at 25 frames a second


# The following tests run the whole command on a miniature: the corpora are tones, the networks have
# eight units, and each training has one epoch.


def tone(path, text, seconds, pitch, speaker):
    """Write a recording of a miniature, and return its line of the manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(miniatures.sound(seconds, 8000, "WAV", pitch))
    return Utterance(path, seconds, text, path.stem, speaker)


def corpora(data):
    """Write AN4, FSDD and synthetic speech, each as a few tones."""
    parts = {"train": ("f1", "f2", "f3", "m1", "m2", "m3"), "dev": ("f4",), "test": ("f5", "m4")}
    for part, speakers in parts.items():
        items = [
            tone(data / "an4" / part / f"{who}-{i}.wav", text, 1.2, 200 + 50 * i, who)
            for who in speakers
            for i, text in enumerate(("yes", "rubout g m"))
        ]
        write_manifest(data / "an4" / f"{part}.jsonl", items)
    takes = {"train": (6, 7), "dev": (5,), "test": (0,)}
    for part, numbers in takes.items():
        digits = [
            tone(data / "fsdd" / "wav" / f"{d}_{who}_{take}.wav", text, 0.5, 300 + 100 * d, who)
            for who in SPEAKERS
            for d, text in enumerate(("zero", "one"))
            for take in numbers
        ]
        strings = [
            tone(data / "fsdd" / "strings" / f"{part}-{who}.wav", "one zero", 1.1, 500, who)
            for who in SPEAKERS
        ]
        if part == "test":
            write_manifest(data / "fsdd" / "test_strings.jsonl", strings)
        write_manifest(
            data / "fsdd" / f"{part}.jsonl", digits if part == "test" else digits + strings
        )
    for name in stages.SPEECH:
        for part in ("train", "dev"):
            items = [
                tone(data / name / "audio" / f"{part}{i}.wav", text, 1.0, 250, "flite-slt")
                for i, text in enumerate(("enter four", "april", ""))
            ]
            write_manifest(data / name / f"{part}.jsonl", items)


SETTINGS = [*miniatures.SMALL, "data.cache={cache}"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run the command once; return its run, its data, its arguments, and the folder of all."""
    folder = tmp_path_factory.mktemp("default")
    data, run = folder / "data", folder / "run"
    corpora(data)
    settings = [setting.format(cache=folder / "cache") for setting in SETTINGS]
    manifests = [f"data.{part}={json.dumps([str(data / 'an4' / f'{part}.jsonl')])}"
                 for part in ("train", "dev")]  # fmt: skip
    start = fit(
        load_config(ROOT / "recipes/an4/config.toml", [*settings, *manifests]),
        folder=folder / "start",
    )
    arguments = [f"--data={data}", f"--run={run}", "--epochs=1"]
    arguments += [f"--set={setting}" for setting in [*settings, f"training.init_from={start}"]]
    apart = train.train_apart

    def train_apart(stage, *options):
        """Train the last stage in its own process; the others here, which saves their imports."""
        if stage is train.STAGES[-1]:
            apart(stage, *options)
        else:
            train.train(stage.name, *options)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(train, "train_apart", train_apart)
        prepare.main([f"--data={data}"])
        train.main(arguments)
    return {
        "run": run,
        "model": run / train.STAGES[-1].name / "model",
        "data": data,
        "arguments": arguments,
        "start": start,
    }


@pytest.mark.slow
def test_from_manifests_to_a_published_model(made, monkeypatch, capsys):
    run, published = made["run"], made["run"] / "published"
    info = read_model(published)
    assert info.hash == read_model(made["model"]).hash
    assert info.calibrators.keys() == {"greedy", "beam"} and "domain.json" in info.files
    words = {"april", "enter", "four", "g", "m", "one", "rubout", "yes", "zero"}
    assert set(read_bundle(published, info).lexicon) == words
    assert info.scores.keys() == {"dev", *train.SCORES}
    trained = {Path(path).parent.name for path in info.provenance["data"]}
    assert trained == {"an4", "fsdd", "synthetic", "synthetic-5"}
    card = (published / "README.md").read_text()
    trainings = publish.trainings(info)[1:]
    assert "stages took 0, 0, 0, 0, 0, 0 and 0 min on" in card
    assert info.provenance["config"]["training"]["init_from"] == str(run / "sixth" / "model")
    snrs = [each.provenance["config"]["augment"]["noise"]["snr"] for each in trainings]
    assert snrs == [[3.0, 30.0], *[[0.0, 20.0]] * 2, *[[3.0, 20.0]] * 4]
    assert "{" not in card and "12 recordings, 0.2 min, 6 speakers" in card
    assert "_times" not in card  # those manifests have no recordings of their own
    corpora = {"an4", "fsdd", *stages.SPEECH}
    assert {name for name in corpora if f"/{name}/train.jsonl`" in card} == corpora
    conditions = json.loads((run / "conditions.json").read_text())
    assert tables.conditions(conditions) in card + "\n"
    assert conditions["model"] == info.hash
    assert info.scores["an4_test"]["score"]["wer"] == conditions["sets"]["an4_test"]["clean"]["wer"]
    assert sum(conditions["sets"]["an4_test"]["snr5"]["wer"][k] for k in ("hits", "deletions",
               "substitutions")) == 8  # fmt: skip
    minutes = json.loads((run / "minutes.json").read_text())
    assert all(f"{step} " in card for step in minutes) and minutes["third training"] > 0

    # A second call does nothing again.
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.*") if "published" not in
              path.parts and path.name != "minutes.json"}  # fmt: skip
    monkeypatch.chdir(ROOT)
    train.main(made["arguments"])
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "all: " in capsys.readouterr().out


@pytest.mark.slow
def test_the_one_who_is_left_out_is_nowhere(made):
    values = json.loads((made["run"] / "unseen.json").read_text())
    assert tuple(values["speakers"]) == SPEAKERS
    assert values["start"]["sha256"] == read_model(made["start"]).hash
    for speaker, found in values["speakers"].items():
        folder = made["run"] / "unseen" / speaker
        info = read_model(folder / "run" / "model")
        assert info.hash == found["model"]
        assert info.provenance["config"]["training"]["init_from"] == str(made["start"])
        heard = [item for path in info.provenance["data"] for item in read_manifest(path)]
        assert {item.speaker for item in heard} >= set(SPEAKERS) - {speaker}
        assert speaker not in {item.speaker for item in heard}
        assert not [item for item in heard if speaker in str(item.audio)]
        assert found["isolated"]["wer"]["reference"] == 8  # there are four takes of two digits
        assert found["strings"]["wer"]["reference"] == 2
    assert values["all"]["isolated"]["wer"]["reference"] == 48


@pytest.mark.slow
def test_a_model_that_knows_the_speakers_is_refused(made, tmp_path):
    config = load_config(train.CONFIG)
    fsdd = made["data"] / "fsdd"
    with pytest.raises(DataError, match="has been heard already"):
        unseen_speakers.study(made["model"], fsdd, [], config, tmp_path)
    also = read_manifest(fsdd / "dev.jsonl")[:1]
    with pytest.raises(DataError, match=r"george .* has been heard already"):
        unseen_speakers.study(made["start"], fsdd, also, config, tmp_path)


@pytest.mark.slow
def test_a_model_of_other_manifests_is_refused(made, tmp_path, monkeypatch):
    """If the manifests have changed, nobody can tell which speakers the model has heard."""
    manifest = made["data"] / "an4" / "dev.jsonl"
    monkeypatch.setattr(
        unseen_speakers, "sha256", lambda path: "0" if Path(path) == manifest else sha256(path)
    )
    with pytest.raises(DataError, match=r"dev.jsonl is not what .* was trained with"):
        unseen_speakers.trained_on(made["model"])


@pytest.mark.slow
def test_results_of_others_are_not_published(made, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    model, run = made["model"], made["run"]
    (tmp_path / "card.md").write_text("{unseen}")
    output = tmp_path / "model"
    with pytest.raises(DataError, match=r"conditions.json: results of another model"):
        publish.publish(model, tmp_path / "card.md", {}, output, conditions=RECORD)
    with pytest.raises(DataError, match=r"nothing was given for {unseen}"):
        publish.publish(model, tmp_path / "card.md", {}, output)
    unseen = json.loads((run / "unseen.json").read_text())
    unseen["fsdd"]["train"] = "0"
    (tmp_path / "unseen.json").write_text(json.dumps(unseen))
    with pytest.raises(DataError, match="of other digits"):
        publish.publish(model, tmp_path / "card.md", {}, output, unseen=tmp_path / "unseen.json")
    assert not output.exists()


def test_a_stage_hears_the_corpora_several_times(made):
    data = made["data"]
    for corpus, times in stages.TIMES.items():
        once = read_manifest(data / corpus / "train.jsonl")
        often = read_manifest(data / corpus / f"train_{times}_times.jsonl")
        said = [(item.audio.resolve(), item.text, item.speaker) for item in once]
        assert [(item.audio.resolve(), item.text, item.speaker) for item in often] == said * times
        assert len({item.id for item in often}) == len(often)


def test_a_share_of_a_manifest(tmp_path):
    items = [Utterance(tmp_path / f"{i}.wav", 1.0, "a", str(i)) for i in range(10)]
    write_manifest(tmp_path / "a.jsonl", items)
    counts = [len(unseen_speakers.share(tmp_path / "a.jsonl", part)) for part in (1, 0.5, 0.2, 0.3)]
    assert counts == [10, 5, 2, 3]


def test_a_corpus_that_is_not_prepared(tmp_path):
    with pytest.raises(SystemExit, match="an4 is not prepared: needs --an4 FILE, or --download"):
        prepare.main([f"--data={tmp_path}/data"])
