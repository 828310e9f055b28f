"""Label recordings that have no texts with what two Whisper models agree on.

    PYTHON recipes/english/label.py --manifest SPEECH/picovoice_barista/manifest.jsonl \
        --whisper FOLDER FOLDER --output data/english/labelled.jsonl

PYTHON is an interpreter with faster-whisper; each FOLDER holds a Whisper model as CTranslate2 reads
it. An utterance is kept if both models write the same words. The output is a manifest whose paths
are relative to its folder; what was labelled already is kept, so that the command goes on where it
was stopped.
"""

import argparse
import json
import os
import re
from pathlib import Path

NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()


def main() -> None:
    """Label the recordings, and print how many were kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--manifest", type=Path, required=True, help="recordings without texts")
    add("--whisper", type=Path, nargs=2, required=True, metavar="FOLDER", help="two models")
    add("--threads", type=int, default=2, help="default: 2")
    add("--output", type=Path, required=True, help="the manifest to write")
    options = parser.parse_args()
    from faster_whisper import WhisperModel

    models = [
        WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=options.threads,
            local_files_only=True,
        )
        for folder in options.whisper
    ]  # fmt: skip
    tried = options.output.with_suffix(".tried")
    done = set(tried.read_text().splitlines()) if tried.exists() else set()
    with options.output.open("a") as output, tried.open("a") as log:
        for line in options.manifest.read_text().splitlines():
            values = json.loads(line)
            if values["id"] in done:
                continue
            path = options.manifest.parent / values["audio_filepath"]
            texts = {words(recognise(model, path)) for model in models}
            text = texts.pop()
            if text and not texts:
                audio = os.path.relpath(path, options.output.parent)
                output.write(json.dumps(values | {"audio_filepath": audio, "text": text}) + "\n")
                output.flush()
            log.write(f"{values['id']}\n")
            log.flush()
    kept = len(options.output.read_text().splitlines())
    print(f"{options.output}: {kept} of {len(tried.read_text().splitlines())} recordings")


def recognise(model, path: Path) -> str:
    """Return what a model writes."""
    segments, _ = model.transcribe(str(path), language="en", condition_on_previous_text=False)
    return " ".join(segment.text for segment in segments)


def words(text: str) -> str:
    """Return a text as a transcript has it; empty if it holds figures over twenty.

    >>> words("I'd like 2 large lattes, please.")
    "i'd like two large lattes please"
    """
    text = text.lower().replace("’", "'").replace("-", " ")
    text = re.sub(r"\b(\d|1\d|20)\b", lambda match: NUMBERS[int(match[0])], text)
    text = re.sub(r"[.,!?;:\"…]", " ", text)
    return "" if re.search(r"[^a-z' ]", text) else " ".join(text.split())


if __name__ == "__main__":
    main()
