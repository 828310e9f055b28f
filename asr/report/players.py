"""Audio that a browser plays from a page on the disk: the file itself, or a WAV file beside it."""

import io
import os
from pathlib import Path
from urllib.parse import quote

import soundfile

from asr.audio.headers import SNIFFED, container_of
from asr.audio.read import read_audio
from asr.errors import AudioError
from asr.files import write_atomically

PLAYED = {"wav", "flac", "ogg", "mp3", "mov", "matroska", "aac"}
"""What browsers play, as :func:`asr.audio.headers.container_of` names it."""

FOLDER = "audio"
SAMPLE_RATE = 16000


def playable(audio: Path, folder: Path, number: int) -> str | None:
    """The URL, relative to ``folder``, from which a page there can play ``audio``; what browsers
    don't play is written to ``folder`` as WAV, named by its ``number``. None: it cannot be read.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        with open(audio, "rb") as file:
            container = container_of(file.read(SNIFFED))
        if container in PLAYED:
            return quote(os.path.relpath(audio, folder.absolute()).replace(os.sep, "/"))
        samples = read_audio(audio, SAMPLE_RATE).samples
    except (OSError, AudioError, ValueError):  # on another drive there is no relative path
        return None
    wav = io.BytesIO()
    soundfile.write(wav, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    write_atomically(folder / FOLDER / f"{number}.wav", wav.getvalue())
    return f"{FOLDER}/{number}.wav"
