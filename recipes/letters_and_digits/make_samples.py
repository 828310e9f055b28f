"""Make eight short synthetic recordings with their texts, to try a recogniser on.

    python recipes/letters_and_digits/make_samples.py --output samples

The script writes ``NAME.wav`` (16 kHz, mono, 16 bit) and ``NAME.txt`` for each, and a manifest of
all, ``manifest.jsonl``. No synthetic training data has one of their texts. Every run writes the
same files.
"""

import argparse
import sys
from pathlib import Path

from synthesis import SAMPLE_RATE, SAMPLE_TEXTS, Clip, Voice, render, write_audio
from synthesisers import require_programs

from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError
from asr.files import write_atomically

VOICES = {
    "flite-slt-spelled-name": Voice("flite", "slt"),
    "flite-rms-phone-number": Voice("flite", "rms"),
    "flite-awb-date": Voice("flite", "awb"),
    "flite-rms-short-answer": Voice("flite", "rms"),
    "flite-slt-control-digits": Voice("flite", "slt"),
    "espeak-en-us-control-letters": Voice("espeak-ng", "en-us+m3"),
    "espeak-en-gb-address": Voice("espeak-ng", "en-gb+f2"),
    "espeak-en-us-number": Voice("espeak-ng", "en-us+f1"),
}
RATE = 0.9  # the speaking rate, relative to the voice's own; slow speech is clearer
LEAD, TRAIL = 0.3, 0.3  # seconds of silence
NOISE = -70.0  # dB of full scale


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("samples"), help="the folder; default: samples"
    )
    options = parser.parse_args(arguments)
    try:
        require_programs({voice.program for voice in VOICES.values()})
        made = [make_sample(options.output, name, text) for name, text in SAMPLE_TEXTS.items()]
        write_manifest(options.output / "manifest.jsonl", sorted(made, key=lambda item: item.id))
    except AsrError as error:
        sys.exit(f"error: {error}")


def make_sample(output: Path, name: str, text: str) -> Utterance:
    """Write one recording and its text, print both, and return its line of the manifest."""
    samples = render(Clip(text, VOICES[name], RATE, lead=LEAD, trail=TRAIL, noise=NOISE))
    audio = output / f"{name}.wav"
    write_audio(audio, samples)
    write_atomically(output / f"{name}.txt", text + "\n")
    duration = len(samples) / SAMPLE_RATE
    print(f"{audio}: {duration:.2f} s, {text}")
    voice = VOICES[name]
    speaker = f"{voice.program.removesuffix('-ng')}-{voice.name.split('+')[0]}"
    return Utterance(audio, duration, text, name, speaker)


if __name__ == "__main__":
    main()
