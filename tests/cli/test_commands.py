"""The command line as a user meets it: output, errors in one line, exit codes, imports."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from commands import COMMAND, run
from conftest import ROOT, noise

import asr
from asr.cli.main import app

SAMPLES = [str(path) for path in sorted((ROOT / "samples").glob("*.wav"))]


def text_of(path):
    """Return the text of a sample."""
    with open(path[: -len("wav")] + "txt", encoding="utf-8") as file:
        return file.read().strip()


def readable_of(path):
    """Return the readable text of a sample."""
    with open(path[: -len("wav")] + "readable.txt", encoding="utf-8") as file:
        return file.read().strip()


def test_one_input_gives_its_text_alone():
    done = run("transcribe", SAMPLES[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, readable_of(SAMPLES[0]) + "\n", "")
    done = run("transcribe", SAMPLES[0], "--verbatim")
    assert (done.returncode, done.stdout, done.stderr) == (0, text_of(SAMPLES[0]) + "\n", "")


def test_several_inputs_give_path_and_text():
    done = run("transcribe", *SAMPLES)
    assert done.stdout.splitlines() == [f"{path}\t{readable_of(path)}" for path in SAMPLES]
    assert done.returncode == 0


def test_json_lines():
    """With -f json each input gives one line of JSON."""
    lines = run("transcribe", "-f", "json", *SAMPLES[:2]).stdout.splitlines()
    assert [json.loads(line)["text"] for line in lines] == [text_of(path) for path in SAMPLES[:2]]


def test_beam_search():
    """Beam search recognises the samples and gives confidences."""
    beam = run("transcribe", "--decoder", "beam", *SAMPLES)
    assert (beam.stderr, beam.returncode) == ("", 0)
    assert beam.stdout.splitlines() == [f"{path}\t{readable_of(path)}" for path in SAMPLES]
    done = run("transcribe", "--beam-size", "4", "-f", "json", SAMPLES[0])
    assert all(0 < word["confidence"] <= 1 for word in json.loads(done.stdout)["words"])


def test_greedy_search_loads_no_compiled_library():
    program = (
        "import sys, asr\n"
        "transcriber = asr.load()\n"
        "transcriber.transcribe(sys.argv[1])\n"
        "print('asr.native' in sys.modules)\n"
        "asr.load(decoder='beam').transcribe(sys.argv[1])\n"
        "print('asr.native' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLES[0]], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="no list of threads here")
def test_a_short_recording_needs_one_thread_and_few_modules():
    program = (
        "import os, sys\n"
        "sys.argv = ['asr', 'transcribe', sys.argv[1]]\n"
        "from asr.cli.main import main\n"
        "try: main()\n"
        "except SystemExit:\n"
        "    print(len(os.listdir('/proc/self/task')))\n"
        "    unused = {'asr.decoding.bundle', 'asr.data.manifest', 'jiwer', 'rich', 'av'}\n"
        "    print(sorted(unused & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLES[0]],
        capture_output=True, text=True, check=True,
        env={key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"},
    )  # fmt: skip
    assert done.stdout.splitlines()[1:] == ["1", "[]"]


def test_standard_input():
    """The argument - stands for standard input."""
    with open(SAMPLES[0], "rb") as file:
        done = subprocess.run(
            [*COMMAND, "transcribe", "-", "--verbatim"], stdin=file, capture_output=True, text=True
        )
    assert done.stdout == text_of(SAMPLES[0]) + "\n"


def test_output_folder(tmp_path):
    """With -f all and -o each format is written into the folder."""
    done = run("transcribe", SAMPLES[0], "-f", "all", "-o", tmp_path / "out", "--verbatim")
    assert (done.returncode, done.stdout) == (0, "")
    stem = os.path.basename(SAMPLES[0])[:-4]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    formats = ["ctm", "json", "srt", "textgrid", "tsv", "txt", "vtt"]
    assert names == [f"{stem}.{format}" for format in formats]
    assert (tmp_path / "out" / f"{stem}.txt").read_text() == text_of(SAMPLES[0]) + "\n"


def test_an_input_folder_comes_again_below_the_output_folder(tmp_path):
    for name in ("a.wav", "deep/er/b.wav", "deep/notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES[0], tmp_path / "in" / name)
    command = ["transcribe", tmp_path / "in", "-o", tmp_path / "out", "-f", "srt", "--verbatim"]
    done = run(*command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in made) == [
        "a.srt", "deep/er/b.srt"
    ]  # fmt: skip
    # A transcript that exists is left as it is, and its recording is not recognised again.
    made[0].write_text("mine")
    made[1].unlink()
    done = run(*command, "--skip-existing")
    assert (done.returncode, done.stderr) == (0, "1 input skipped: transcribed already\n")
    assert made[0].read_text() == "mine" and text_of(SAMPLES[0]) in made[1].read_text()


def test_shards_are_all_inputs_together():
    shards = [
        run("transcribe", "samples", "--verbatim", "--shard", f"{n}/3").stdout for n in (1, 2, 3)
    ]
    lines = sorted(line for shard in shards for line in shard.splitlines())
    assert lines == [f"{os.path.relpath(path, ROOT)}\t{text_of(path)}" for path in sorted(SAMPLES)]


def test_subtitles_of_one_input_go_to_standard_output():
    done = run("transcribe", "--verbatim", "-f", "vtt", "--max-words-per-line", "2", SAMPLES[0])
    lines = done.stdout.splitlines()
    assert lines[0] == "WEBVTT"
    texts = [line for line in lines[1:] if line and "-->" not in line]
    assert " ".join(texts) == text_of(SAMPLES[0])
    assert max(len(line.split()) for line in texts) == 2


def live(arguments, chunks):
    """Return the lines of ``asr transcribe``, each with the number of chunks written before it.

    A chunk is written once the one before has been read and some time has passed.
    """
    command = [*COMMAND, "transcribe", "-", "--verbatim", *arguments]
    lines, written = [], 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def read():
            for line in process.stdout:
                lines.append((line.decode().strip(), written))

        reader = threading.Thread(target=read)
        reader.start()
        for chunk in chunks:
            process.stdin.write(chunk)
            process.stdin.flush()
            written += 1
            time.sleep(0.1)
        process.stdin.close()
        reader.join(60)
        assert process.wait(60) == 0
    return lines


def test_a_live_stream_is_transcribed_while_it_goes_on():
    """The first line of half a minute, written second by second, comes long before its end."""
    parts = []
    for path in SAMPLES[:5]:
        samples, rate = soundfile.read(path, dtype="int16")
        parts += [samples, (1e-4 * 32768 * noise(2 * rate)).astype(np.int16)]
    raw = np.concatenate(parts).tobytes()
    lines = live(["--raw-rate", "16000"], [raw[i : i + 32000] for i in range(0, len(raw), 32000)])
    assert len(lines) == 5
    errors = [
        asr.score([text_of(path)], [line]).words.errors
        for path, (line, _) in zip(SAMPLES, lines, strict=False)
    ]
    assert sum(errors) <= 5
    seconds = len(raw) / 32000
    assert lines[0][1] < seconds - 5


def test_one_bad_file_is_reported_and_the_others_go_on(tmp_path):
    (tmp_path / "bad.wav").write_text("not audio")
    done = run("transcribe", SAMPLES[0], tmp_path / "bad.wav", SAMPLES[1])
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    errors = done.stderr.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"error: {tmp_path / 'bad.wav'}: not readable as audio")
    assert errors[1] == "error: 1 of 3 inputs could not be transcribed"


def test_warnings_go_to_standard_error(tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(100), 16000)
    done = run("transcribe", tmp_path / "short.wav")
    assert (done.returncode, done.stdout) == (0, "\n")
    assert done.stderr.startswith(f"warning: {tmp_path / 'short.wav'}: shorter than one frame")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["transcribe", "none.wav"], 1, "error: none.wav: no such file"),
        (["transcribe", "a/x.wav", "b/x.wav", "-o", "out"], 1, "would both be written"),
        (["transcribe", "x.wav", "--model", "nowhere"], 1, "nowhere: no such model directory"),
        (["transcribe", "x.wav", "-f", "all"], 2, "needs --output-dir"),
        (["transcribe"], 2, "Missing argument"),
        (["transcribe", "x.wav", "--raw-rate", "16000"], 2, "is for standard input"),
        (["transcribe", "x.wav", "--endpoint-seconds", "1"], 2, "standard input and named pipes"),
        (["transcribe", "x.wav", "--skip-existing"], 2, "needs --output-dir"),
        (
            ["transcribe", "x.wav", "--shard", "3/2"],
            1,
            "--shard 3/2: a shard is I/N with 1 <= I <= N",
        ),
        (["transcribe", "x.wav", "--device", "tpu"], 1, "device 'tpu' cannot be used"),
        (
            ["transcribe", "x.wav", "--max-line-count", "2"],
            1,
            "--max-line-count needs --max-line-width",
        ),
        (["transcribe", "samples", "-f", "srt"], 2, "needs --output-dir"),
        (["transcribe", "asr/decoding"], 1, "no audio files"),
        (["transcribe", "x.wav", "-f", "docx"], 2, "docx"),
        (["transcribe", "x.wav", "--decoder", "greedy", "--hotword", "a"], 2, "has no --hotword"),
        (["transcribe", "x.wav", "--hotword", "kai:x"], 1, "needs WORD:BOOST"),
        (["transcribe", "x.wav", "--hotword", "naïve"], 1, "has no symbol for 'ï'"),
        (["transcribe", "x.wav", "--lm", "none.arpa"], 1, "cannot read the language model"),
        (["transcribe", "x.wav", "--lexicon", "none.txt"], 1, "cannot read the lexicon none.txt"),
        (["lm", "tune", "--manifest", "x.jsonl", "--model", "nowhere"], 1, "no such model"),
        (["nonsense"], 2, "No such command"),
        (["evaluate", "--manifest", "none.jsonl"], 1, "cannot read the manifest none.jsonl"),
        (["data", "validate", "none.jsonl"], 1, "cannot read the manifest none.jsonl"),
        (["train", "--config", "none.toml"], 1, "cannot read none.toml"),
        (["verify", "nowhere"], 1, "nowhere: no such model directory"),
    ],
)
def test_errors_are_one_line_and_a_status(arguments, status, message):
    done = run(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    if status == 1:
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("columns", ["60", "100"])
def test_help_names_what_a_user_types(columns, monkeypatch):
    """It has neither Python types nor braces."""
    monkeypatch.setenv("COLUMNS", columns)
    for command in (
        *(("transcribe",), ("align",), ("evaluate",), ("score",), ("compare",), ("report",)),
        *(("train",), ("verify",), ("data", "validate"), ("data", "stats")),
        *(("data", "import", name) for name in ("kaldi", "nemo", "lhotse", "csv", "folder")),
        *(("data", "export", name) for name in ("kaldi", "nemo", "lhotse", "csv")),
        *(("lm", name) for name in ("build", "train", "evaluate", "sample", "tune")),
    ):
        result = CliRunner().invoke(app, [*command, "--help"])
        assert result.exit_code == 0 and "Usage: " in result.stdout
        for artefact in ("<list", "<int", "<float", "<str", "<path", "{", "None"):
            assert artefact not in result.stdout, command


def test_help_and_version():
    """Commands have a help, and the program has a version."""
    assert run("--help").returncode == 0
    assert run("--version").stdout.startswith("asr ")
    for command in ("transcribe", "evaluate", "train", "verify"):
        assert "Usage" in run(command, "--help").stdout


def test_recognition_imports_no_torch():
    program = (
        "import sys, asr\n"
        "asr.load().transcribe(sys.argv[1])\n"
        "heavy = {'torch', 'torchaudio', 'lightning', 'librosa', 'onnx', 'matplotlib', 'scipy',\n"
        "         'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLES[0]], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    program = (
        "import sys\nsys.argv = ['asr', 'transcribe', sys.argv[1]]\nimport asr.cli.main as m\n"
    )
    program += "try: m.main()\nexcept SystemExit: print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLES[0]], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_verify_and_card():
    """The default model reproduces its golden clips, and has a model card."""
    done = run("verify")
    assert done.returncode == 0
    assert "golden clips reproduced" in done.stdout
    assert run("verify", "--card").stdout.startswith("# ")


def test_verify_reports_a_model_without_golden_clips(small_model):
    done = run("verify", small_model)
    assert done.returncode == 1 and "has no golden clips" in done.stderr


def test_validate(tmp_path):
    """A manifest whose characters a model lacks is reported with its line."""
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000)
    path = tmp_path / "m.jsonl"
    entry = {"audio_filepath": "a.wav", "duration": 1.0, "text": "yes"}
    path.write_text(json.dumps(entry))
    good = run("data", "validate", path, "--model", ROOT / "asr/models/default")
    assert (good.returncode, good.stdout) == (0, "")
    path.write_text(json.dumps(entry | {"text": "yes!"}))
    bad = run("data", "validate", path, "--model", ROOT / "asr/models/default")
    assert bad.returncode == 1
    assert bad.stdout == f"{path}:1: a: characters '!' outside the vocabulary\n"


def test_evaluate(tmp_path):
    path = tmp_path / "m.jsonl"
    with open(path, "w") as file:
        for index, sample in enumerate(SAMPLES):
            text = text_of(sample) if index else "x " + text_of(sample)
            duration = soundfile.info(sample).duration
            values = {"audio_filepath": sample, "duration": duration, "text": text}
            print(json.dumps(values), file=file)
    done = run("evaluate", "--manifest", path, "-o", tmp_path / "out", "--training-manifest", path)
    assert done.returncode == 0, done.stderr
    words = sum(len(text_of(sample).split()) for sample in SAMPLES) + 1
    assert f"[1 / {words}: 0 ins, 1 del, 0 sub]" in done.stdout.splitlines()[0]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["score"]["wer"]["errors"] == 1
    first, second = results["utterances"][:2]
    assert first["errors"] == 1 and sum(results["attribution"].values()) == 1
    assert len([cause for cause in first["causes"] if cause]) == 1 and first["label_score"] > 0
    assert second["causes"] is second["label_score"] is None
    assert [len(item["words"]) for item in (first, second)] == [
        len(item["hypothesis"].split()) for item in (first, second)
    ]
    assert results["calibration"]["words"] == words - 1
    assert results["latency"]["utterances"] == len(SAMPLES)
    assert results["unseen_texts"] is None
    assert results["overlap"] == {
        "speakers": [], "texts": len(SAMPLES), "audio": len(SAMPLES), "utterances": len(SAMPLES),
    }  # fmt: skip
    assert (tmp_path / "out" / "report.html").stat().st_size > 50_000
    ctm = (tmp_path / "out" / "hyp.ctm").read_text().splitlines()
    assert len(ctm) == words - 1
    reference = (tmp_path / "out" / "ref.trn").read_text().splitlines()
    stem = os.path.basename(SAMPLES[0])[:-4]
    assert reference[0] == f"x {text_of(SAMPLES[0])} (unknown-{stem})"


def test_interrupt_keeps_what_is_finished(tmp_path):
    out = tmp_path / "out"
    inputs = tmp_path / "in"
    inputs.mkdir()
    samples = np.zeros(16000 * 240, np.float32)
    samples[0] = 0.5
    for index in range(40):
        soundfile.write(inputs / f"{index:02}.flac", samples, 16000)
    files = [SAMPLES[0], *sorted(map(str, inputs.iterdir()))]
    command = [*COMMAND, "transcribe", "--batch-size", "1", "-o", str(out), *files]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as this test may be, ignores SIGINT; so would its child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 40
    while not list(out.glob("*.txt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - interrupted < 2
    assert process.returncode == 130
    assert errors == "interrupted\n"
    finished = list(out.iterdir())
    assert 0 < len(finished) < len(files)
    assert all(path.suffix == ".txt" for path in finished)
