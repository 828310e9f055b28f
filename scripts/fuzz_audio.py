"""Try thousands of damaged recordings, each of which must be transcribed or refused.

    python scripts/fuzz_audio.py [--clips 10000] [--seed 0] [--jobs 2] [--model DIR] [--save DIR]

Half-second recordings in every container, those of FFmpeg among them, are mutated. Bytes change, in
the header or anywhere, numbers are set to extremes, pieces are cut out, doubled or put in, and the
end is cut off. Workers with bounded memory read each clip (every fourth as a pipe) and transcribe
what they get. It is a finding if a worker dies, takes over ten seconds for a clip, or meets any
exception but an AudioError; the clip is then saved. The totals are printed, and the exit code is 1
if there are findings. The script needs Linux.
"""

import argparse
import io
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path

import av
import numpy as np
import soundfile

from asr.audio.read import read_audio
from asr.errors import AudioError
from asr.model.directory import default_model
from asr.recognition.transcriber import Transcriber

RATE = 16000
HANG_SECONDS = 10.0
START_SECONDS = 120.0
MEMORY = 1 << 30
FFMPEG_CODINGS = [
    ("ipod", "aac"), ("matroska", "pcm_s16le"), ("webm", "libopus"), ("adts", "aac"),
    ("asf", "wmav2"), ("avi", "libmp3lame"), ("flv", "aac"), ("tta", "tta"), ("wv", "wavpack"),
    ("caf", "alac"),
]  # fmt: skip
EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
            0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]  # fmt: skip


def main() -> int:
    """Mutate and read recordings, and count the outcomes."""
    parser = make_parser(__doc__, "clips", "fuzz_audio")
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    options = parser.parse_args()
    start = time.monotonic()
    totals = fuzz(options.clips, options.seed, options.jobs, options.model, options.save)
    print(f"{totals}\n{time.monotonic() - start:.0f} s with {options.jobs} workers")
    return 1 if totals.findings else 0


def make_parser(document: str, inputs: str, folder: str) -> argparse.ArgumentParser:
    """Return a parser of the options of a fuzzer.

    ``document`` is the script's docstring, ``inputs`` what it tries, and ``folder`` the name of the
    folder for findings.
    """
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument(
        f"--{inputs}", type=int, default=10_000, help=f"the number of {inputs}; default: 10000"
    )
    parser.add_argument("--seed", type=int, default=0, help=f"determines all {inputs}; default: 0")
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="the number of workers; default: one for each core",
    )
    parser.add_argument(
        "--save",
        type=Path,
        default=Path(tempfile.gettempdir()) / folder,
        help=f"the folder for {inputs} that are findings; default: {folder} in the temporary "
        "folder",
    )
    return parser


@dataclass
class Totals:
    """The numbers of a run, which ``str`` turns into its report.

    ``outcomes`` counts transcripts and errors by kind. ``crashes`` and ``hangs`` describe what must
    not happen, each with the file of its clip.
    """

    outcomes: Counter[str]
    crashes: list[str]
    hangs: list[str]

    @property
    def findings(self) -> list[str]:
        """Return all crashes and hangs."""
        return self.crashes + self.hangs

    def __str__(self) -> str:
        tried = self.outcomes.total() + len(self.findings)
        lines = [f"{tried} clips"]
        lines += [f"{count:7} {kind}" for kind, count in self.outcomes.most_common()]
        lines += [f"{len(self.crashes):7} crashes", f"{len(self.hangs):7} hangs", *self.findings]
        return "\n".join(lines)


def fuzz(
    clips: int,
    seed: int,
    jobs: int,
    model: Path,
    save: Path,
    target: "Work | None" = None,
    make: "Callable[[int, int], bytes] | None" = None,
) -> Totals:
    """Try ``clips`` inputs that ``seed`` determines; workers run ``target``, and ``make`` gives the
    input of a seed and a number to save. By default, these are recordings to transcribe."""
    target, make = target or work, make or mutant
    totals = Totals(Counter(), [], [])
    workers = [
        Worker(range(first, clips, jobs), seed, model, target) for first in range(min(jobs, clips))
    ]
    try:
        while workers:
            wait([worker.connection for worker in workers], timeout=1)
            for worker in list(workers):
                ended = worker.collect()
                for clip, outcome in worker.outcomes:
                    if outcome.startswith("crash"):
                        totals.crashes.append(f"{outcome}, {saved(save, seed, clip, make)}")
                    else:
                        totals.outcomes[outcome] += 1
                if ended is None:
                    continue
                workers.remove(worker)
                if worker.clip < clips:
                    found = totals.hangs if ended == "hang" else totals.crashes
                    found.append(f"{ended}, {saved(save, seed, worker.clip, make)}")
                    if worker.clip + jobs < clips:
                        workers.append(
                            Worker(range(worker.clip + jobs, clips, jobs), seed, model, target)
                        )
    finally:
        for worker in workers:
            worker.stop()
    return totals


