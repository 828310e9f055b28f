"""Eight short synthetic recordings with their texts, to try a recogniser on.

    python recipes/letters_and_digits/make_samples.py --output samples

Writes ``NAME.wav`` (16 kHz, mono, 16 bit) and ``NAME.txt``. Their texts are in no synthetic
training data; the result is the same on every run.
"""

import argparse
import sys
from pathlib import Path

from synthesis import SAMPLE_RATE, SAMPLE_TEXTS, Clip, Voice, render, write_audio
from synthesisers import require_programs

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
RATE = 0.9  # of the voice's own, to be clear
LEAD, TRAIL = 0.3, 0.3  # seconds of silence
NOISE = -70.0  # dB of full scale


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("samples"), help="default: samples")
    options = parser.parse_args(arguments)
    try:
        require_programs({voice.program for voice in VOICES.values()})
        for name, text in SAMPLE_TEXTS.items():
            make_sample(options.output, name, text)
    except AsrError as error:
        sys.exit(f"error: {error}")


def make_sample(output: Path, name: str, text: str) -> None:
    """Write one recording and its text, and say so."""
    samples = render(Clip(text, VOICES[name], RATE, lead=LEAD, trail=TRAIL, noise=NOISE))
    write_audio(output / f"{name}.wav", samples)
    write_atomically(output / f"{name}.txt", text + "\n")
    print(f"{output / name}.wav: {len(samples) / SAMPLE_RATE:.2f} s, {text}")


if __name__ == "__main__":
    main()
