"""Speak ordinary sentences with neural voices, to try a recogniser on.

    pip install hibari-tts
    python recipes/english/make_samples.py --kokoro-model kokoro.onnx --kokoro-voices voices

The script writes ``NAME.wav`` (16 kHz, mono, 16 bit) and ``NAME.txt`` for each, and adds them to
the manifest there. The sentences were written for this; no book that the training speaks has them.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import soundfile
from texts import clean
from voices import SAMPLE_RATE, Kokoro, VoiceError

from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError
from asr.files import write_atomically

SENTENCES = {
    "kokoro-af-heart-train": "The train to the city leaves at half past eight in the morning.",
    "kokoro-am-michael-letter": "Could you send me the letter before the end of the week?",
    "kokoro-bf-emma-hospital": "My sister is a doctor and works at the hospital near the river.",
    "kokoro-bm-george-rain": "We had a good dinner and walked home in the rain.",
}
"""What is said, by the name of the recording, which holds the name of the voice."""
PAUSE = 0.3
"""Seconds of silence before and after the sentence."""
PEAK = 0.5


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--kokoro-model", type=Path, required=True, help="Kokoro's ONNX file")
    add("--kokoro-voices", type=Path, required=True, help="the folder of the vectors of its voices")
    add("--output", type=Path, default=Path("samples"), help="the folder; default: samples")
    options = parser.parse_args(arguments)
    try:
        speaker = Kokoro(options.kokoro_model, options.kokoro_voices)
        made = [make(options.output, speaker, *item) for item in SENTENCES.items()]
        manifest = options.output / "manifest.jsonl"
        others = [item for item in read_manifest(manifest) if item.id not in SENTENCES]
        write_manifest(manifest, sorted([*others, *made], key=lambda item: str(item.id)))
    except (AsrError, VoiceError) as error:
        sys.exit(f"error: {error}")


def make(output: Path, speaker: Kokoro, name: str, sentence: str) -> Utterance:
    """Write one recording and its text, and return its line of the manifest."""
    voice = "_".join(name.split("-")[1:3])
    samples = speaker.say(sentence, {voice: 1.0})
    edge = np.zeros(round(PAUSE * SAMPLE_RATE), np.float32)
    samples = np.concatenate([edge, samples * (PEAK / np.abs(samples).max()), edge])
    audio = output / f"{name}.wav"
    soundfile.write(audio, samples, SAMPLE_RATE, "PCM_16")
    _, text = clean(sentence)
    write_atomically(output / f"{name}.txt", text + "\n")
    print(f"{audio}: {len(samples) / SAMPLE_RATE:.2f} s, {text}")
    return Utterance(audio, len(samples) / SAMPLE_RATE, text, name, f"kokoro-{voice}")


if __name__ == "__main__":
    main()
