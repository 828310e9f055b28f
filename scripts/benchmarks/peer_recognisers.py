"""Run the recogniser of another project on recordings, for a benchmark.

    PYTHON scripts/benchmarks/peer_recognisers.py faster-whisper|batched|pocketsphinx FILE.wav …
        [--whisper FOLDER] [--threads N]

PYTHON is an interpreter with faster-whisper 1.2.1 or pocketsphinx 5.1.1. The files are WAV, 16 kHz,
mono, 16 bits; one is recognised after the other. FOLDER holds a Whisper model as CTranslate2 reads
it (config.json, model.bin and others), which computes in int8. The rest is as the projects set it
by default. faster-whisper has a beam of 5; "batched" is its batched pipeline, which leaves out what
is no speech and computes 8 stretches at once. pocketsphinx has its model of American English,
divides the recording where nobody speaks, and uses one thread.

The script prints one JSON object: the project and its version, the texts, the seconds that they
took once the model was loaded, and the peak memory in MB.
"""

import argparse
import json
import time
import wave
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from peer_decoders import peak_memory

RATE = 16000


def main() -> None:
    """Recognise the files, and print the texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=("faster-whisper", "batched", "pocketsphinx"))
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--whisper", type=Path, help="the folder of a Whisper model")
    parser.add_argument("--threads", type=int, default=2, help="threads of Whisper; default: 2")
    options = parser.parse_args()
    if options.peer == "pocketsphinx":
        recognise = pocketsphinx()
    elif options.whisper is None:
        parser.error(f"{options.peer} needs --whisper")
    else:
        recognise = whisper(options.whisper, options.threads, options.peer == "batched")
    started = time.perf_counter()
    texts = [recognise(path) for path in options.files]
    seconds = time.perf_counter() - started
    package = "pocketsphinx" if options.peer == "pocketsphinx" else "faster-whisper"
    peer = f"{package} {version(package)}"
    print(json.dumps({"peer": peer, "texts": texts, "seconds": seconds, "memory": peak_memory()}))


def whisper(model: Path, threads: int, batched: bool) -> Callable[[Path], str]:
    """Return a function that recognises a file in faster-whisper."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    network = WhisperModel(
        str(model), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )
    recogniser = BatchedInferencePipeline(network) if batched else network

    def recognise(path: Path) -> str:
        segments, _ = recogniser.transcribe(str(path), language="en")
        return " ".join(segment.text.strip() for segment in segments)

    return recognise


def pocketsphinx() -> Callable[[Path], str]:
    """Return a function that recognises a file in pocketsphinx."""
    from pocketsphinx import Decoder, Segmenter

    decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def recognise(path: Path) -> str:
        texts = []
        with wave.open(str(path), "rb") as file:
            for speech in Segmenter(sample_rate=RATE).segment(Stream(file)):
                decoder.start_utt()
                decoder.process_raw(speech.pcm, full_utt=True)
                decoder.end_utt()
                if (hypothesis := decoder.hyp()) is not None:
                    texts.append(hypothesis.hypstr)
        return " ".join(texts)

    return recognise


class Stream:
    """The samples of a WAV file as a stream of bytes, which pocketsphinx reads."""

    def __init__(self, file: wave.Wave_read) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer at the end."""
        return self._file.readframes(size // self._file.getsampwidth())


if __name__ == "__main__":
    main()
