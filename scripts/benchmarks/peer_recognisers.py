"""Run the recogniser of another project on a recording, for a benchmark.

    PYTHON scripts/benchmarks/peer_recognisers.py faster-whisper|batched|pocketsphinx FILE.wav
        [--whisper FOLDER] [--threads N]

PYTHON is an interpreter with faster-whisper 1.2.1 or pocketsphinx 5.1.1. The file is WAV, 16 kHz,
mono, 16 bits. FOLDER holds a Whisper model as CTranslate2 reads it (config.json, model.bin and
others), which computes in int8. The rest is as the projects set it by default. faster-whisper has a
beam of 5; "batched" is its batched pipeline, which leaves out what is no speech and computes 8
stretches at once. pocketsphinx has its model of American English, divides the recording where
nobody speaks, and uses one thread.

The script prints one JSON object: the project and its version, the text, and the peak memory in MB.
"""

import argparse
import json
import wave
from importlib.metadata import version
from pathlib import Path

from peer_decoders import peak_memory


def main() -> None:
    """Recognise the file, and print the text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=("faster-whisper", "batched", "pocketsphinx"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--whisper", type=Path, help="the folder of a Whisper model")
    parser.add_argument("--threads", type=int, default=2, help="threads of Whisper; default: 2")
    options = parser.parse_args()
    if options.peer == "pocketsphinx":
        text = pocketsphinx(options.file)
    elif options.whisper is None:
        parser.error(f"{options.peer} needs --whisper")
    else:
        text = whisper(options.file, options.whisper, options.threads, options.peer == "batched")
    package = "pocketsphinx" if options.peer == "pocketsphinx" else "faster-whisper"
    peer = f"{package} {version(package)}"
    print(json.dumps({"peer": peer, "text": text, "memory": peak_memory()}))


def whisper(path: Path, model: Path, threads: int, batched: bool) -> str:
    """Recognise a file in faster-whisper, and return the text."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    network = WhisperModel(
        str(model), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )
    recogniser = BatchedInferencePipeline(network) if batched else network
    segments, _ = recogniser.transcribe(str(path), language="en")
    return " ".join(segment.text.strip() for segment in segments)


def pocketsphinx(path: Path) -> str:
    """Recognise a file in pocketsphinx, and return the text."""
    from pocketsphinx import Decoder, Segmenter

    texts = []
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        decoder = Decoder(samprate=rate, loglevel="FATAL")
        stream = Stream(file)
        for speech in Segmenter(sample_rate=rate).segment(stream):
            decoder.start_utt()
            decoder.process_raw(speech.pcm, full_utt=True)
            decoder.end_utt()
            if (hypothesis := decoder.hyp()) is not None:
                texts.append(hypothesis.hypstr)
    return " ".join(texts)


class Stream:
    """The samples of a WAV file as a stream of bytes, which pocketsphinx reads."""

    def __init__(self, file: wave.Wave_read) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""
        return self._file.readframes(size // self._file.getsampwidth())


if __name__ == "__main__":
    main()
