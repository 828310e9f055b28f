# ruff: noqa: E501
"""Try thousands of damaged text files, each of which must be read or refused in one line.

    python scripts/fuzz_texts.py [--inputs 10000] [--seed 0] [--jobs 2] [--save DIR]

Manifests, transcripts (trn, ctm, stm, srt, vtt, tsv, Kaldi, JSON), results, configurations in TOML,
ARPA files, lexicons, corpora of other tools and model directories are mutated: bytes and words
change, lines are lost, doubled and swapped, and what has broken readers before is put in. Workers
with bounded memory give each input to the command that reads it, in their own process; every
hundredth command is a process of its own. It is a finding if a worker dies, takes over ten seconds
for an input, meets any exception but an AsrError, an OSError or wrong usage, or if a process does
not end with 0, or with one line of error and 1 or 2. The totals are printed, and the exit code is 1
if there are findings. The script needs Linux.
"""

import contextlib
import hashlib
import io
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import click
import fuzz_audio
import numpy as np
from fuzz_audio import MUTATIONS, Totals, fuzz, make_parser

from asr.cli.main import app
from asr.config import from_mapping, read_values
from asr.decoding.bundle import read_bundle
from asr.decoding.lexicon import build_lexicon, read_lexicon
from asr.errors import AsrError
from asr.lm.ngram_file import read_lm
from asr.model.directory import default_model, read_model
from asr.model.domain import read_domain
from asr.training.config import load_config
from asr.training.lm.config import LmConfig
from asr.training.resumption import read_record, record_of, write_record

MEMORY = 3 << 30
EVERY = 100
"""One input in so many is given to a process of its own."""