Work = Callable[[Connection, range, int, Path], None]


class Worker:
    """A process that tries ``clips``; ``clip`` is the next one whose outcome it has to report."""

    def __init__(self, clips: range, seed: int, model: Path, target: Work) -> None:
        self.clip = clips.start
        self.outcomes: list[tuple[int, str]] = []
        self._step = clips.step
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe(duplex=False)
        arguments = (other, clips, seed, model)
        self._process = context.Process(target=target, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self._deadline = time.monotonic() + START_SECONDS

    def collect(self) -> str | None:
        """Receive outcomes, and return how the process ended, or None while it works."""
        self.outcomes = []
        try:
            while self.connection.poll():
                outcome = self.connection.recv()
                self._deadline = time.monotonic() + HANG_SECONDS
                if outcome is not None:
                    self.outcomes.append((self.clip, outcome))
                    self.clip += self._step
        except EOFError:
            self._process.join()
            return f"the process died ({self._process.exitcode})"
        if time.monotonic() > self._deadline:
            self.stop()
            return "hang"
        return None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def work(connection: Connection, clips: range, seed: int, model: Path) -> None:
    """Report an outcome for each of ``clips``."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # decoders written in C complain on standard error
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    transcriber = Transcriber(model, threads=1)
    connection.send(None)
    for clip in clips:
        connection.send(attempt(mutant(seed, clip), transcriber, pipe=clip % 4 == 3))


def attempt(data: bytes, transcriber: Transcriber, pipe: bool = False) -> str:
    """Transcribe a recording, and return "transcript", the kind of an AudioError, or "crash"."""
    try:
        audio = read_audio(Unseekable(data) if pipe else data, transcriber.model.sample_rate)
        if not np.isfinite(audio.samples).all():
            return "crash: samples that are not finite"
        transcriber.transcribe(audio.samples)
    except AudioError as error:
        message = str(error).split(": ", 1)[1].split(";")[0]
        return "AudioError: " + re.sub(r"-?\d[\d.e+-]*|\b-?(inf|nan)\b", "#", message)[:70]
    except Exception as error:
        return f"crash: {error!r}"
    return "transcript" + (" with a warning" if audio.warnings else "")


class Unseekable(io.BytesIO):
    """Bytes that can only be read forward, like those of a pipe."""

    def seekable(self) -> bool:
        return False


def saved(folder: Path, seed: int, clip: int, make: Callable[[int, int], bytes]) -> Path:
    """Write a clip to a file, and return the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}-{clip}.bin"
    path.write_bytes(make(seed, clip))
    return path


def mutant(seed: int, clip: int) -> bytes:
    """Return the damaged recording number ``clip``, a pure function of the arguments."""
    rng = np.random.default_rng([seed, clip])
    originals = seeds()
    data = originals[clip % len(originals)]
    for _ in range(rng.integers(1, 5)):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](bytearray(data), rng)
    return bytes(data)


