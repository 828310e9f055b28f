"""Make the English model: from the archives and packages to a model directory, in one command.

    python recipes/english/train.py --speech SPEECH --an4 an4_sphere.tar.gz --books books.txt.xz \\
        --read librispeech_train-clean-100.txt.xz --kokoro-model kokoro.onnx \\
        --kokoro-voices voices [--labelled data/english/labelled.jsonl]

It runs the commands of the README one after the other, and prints each. A step whose result exists
is not done again, and a training that was stopped goes on. Call it from the folder that holds
``recipes/``; the model is ``runs/english/model``.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA, RUN = Path("data/english"), Path("runs/english")
TAGGER = Path("asr/models/default/tagger.onnx")


@dataclass(frozen=True)
class Step:
    """A ``command`` of Python, and the file ``result`` that it leaves when it has ended; None if it
    looks itself for what is there."""

    command: list[str | Path]
    result: Path | None = None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--speech", type=Path, required=True, help="the folder of corpora")
    add("--an4", type=Path, required=True, help="AN4's archive")
    add("--books", type=Path, required=True, help="sentences of books, one a line")
    add("--read", type=Path, required=True, help="lines of an id and a text that people read")
    add("--kokoro-model", type=Path, required=True, help="Kokoro's ONNX file")
    add("--kokoro-voices", type=Path, required=True, help="the folder of the vectors of its voices")
    add("--labelled", type=Path, help="a manifest of label.py")
    options = parser.parse_args(arguments)
    for step in steps(options):
        if step.result is not None and step.result.exists():
            print(f"{step.result}: there", file=sys.stderr, flush=True)
            continue
        shown = shlex.join(map(str, ["python", *step.command]))
        print(shown, file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, *step.command]).returncode:
            sys.exit(f"error: {shown} failed; mend what it says and run this again")
    print(RUN / "model")


def steps(options: argparse.Namespace) -> Iterator[Step]:
    """Yield the steps in their order."""
    here = Path("recipes/english")
    asr: list[str | Path] = ["-m", "asr"]
    texts: list[str | Path] = ["--books", options.books, "--read", options.read]
    voices: list[str | Path] = ["--kokoro-model", options.kokoro_model, "--kokoro-voices",
                                options.kokoro_voices]  # fmt: skip
    spoken, train, dev, lm = (DATA / name for name in ("synthetic", "train.jsonl", "dev.jsonl",
                                                       "lm.ngram"))  # fmt: skip
    yield Step(["recipes/an4/prepare.py", "--archive", options.an4], Path("data/an4/test.jsonl"))
    yield Step([here / "synthesise.py", *texts, "--hibari", "0:150", "--kokoro", "0:10", *voices])
    letters = DATA / "letters"
    yield Step(
        ["recipes/letters_and_digits/make_synthetic.py", "--output", letters, "--hours", "6",
         "--seed", "11"],
        letters / "train.jsonl",
    )  # fmt: skip
    labelled = ["--labelled", options.labelled] if options.labelled else []
    yield Step(
        [here / "prepare.py", "--speech", options.speech, "--an4", "data/an4", "--synthetic",
         spoken, "--letters", letters / "train.jsonl", *labelled],
        train,
    )  # fmt: skip
    resume = ["--resume"] if (RUN / "last.ckpt").exists() else []
    yield Step(
        [*asr, "train", "--config", here / "config.toml", *resume], RUN / "model" / "model.json"
    )
    yield Step(
        [here / "lm_texts.py", *texts, "--train", train, "--output", DATA / "lm.txt"],
        DATA / "lm.txt",
    )
    yield Step(
        [*asr, "lm", "build", DATA / "lm.txt", "--order", "4", "--prune", "0,0,2,3", "-o", lm], lm
    )
    model = RUN / "model"
    yield Step(
        [*asr, "lm", "tune", "--manifest", dev, "--model", model, "--lm", lm, "--dev-sets",
         "--by-default"],
        model / "lm.ngram",
    )  # fmt: skip
    yield Step([*asr, "text", "add", TAGGER, model], model / TAGGER.name)


if __name__ == "__main__":
    main()