PIECES = [
    b"\\ud83d", b'"\\udcff"', b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xe2\x80\xa8", b"\x0c",
    b"\r", b"\r\n", b"\t", b" ", b"1e999", b"-1", b"NaN", b"Infinity", b"-inf", b"1" * 400,
    b"9" * 5000, b"[" * 3000, b'{"a":' * 3000, b"{", b"}", b'"', b"\\", b";;", b"(", b")", b"(a-1)",
    b"<unk>", b"</s>", b"<s>", b"#", b"=", b"[[", b"]]", b"null", b"true", b"[]", b"{}", b"0",
    b"\\data\\\n", b"\\1-grams:\n", b"\\end\\\n", b"-->", b"00:00:01,000", b"x" * 70_000,
    "é".encode(), "ﬁ\u0301".encode(), "\u202e".encode(), b"../", b"/dev/null", b"a.wav", b"|", b"%s",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of input: the ``files`` of one (name to content), of which one is mutated, and what
    reads them: a function of their folder, or the arguments of a command, in which ``{}`` stands
    for the folder."""

    name: str
    files: dict[str, bytes]
    reader: Callable[[Path], object] | tuple[str, ...]


def main() -> int:
    """Mutate and read texts, and count the outcomes."""
    options = make_parser(__doc__, "inputs", "fuzz_texts").parse_args()
    start = time.monotonic()
    totals = fuzz_texts(options.inputs, options.seed, options.jobs, options.save)
    print(f"{str(totals).replace(' clips', ' inputs', 1)}")
    print(f"{time.monotonic() - start:.0f} s with {options.jobs} workers")
    return 1 if totals.findings else 0


def fuzz_texts(inputs: int, seed: int, jobs: int, save: Path) -> Totals:
    """Try ``inputs`` texts that ``seed`` determines."""
    return fuzz(inputs, seed, jobs, default_model(), save, work, lambda *which: mutant(*which)[1])


def work(connection: Connection, inputs: range, seed: int, model: Path) -> None:
    """Report an outcome for each of ``inputs``."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    connection.send(None)
    with tempfile.TemporaryDirectory() as folder:
        for number in inputs:
            connection.send(attempt(Path(folder), seed, number))


def attempt(folder: Path, seed: int, number: int) -> str:
    """Give an input to what reads it, and return its kind and how that ended, or "crash"."""
    kind = kinds()[number % len(kinds())]
    name, data = mutant(seed, number)
    shutil.rmtree(folder)
    for other, content in (kind.files | {name: data}).items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_bytes(content)
    outside = number % EVERY == EVERY - 1 and isinstance(kind.reader, tuple)
    outcome = _run_outside(kind, folder) if outside else _run_inside(kind, folder)
    if outcome.startswith("crash"):
        return f"{outcome} ({kind.name}: {name})"
    return f"{kind.name}: {outcome}"


def _run_inside(kind: Kind, folder: Path) -> str:
    nothing = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    try:
        with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            if not isinstance(kind.reader, tuple):
                kind.reader(folder)
            elif app(_arguments(kind.reader, folder), standalone_mode=False):
                return "problems"
    except (AsrError, click.ClickException, OSError) as error:
        return type(error).__name__
    except Exception as error:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
        return f"crash: {str(error)[:80]!r} {type(error).__name__} at {where}"
    return "read"


def _run_outside(kind: Kind, folder: Path) -> str:
    command = [sys.executable, "-m", "asr", *_arguments(kind.reader, folder)]
    done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    errors = [line for line in done.stderr.splitlines() if re.match(rb"(?i)error: ", line)]
    last = done.stderr.splitlines()[-1:]
    if b"Traceback" in done.stderr or b"error: unexpected" in done.stderr:
        return f"crash: {done.stderr[-300:]!r}"
    if done.returncode not in (0, 1, 2) or len(errors) > 1 or (errors and errors != last):
        return f"crash: ended with {done.returncode}: {done.stderr[-300:]!r}"
    return "process, read" if done.returncode == 0 else "process, refused"


def _arguments(reader: object, folder: Path) -> list[str]:
    assert isinstance(reader, tuple)
    return [part.replace("{}", str(folder)) for part in reader]


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """Return the name and the content of the damaged file ``number``, a pure function of both
    arguments."""
    rng = np.random.default_rng([seed, number])
    kind = kinds()[number % len(kinds())]
    names = [name for name in kind.files if not name.endswith((".wav", ".onnx"))]
    name = names[rng.integers(len(names))]
    data = kind.files[name]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change = CHANGES[rng.integers(len(CHANGES))]
        data = change(bytearray(data), rng)
    return name, bytes(data)


def put_piece(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Put in something that has broken readers before, or replace a word by it."""
    piece = PIECES[rng.integers(len(PIECES))]
    words = [*re.finditer(rb"[\w.\-]+", data)]
    if words and rng.random() < 0.7:
        word = words[rng.integers(len(words))]
        data[word.start() : word.end()] = piece
    else:
        at = int(rng.integers(len(data) + 1))
        data[at:at] = piece
    return data


def change_lines(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Take a line out, double one, or swap two."""
    lines = bytes(data).split(b"\n")
    one, two = rng.integers(len(lines), size=2)
    match rng.integers(3):
        case 0:
            del lines[one]
        case 1:
            lines.insert(two, lines[one])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
    return bytearray(b"\n".join(lines))


def swap_words(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Put one word of the file in the place of another."""
    words = [*re.finditer(rb"[\w.\-\"]+", data)]
    if words:
        one, two = (words[at] for at in rng.integers(len(words), size=2))
        data[one.start() : one.end()] = two[0]
    return data


VALUES = [
    None, True, [], {}, "", " ", 0, -1, 1.5, 10**299, -(10**299), 1e308, float("nan"), float("inf"),
    "\ud83d", "\udce9", "a\nb", "a\x00b", "\u2028", "x" * 5000, [1], [None], ["a", "a"], {"a": {"b": []}},
    [[[]]], "1", "NaN", "../../a.wav", "/", ".", "é", "\u202e", ["\udce9"], {"\ud83d": 1}, [[1, 2], [3]],
    2**63, 2**64, -(2**63), 5e-324,
]  # fmt: skip
"""What is put in the place of values of JSON."""


def change_value(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Replace, remove or copy a value of a JSON file, or of a line of one; change another file's
    words."""
    text = bytes(data)
    lines = [text]
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        lines = text.split(b"\n")
    at = int(rng.integers(len(lines)))
    try:
        values = json.loads(lines[at])
    except (ValueError, RecursionError):
        return put_piece(data, rng)
    places: list[tuple[dict | list, str | int]] = []
    left = [values] if isinstance(values, dict | list) else []
    while left:
        value = left.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            places.append((value, key))
            if isinstance(item, dict | list):
                left.append(item)
    if not places:
        return put_piece(data, rng)
    inside, key = places[rng.integers(len(places))]
    draw = rng.random()
    if draw < 0.7:
        inside[key] = VALUES[rng.integers(len(VALUES))]
    elif draw < 0.85:
        del inside[key]
    else:
        other, name = places[rng.integers(len(places))]
        inside[key] = json.loads(json.dumps(other[name]))
    lines[at] = json.dumps(values).encode()
    return bytearray(b"\n".join(lines))


CHANGES = [
    *MUTATIONS,
    *[put_piece] * 8,
    *[change_value] * 12,
    *[change_lines] * 3,
    *[swap_words] * 3,
]


@cache
def kinds() -> list[Kind]:
    """Return all kinds of inputs."""
    samples = Path(__file__).parent.parent / "samples"
    wav = fuzz_audio.encode(np.zeros(1600, np.float32), format="WAV", subtype="PCM_16")
    texts = {"ann-1": "yes no", "ann-2": "stop the car", "bob-1": "four one two", "bob-2": "go"}
    lines = [
        {
            "audio_filepath": "a.wav",
            "duration": 0.1,
            "text": text,
            "id": id,
            "speaker": id[:3],
            "n": 3,
        }
        for id, text in texts.items()
    ]
    manifest = "".join(json.dumps(line) + "\n" for line in lines).encode()
    trn = "".join(f"{text} ({id})\n" for id, text in texts.items()).encode()
    kaldi = "".join(f"{id} {text}\n" for id, text in texts.items()).encode()
    ctm = b"".join(
        f"{id} 1 {at:.2f} 0.30 {word} 0.9\n".encode()
        for id, text in texts.items()
        for at, word in enumerate(text.split())
    )
    stm = "".join(f"{id} 1 {id[:3]} 0.0 4.0 {text}\n" for id, text in texts.items()).encode()
    srt = b"1\n00:00:00,000 --> 00:00:01,500\nyes no\n\n2\n00:00:02,000 --> 00:00:03,000\nstop\n"
    vtt = b"WEBVTT\n\n00:00.000 --> 00:01.500\nyes no\n\n00:02.000 --> 00:03.000\nstop\n"
    tsv = b"start\tend\ttext\n0\t1500\tyes no\n2000\t3000\tstop\n"
    plain = "".join(f"{text}\n" for text in texts.values()).encode()
    scored = {
        "txt": plain, "trn": trn, "jsonl": manifest, "ctm": ctm, "stm": stm, "srt": srt, "vtt": vtt,
        "tsv": tsv, "text": kaldi,
    }  # fmt: skip
    names = {suffix: "text" if suffix == "text" else f"h.{suffix}" for suffix in scored}
    found = [
        Kind(
            f"score {suffix}",
            {f"r/{name}": content, f"h/{name}": content},
            ("score", f"{{}}/r/{name}", f"{{}}/h/{name}", "-o", "{}/out"),
        )
        for (suffix, content), name in zip(scored.items(), names.values(), strict=True)
    ]
    found.append(
        Kind(
            "score trn and ctm",
            {"r.trn": trn, "h.ctm": ctm},
            ("score", "{}/r.trn", "{}/h.ctm", "-o", "{}/out"),
        )
    )
    sound = {"a.wav": wav}
    listed = {"m.jsonl": manifest} | sound
    model = str(default_model())
    for name, arguments in {
        "validate": ("data", "validate", "{}/m.jsonl"),
        "stats": ("data", "stats", "--audio", "1", "{}/m.jsonl"),
        "export csv": ("data", "export", "csv", "{}/m.jsonl", "-o", "{}/out.csv"),
        "export kaldi": ("data", "export", "kaldi", "{}/m.jsonl", "-o", "{}/out"),
        "export lhotse": ("data", "export", "lhotse", "{}/m.jsonl", "-o", "{}/out.jsonl"),
        "export nemo": ("data", "export", "nemo", "{}/m.jsonl", "-o", "{}/out.jsonl"),
        "import nemo": ("data", "import", "nemo", "{}/m.jsonl", "-o", "{}/out/m.jsonl"),
        "build from manifest": ("lm", "build", "{}/m.jsonl", "-o", "{}/lm.arpa"),
    }.items():
        found.append(Kind(name, listed, arguments))
    table = b"audio_filepath,text,id,speaker\na.wav,yes no,a,ann\na.wav,stop,b,bob\n"
    found.append(
        Kind(
            "import csv",
            {"t.csv": table} | sound,
            ("data", "import", "csv", "{}/t.csv", "-o", "{}/out/m.jsonl"),
        )
    )
    corpus = {
        "wav.scp": b"rec a.wav\n", "segments": b"ann-1 rec 0.0 0.05\nann-2 rec 0.05 0.1\n",
        "text": b"ann-1 yes no\nann-2 stop the car\n", "utt2spk": b"ann-1 ann\nann-2 ann\n",
        "utt2dur": b"ann-1 0.05\nann-2 0.05\n",
    }  # fmt: skip
    found.append(
        Kind(
            "import kaldi",
            corpus | sound,
            ("data", "import", "kaldi", "{}", "-o", "{}/out/m.jsonl"),
        )
    )
    cut = {
        "id": "c", "start": 0, "duration": 0.1, "channel": 0, "type": "MonoCut",
        "supervisions": [{"id": "s", "recording_id": "r", "start": 0, "duration": 0.1, "channel": 0, "text": "yes", "speaker": "ann"}],
        "recording": {"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "sampling_rate": 16000, "num_samples": 1600, "duration": 0.1, "channel_ids": [0]},
    }  # fmt: skip
    found.append(
        Kind(
            "import lhotse",
            {"cuts.jsonl": (json.dumps(cut) + "\n").encode()} | sound,
            ("data", "import", "lhotse", "{}/cuts.jsonl", "-o", "{}/out/m.jsonl"),
        )
    )
    found.append(
        Kind(
            "import folder",
            {"a.txt": b"yes no\n"} | sound,
            ("data", "import", "folder", "{}", "-o", "{}/out/m.jsonl"),
        )
    )
    results = _results(trn, ctm)
    found += [
        Kind("compare", {"a/results.json": results, "b/results.json": results}, ("compare", "{}/a", "{}/b", "-o", "{}/out")),
        Kind("report", {"a/results.json": results}, ("report", "{}/a")),
        Kind("curves", {"run/metrics.csv": METRICS}, ("report", "{}/run")),
        Kind("record of a run", {"data.json": _record(manifest)}, read_record),
        Kind("score by options", {"r": trn, "h": kaldi}, ("score", "{}/r", "{}/h", "--ref-format", "trn", "--hyp-format", "kaldi", "-o", "{}/out")),
        Kind("build", {"t.txt": plain, "v.txt": b"yes\nno\nstop\n"}, ("lm", "build", "{}/t.txt", "--vocabulary", "{}/v.txt", "-o", "{}/lm.ngram")),
    ]  # fmt: skip
    arpa = b"\\data\\\nngram 1=4\nngram 2=3\n\n\\1-grams:\n-1\t<unk>\n-99\t<s>\t-0.3\n-0.5\t</s>\n-0.4\tyes\t-0.2\n\n\\2-grams:\n-0.2\t<s> yes\n-0.3\tyes yes\n-0.4\tyes </s>\n\n\\end\\\n"
    toml = (samples.parent / "recipes/an4/config.toml").read_bytes()
    lm_toml = b'name = "x"\n[data]\ntrain = ["a.txt"]\n[training]\nepochs = 3\n'
    vocabulary = read_model(model).vocabulary
    found += [
        Kind("arpa", {"lm.arpa": arpa}, lambda at: read_lm(at / "lm.arpa").encode("yes no")),
        Kind("evaluate arpa", {"lm.arpa": arpa, "t.txt": plain}, ("lm", "evaluate", "{}/lm.arpa", "--text", "{}/t.txt")),
        Kind("toml", {"c.toml": toml}, lambda at: load_config(at / "c.toml")),
        Kind("toml of lm", {"c.toml": lm_toml}, lambda at: from_mapping(LmConfig, read_values(at / "c.toml"))),
        Kind(
            "lexicon",
            {"l.txt": b"yes Y EH S\nno N OW\nno(2) N UH\n# comment\nstop\n"},
            lambda at: build_lexicon(words := read_lexicon(at / "l.txt"), range(len(words)), vocabulary),
        ),
        Kind("model", _model_files(Path(model)), _read_model_directory),
    ]  # fmt: skip
    return found


METRICS = b"""epoch,step,learning_rate,train_loss,dev_loss,dev_wer,gradient_norm,seconds
1,3,0.0003,145.01,145.03,98.5,0.598,1.5
2,6,0.0002,90.5,91.25,44.25,0.7,1.25
"""


def _record(manifest: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.jsonl").write_bytes(manifest)
        write_record(Path(folder), record_of([f"{folder}/m.jsonl"], ["-", "a"], [0.0, -1.5]))
        return (Path(folder) / "data.json").read_bytes()


def _results(trn: bytes, ctm: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "r.trn").write_bytes(trn)
        (Path(folder) / "h.ctm").write_bytes(ctm)
        nothing = io.StringIO()
        with contextlib.redirect_stdout(nothing):
            app(
                ["score", f"{folder}/r.trn", f"{folder}/h.ctm", "-o", f"{folder}/out"],
                standalone_mode=False,
            )
        return (Path(folder) / "out/results.json").read_bytes()


def _model_files(folder: Path) -> dict[str, bytes]:
    files = {name: (folder / name).read_bytes() for name in ("domain.json", "lm.json", "lm.words")}
    files |= {
        "model.onnx": b"weights",
        "golden/golden.json": (folder / "golden/golden.json").read_bytes(),
    }
    values = json.loads((folder / "model.json").read_text())
    values["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return files | {"model.json": json.dumps(values, indent=1).encode()}


def _read_model_directory(folder: Path) -> None:
    """Read a directory as recognition does; the hashes of its files are made right first, so that
    what was changed in them is met."""
    from asr.recognition.golden import _read_list

    description = (folder / "model.json").read_bytes()
    for name in ("domain.json", "lm.json", "lm.words", "golden/golden.json"):
        old = kinds()[-1].files[name]
        new = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        description = description.replace(hashlib.sha256(old).hexdigest().encode(), new.encode())
    (folder / "model.json").write_bytes(description)
    info = read_model(folder)
    read_domain(folder, info)
    read_bundle(folder, info)
    _read_list(folder / "golden/golden.json")


if __name__ == "__main__":
    sys.exit(main())