@cache
def seeds() -> list[bytes]:
    """Return half a second of sound in every container and coding."""
    times = np.arange(RATE // 2) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, len(times))
    sound = (0.4 * np.sin(2 * np.pi * 300 * times) + noise).astype(np.float32)
    stereo = np.stack([sound, -0.5 * sound], axis=1)
    wav = ["PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"]
    return [
        *(encode(sound, format="WAV", subtype=subtype) for subtype in wav),
        encode(stereo, format="WAVEX", subtype="PCM_16"),
        encode(stereo, format="RF64", subtype="PCM_16"),
        encode(sound, format="FLAC", subtype="PCM_16"),
        encode(sound, format="FLAC", subtype="PCM_24"),
        encode(stereo, format="FLAC", subtype="PCM_16"),
        *(encode(sound, format="OGG", subtype=subtype) for subtype in ("VORBIS", "OPUS") * 2),
        encode(stereo, format="OGG", subtype="OPUS"),
        *(encode(samples, format="MP3") for samples in (sound, stereo, sound[:3000])),
        sphere(sound),
        sphere(sound, sample_coding="ulaw", sample_n_bytes=1),
        encode(sound, format="AIFF", subtype="PCM_16"),
        encode(sound, format="AU", subtype="PCM_16"),
        *(encode_with_ffmpeg(sound, container, codec) for container, codec in FFMPEG_CODINGS),
        encode_with_ffmpeg(sound, "mp4", "aac", pictures=True),
        encode_with_ffmpeg(sound, "mpegts", "aac", pictures=True),
        # Two recordings, one behind the other.
        *(2 * encode(sound, format=format) for format in ("WAV", "FLAC", "MP3")),
        2 * encode(sound, format="OGG", subtype="OPUS"),
        2 * encode_with_ffmpeg(sound, "ipod", "aac"),
    ]


def encode(samples: np.ndarray, rate: int = RATE, **options: str | None) -> bytes:
    """Return a recording as libsndfile writes it."""
    data = io.BytesIO()
    soundfile.write(data, samples, rate, **options)
    return data.getvalue()


def encode_with_ffmpeg(
    samples: np.ndarray,
    container: str,
    codec: str,
    pictures: bool = False,
    options: dict[str, str] | None = None,
) -> bytes:
    """Return a mono recording as FFmpeg writes it, with a few pictures if it is to be a video.

    ``options`` are those of the container.
    """
    data = io.BytesIO()
    with av.open(data, "w", format=container, options=options) as output:
        sound = output.add_stream(codec, rate=RATE, layout="mono", bit_rate=64_000)
        video = output.add_stream("mpeg4", rate=10, width=32, height=32) if pictures else None
        for _ in range(5 if video else 0):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
            output.mux(video.encode(picture.reformat(format="yuv420p")))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(sound.format, "mono", RATE, frame_size=sound.frame_size)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(sound.encode(part))
        output.mux(sound.encode(None))
        if video:
            output.mux(video.encode(None))
    return data.getvalue()


def sphere(samples: np.ndarray, **fields: object) -> bytes:
    """Return a recording in NIST's format, in 16 bits or µ-law.

    ``fields`` replace those of its header.
    """
    known: dict[str, object] = {
        "sample_count": len(samples),
        "sample_rate": RATE,
        "channel_count": 1,
        "sample_n_bytes": 2,
        "sample_byte_format": "01",
        "sample_coding": "pcm",
    }
    lines = ["NIST_1A", "   1024"]
    for name, value in (known | fields).items():
        kind = f"s{len(value)}" if isinstance(value, str) else "i"
        lines.append(f"{name} -{kind} {value}")
    subtype = "ULAW" if fields.get("sample_coding") == "ulaw" else "PCM_16"
    body = encode(samples, format="RAW", subtype=subtype, endian="LITTLE")
    return "\n".join([*lines, "end_head", ""]).encode().ljust(1024) + body


def place(data: bytearray, rng: np.random.Generator) -> int:
    """Draw a position, half of the time among the first 128 bytes."""
    end = len(data) if rng.random() < 0.5 else min(128, len(data))
    return int(rng.integers(end)) if end else 0


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Flip some bits of some bytes."""
    for _ in range(rng.integers(1, 9) if data else 0):
        data[place(data, rng)] ^= 1 << rng.integers(8)
    return data


def replace_bytes(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Overwrite a place with random bytes, or with one byte repeated."""
    start, count = place(data, rng), int(rng.integers(1, 33))
    new = rng.bytes(count) if rng.random() < 0.5 else rng.bytes(1) * count
    data[start : start + count] = new
    return data


def set_extreme(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Overwrite a place with a very small or large number of 1 to 8 bytes, in either byte order."""
    width = int(rng.choice([1, 2, 4, 8]))
    value = EXTREMES[rng.integers(len(EXTREMES))] & (1 << 8 * width) - 1
    start = place(data, rng)
    data[start : start + width] = value.to_bytes(width, rng.choice(["little", "big"]))
    return data


def truncate(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Cut off the end."""
    return data[: int(rng.integers(len(data) + 1))]


def cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Cut out a piece."""
    start = place(data, rng)
    del data[start : start + int(rng.integers(1, 257))]
    return data


def insert(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Put in random bytes."""
    start = place(data, rng)
    data[start:start] = rng.bytes(int(rng.integers(1, 257)))
    return data


def double(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Repeat a piece in its place or somewhere else, once or more often."""
    start = place(data, rng)
    piece = data[start : start + int(rng.integers(1, 1025))]
    there = start if rng.random() < 0.5 else place(data, rng)
    data[there:there] = piece * int(rng.integers(1, 4))
    return data


MUTATIONS = [flip_bits, replace_bytes, set_extreme, truncate, cut, insert, double]


if __name__ == "__main__":
    sys.exit(main())
