"""The public names of ``asr`` are loaded lazily, have types, and do what the commands do."""

import inspect
import json
import subprocess
import sys
import typing

import pytest
from commands import run
from conftest import ROOT

import asr

MANIFEST = ROOT / "samples/manifest.jsonl"
SAMPLE = ROOT / "samples/flite-rms-short-answer.wav"
FUNCTIONS = ["align", "compare", "evaluate", "fit", "load", "score", "transcribe"]


def python(program):
    """Run a program in a process of its own and return the words that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def test_every_name_is_there_with_its_documentation():
    assert sorted(asr.__all__) == sorted(set(asr.__all__)) == asr.__all__
    assert set(asr.__all__) <= set(dir(asr))
    for name in asr.__all__:
        value = getattr(asr, name)
        assert name == "__version__" or inspect.getdoc(value)
        assert inspect.isfunction(value) == (name in FUNCTIONS)
    for name in set(FUNCTIONS) - {"score"}:
        assert ">>> " in getattr(asr, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'whisper'"):
        asr.whisper  # noqa: B018


def test_importing_it_costs_nothing():
    found = python(
        "import sys; before = set(sys.modules); import asr; print(*set(sys.modules) - before)"
    )
    assert {name for name in found if name.startswith("asr")} == {"asr", "asr.version"}
    assert not set(found) & {"numpy", "typing", "onnxruntime", "soundfile", "pathlib"}
    asked = python("import sys, asr; asr.AsrError; print('numpy' in sys.modules)")
    assert asked == ["False"]


def test_types_are_those_of_the_signatures():
    """The type hints of the public functions name the public result types.

    The names that stand in quotes are names of the module or of what type checkers alone import.
    """
    names = {name: getattr(asr, name) for name in asr.__all__}
    import pathlib
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    names |= {"Path": pathlib.Path, "Sequence": Sequence, "Any": typing.Any, "np": np, "npt": npt}
    results = {
        name: typing.get_type_hints(getattr(asr, name), globalns=names)["return"]
        for name in FUNCTIONS
        if name != "score"
    }
    assert results == {
        "align": asr.Alignment,
        "compare": asr.Difference,
        "evaluate": asr.Evaluation,
        "fit": pathlib.Path,
        "load": asr.Transcriber,
        "transcribe": asr.Transcript,
    }


def test_transcribe_as_the_command_does(speech):
    values = json.loads(run("transcribe", "-f", "json", SAMPLE).stdout)
    transcript = asr.transcribe(SAMPLE)
    assert isinstance(transcript, asr.Transcript)
    assert (transcript.text, transcript.model) == (values["text"], values["model"])
    assert [segment.text for segment in transcript.segments] == [
        segment["text"] for segment in values["segments"]
    ]
    assert [(word.text, round(word.confidence, 4)) for word in transcript.words] == [
        (word["word"], word["confidence"]) for word in values["words"]
    ]
    assert asr.transcribe(SAMPLE.read_bytes()) == asr.load().transcribe(SAMPLE) == transcript
    assert asr.transcribe(speech).text == "p e t e r s o n"


def test_options_of_the_decoder():
    beam = asr.load(decoder="beam", hotwords={"repeat": 3.0}, threads=1)
    assert beam.transcribe(SAMPLE).text == "yes repeat"
    assert asr.transcribe(SAMPLE, decoder="beam", beam_size=4).text == "yes repeat"
    assert asr.transcribe(SAMPLE, hotwords={"repeat": 3.0}).text == "yes repeat"
    with pytest.raises(asr.AsrError, match="only for decoder='beam'"):
        asr.load(decoder="greedy", hotwords={"repeat": 3.0})
    with pytest.raises(asr.AsrError, match="device 'tpu' cannot be used"):
        asr.load(device="tpu")


def test_align_as_the_command_does():
    values = json.loads(run("align", SAMPLE, "yes repeat").stdout)
    alignment = asr.align(SAMPLE, "Yes repeat")
    assert isinstance(alignment, asr.Alignment)
    assert [(word.text, round(word.start, 3)) for word in alignment.words] == [
        (word["word"], word["start"]) for word in values["words"]
    ]
    assert round(alignment.score, 3) == values["score"]


def test_evaluate_and_compare_as_the_commands_do(tmp_path):
    first = asr.evaluate(MANIFEST, output_dir=tmp_path / "one")
    second = asr.evaluate(MANIFEST, asr.load(ROOT / "recipes/an4/model"))
    done = run(
        "evaluate", "--manifest", MANIFEST, "--model", "recipes/an4/model", "-o", tmp_path / "two"
    )
    assert done.stdout.startswith(f"WER  {second.score.words}\n     {second.interval}\n")
    names = {"results.json", "report.html", "ref.trn", "hyp.trn", "hyp.ctm", "ref.stm"}
    for folder in ("one", "two"):
        assert {path.name for path in (tmp_path / folder).iterdir()} == names
    expected = asr.compare(first, second)
    assert isinstance(expected, asr.Difference) and expected.rate > 0
    assert asr.compare(tmp_path / "one", tmp_path / "two" / "results.json") == expected
    done = run("compare", tmp_path / "one", tmp_path / "two")
    assert f"verdict: {expected.verdict('system 1', 'system 2')}" in done.stdout.splitlines()
    with pytest.raises(asr.AsrError, match="decoder: needs a model directory, not a loaded model"):
        asr.evaluate(MANIFEST, asr.load(), decoder="beam")


def test_compare_needs_the_same_utterances(tmp_path):
    lines = MANIFEST.read_text().replace(
        '"audio_filepath": "', f'"audio_filepath": "{ROOT}/samples/'
    )
    (tmp_path / "few.jsonl").write_text("\n".join(lines.splitlines()[:3]))
    few, all_of_them = asr.evaluate(tmp_path / "few.jsonl"), asr.evaluate(MANIFEST)
    with pytest.raises(
        asr.AsrError, match=r"few\.jsonl and .*manifest\.jsonl are of different utt"
    ):
        asr.compare(few, all_of_them)


def test_score():
    score = asr.score(["yes no"], ["yes"])
    assert (score.wer, score.words) == (0.5, asr.ErrorCounts(hits=1, deletions=1))


def test_fit_names_what_is_wrong():
    with pytest.raises(asr.AsrError, match=r"cannot read none\.toml"):
        asr.fit("none.toml")
    with pytest.raises(asr.AsrError, match="unknown key"):
        asr.fit(ROOT / "recipes/an4/config.toml", ["training.epoch=3"])


def test_python_m_asr_is_asr():
    command = [sys.executable, "-m", "asr"]
    done = subprocess.run(
        [*command, "transcribe", "--verbatim", SAMPLE], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "yes repeat\n")
    done = subprocess.run([*command, "score"], capture_output=True, text=True)
    assert done.returncode == 2 and "asr score [OPTIONS]" in done.stderr


def test_the_manifest_of_the_samples_holds_their_texts():
    items = [json.loads(line) for line in MANIFEST.read_text().splitlines()]
    folder = MANIFEST.parent
    assert [item["audio_filepath"] for item in items] == [
        path.name for path in sorted(folder.glob("*.wav"))
    ]
    for item in items:
        text = (folder / item["audio_filepath"]).with_suffix(".txt").read_text()
        assert item["text"] == text.strip()
        readable = (folder / item["audio_filepath"]).with_suffix(".readable.txt").read_text()
        assert len(readable.split()) <= len(text.split())
