"""Preview the augmentation of a recording, in a page of spectrograms and as files to listen to.

    python scripts/preview_augment.py samples/flite-awb-date.wav --output preview

The script writes ``preview.png``, and a WAV file for each kind of augmentation. Babble is made of
the other recordings in the folder of the file.
"""

import argparse
import sys
from pathlib import Path

import librosa
import numpy as np
import soundfile
from matplotlib.figure import Figure

from asr.audio.read import Samples, read_audio
from asr.errors import AsrError
from asr.training.augment import Augmenter
from asr.training.config import (
    AugmentConfig,
    CodecConfig,
    GainConfig,
    NoiseConfig,
    ReverbConfig,
    SilenceConfig,
    TelephoneConfig,
)
from asr.training.seeding import rng

RATE = 16000

PREVIEWS: dict[str, tuple[AugmentConfig, float]] = {
    "as it is": (AugmentConfig(), 1.0),
    "speed 0.85": (AugmentConfig(), 0.85),
    "speed 1.15": (AugmentConfig(), 1.15),
    "silence": (AugmentConfig(silence=SilenceConfig(1.0, (1.0, 1.0))), 1.0),
    "white noise, 10 dB": (AugmentConfig(noise=NoiseConfig(1.0, (10, 10), ("white",))), 1.0),
    "pink noise, 10 dB": (AugmentConfig(noise=NoiseConfig(1.0, (10, 10), ("pink",))), 1.0),
    "babble, 10 dB": (AugmentConfig(noise=NoiseConfig(1.0, (10, 10), ("babble",))), 1.0),
    "room, 0.2 s": (AugmentConfig(reverb=ReverbConfig(1.0, (0.2, 0.2))), 1.0),
    "room, 0.6 s": (AugmentConfig(reverb=ReverbConfig(1.0, (0.6, 0.6))), 1.0),
    "telephone": (AugmentConfig(telephone=TelephoneConfig(1.0)), 1.0),
    "µ-law": (AugmentConfig(codec=CodecConfig(1.0, ("mulaw",))), 1.0),
    "MP3": (AugmentConfig(codec=CodecConfig(1.0, ("mp3",))), 1.0),
    "Opus": (AugmentConfig(codec=CodecConfig(1.0, ("opus",))), 1.0),
    "gain, -12 dB": (AugmentConfig(gain=GainConfig(1.0, (-12, -12))), 1.0),
    "all at once": (
        AugmentConfig(
            reverb=ReverbConfig(1.0),
            noise=NoiseConfig(1.0),
            telephone=TelephoneConfig(1.0),
            codec=CodecConfig(1.0),
            gain=GainConfig(1.0),
        ),
        0.95,
    ),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio", type=Path, help="the recording")
    parser.add_argument(
        "--output", type=Path, default=Path("preview"), help="the folder; default: preview"
    )
    parser.add_argument("--seed", type=int, default=1, help="determines all draws; default: 1")
    options = parser.parse_args(arguments)
    try:
        preview(options.audio, options.output, options.seed)
    except AsrError as error:
        sys.exit(f"error: {error}")


def preview(audio: Path, output: Path, seed: int) -> None:
    """Write the page of spectrograms and the augmented recordings."""
    speech = read_audio(audio, RATE).samples
    others = [path for path in sorted(audio.parent.glob(f"*{audio.suffix}")) if path != audio]

    def draw_talker(generator: np.random.Generator) -> Samples:
        return read_audio(
            others[generator.integers(len(others))] if others else audio, RATE
        ).samples

    output.mkdir(parents=True, exist_ok=True)
    columns = 2
    rows = -(-len(PREVIEWS) // columns)
    figure = Figure(figsize=(14, 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True).flatten()
    longest = len(speech) / 0.85 / RATE
    for panel, (name, (config, speed)) in zip(panels, PREVIEWS.items(), strict=False):
        augmenter = Augmenter(config, RATE, draw_talker)
        samples = augmenter(speech, speed, rng(seed, name), config.silence.longest)
        soundfile.write(output / f"{name.replace(' ', '-').replace(',', '')}.wav", samples, RATE)
        mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=512, hop_length=160)
        panel.imshow(
            librosa.power_to_db(mel, ref=1.0),
            origin="lower",
            aspect="auto",
            extent=(0, len(samples) / RATE, 0, mel.shape[0]),
            vmin=-60,
            vmax=20,
            cmap="magma",
        )
        panel.set(title=name, xlim=(0, longest), ylabel="mel band")
        if panel in panels[-columns:]:
            panel.set_xlabel("seconds")
    for panel in panels[len(PREVIEWS) :]:
        panel.set_visible(False)
    figure.savefig(output / "preview.png", dpi=80)
    print(f"{output}: {len(PREVIEWS)} recordings and preview.png")


if __name__ == "__main__":
    main()
