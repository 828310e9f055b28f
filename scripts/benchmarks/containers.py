"""Compare the seconds that this package decodes with those of FFmpeg, for faulty and odd files.

    python scripts/benchmarks/containers.py [--markdown]

Two recordings of ``samples/`` are written in many containers with their quirks: joined files,
headers that count too little or too much, placeholders for sizes, other data before and behind.
Each file is read as a file and through a pipe. A row is right if both are as long as what FFmpeg
gives, if a warning says what differs, or if they are as long as the recordings in the file (each as
FFmpeg decodes it alone), of which FFmpeg leaves something out. The exit code is 1 if one is not.
``ffmpeg`` writes the files.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile

from asr.audio.read import read_audio
from asr.errors import AudioError

SAMPLES = Path(__file__).parents[2] / "samples"
TOLERANCE = 0.12
"""Seconds; padding of a coding, which decoders leave out or not."""
MP3, OPUS, VORBIS = ["-c:a", "libmp3lame"], ["-c:a", "libopus"], ["-c:a", "libvorbis"]


def main() -> int:
    """Read all files, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    options = parser.parse_args()
    wrong = count = 0
    print("| file | FFmpeg | file | pipe | said |\n|---|---|---|---|---|" * options.markdown)
    with tempfile.TemporaryDirectory() as name:
        for path, lengths in files(Path(name)):
            row = compare(path, lengths)
            wrong += not row.right
            count += 1
            times = [f"{value:.2f}" for value in (row.ffmpeg, row.file, row.pipe)]
            cells = [path.name, *times, row.said or row.remark]
            print(f"| {' | '.join(cells)} |" + " WRONG" * (not row.right), flush=True)
    print(f"\n{count} files, {wrong} of them neither equal nor said")
    return 1 if wrong else 0


@dataclass(frozen=True)
class Row:
    """The seconds that FFmpeg and this package decode, what the package ``said``, and the seconds
    that may be in the file."""

    ffmpeg: float
    file: float
    pipe: float
    said: str
    lengths: tuple[float, ...]

    @property
    def right(self) -> bool:
        """True if the seconds agree, or if the package says what differs."""
        return near(self.file, self.pipe) and bool(
            near(self.file, self.ffmpeg) or self.said or self.remark
        )

    @property
    def remark(self) -> str:
        """A remark if FFmpeg decodes less than there is, and this package all of it."""
        whole = any(near(self.file, length) for length in self.lengths)
        less = whole and self.ffmpeg < self.file and not near(self.file, self.ffmpeg)
        return "FFmpeg leaves something out" if less else ""


def near(one: float, other: float) -> bool:
    """Return True if two numbers of seconds are equal but for the padding of codings."""
    return abs(one - other) <= TOLERANCE


def compare(path: Path, lengths: tuple[float, ...]) -> Row:
    """Return what FFmpeg and this package make of a file."""
    file, said = seconds(path)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        pipe, said_too = seconds(cat.stdout)
    return Row(ffmpeg_seconds(path), file, pipe, said or said_too, lengths)


def ffmpeg_seconds(path: Path) -> float:
    """Return the seconds that FFmpeg decodes of a file."""
    command = ["ffmpeg", "-v", "quiet", "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-f", "s16le", "-ac", "1", "-ar", "16000", "-"]
    given = subprocess.run(command, capture_output=True, check=False).stdout
    return len(given) / 32000


def seconds(source: object) -> tuple[float, str]:
    """Return the seconds that are decoded and the warnings, or 0 and the error."""
    try:
        audio = read_audio(source, 16000)
    except AudioError as error:
        return 0.0, str(error).split(": ", 1)[1]
    return audio.duration, "; ".join(audio.warnings)


def files(folder: Path) -> Iterator[tuple[Path, tuple[float, ...]]]:
    """Yield the files, which are written one after another, with the seconds of the first, and of
    both recordings."""
    recordings = sorted(SAMPLES.glob("*.wav"))[:2]
    a, b = (wave(path) for path in recordings)
    first, second = (soundfile.info(path).duration for path in recordings)
    for name, make in cases(folder, recordings, a, b).items():
        path = folder / name
        made = make()
        parts = made if isinstance(made, list) else [made]
        alone = 0.0
        for part in parts if len(parts) > 1 else []:
            path.write_bytes(part)
            alone += ffmpeg_seconds(path)
        path.write_bytes(b"".join(parts))
        yield path, (first, first + second, alone)
        path.unlink()


Make = Callable[[], bytes | list[bytes]]


def cases(folder: Path, recordings: list[Path], a: bytes, b: bytes) -> dict[str, Make]:
    """Return functions that make the files, by their names."""

    def coded(number: int, suffix: str, *options: str) -> bytes:
        path = folder / f"coded.{suffix}"
        command = ["ffmpeg", "-v", "error", "-y", "-i", recordings[number], *options]
        subprocess.run([*command, f"file:{path}"], check=True)
        return path.read_bytes()

    def both(suffix: str, *options: str, between: bytes = b"") -> list[bytes]:
        return [coded(0, suffix, *options), between + coded(1, suffix, *options)]

    plain = {
        "wav": [], "aiff": [], "au": [], "flac": [], "mp3": MP3, "opus": OPUS, "ogg": VORBIS,
        "m4a": [], "mp4": [], "mov": [], "mka": [], "webm": OPUS, "aac": [], "ac3": [], "wma": [],
        "avi": [], "flv": ["-ar", "44100"], "ts": [], "m2ts": [], "caf": [], "w64": [], "tta": [],
        "wv": [], "mp2": [], "amr": ["-ar", "8000", "-b:a", "12.2k"], "voc": [],
    }  # fmt: skip
    found: dict[str, Make] = {}
    for suffix, options in plain.items():
        if suffix == "amr":
            continue  # most builds of FFmpeg have no encoder
        found[f"one.{suffix}"] = lambda s=suffix, o=options: coded(0, s, *o)
        found[f"joined.{suffix}"] = lambda s=suffix, o=options: both(s, *o)
        found[f"cut.{suffix}"] = lambda s=suffix, o=options: half(coded(0, s, *o))
    tag = b"ID3\4\0\0" + bytes([0, 0, 40, 0]) + b"\7" * 5120
    old_tag = b"TAG" + b"x" * 125
    fragments = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"]
    styp = b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix"
    found |= {
        "tagged.mp3": lambda: tag + coded(0, "mp3", *MP3),
        "tag_between.mp3": lambda: both("mp3", *MP3, between=tag),
        "old_tags.mp3": lambda: [*both("mp3", *MP3, between=old_tag), old_tag],
        "tag_behind.mp3": lambda: coded(0, "mp3", *MP3) + tag,
        "no_count.mp3": lambda: both("mp3", *MP3, "-write_xing", "0"),
        "other_rate.mp3": lambda: coded(0, "mp3", *MP3) + coded(1, "mp3", *MP3, "-ar", "44100"),
        "vbr.mp3": lambda: both("mp3", *MP3, "-q:a", "4"),
        "count_of_half.mp3": lambda: counted(coded(0, "mp3", *MP3), 0.5),
        "count_of_double.mp3": lambda: counted(coded(0, "mp3", *MP3), 2),
        "midframe.mp3": lambda: coded(0, "mp3", *MP3)[3001:],
        "tagged.aac": lambda: tag + coded(0, "aac"),
        "tagged_segments.aac": lambda: tag + coded(0, "aac") + tag + coded(1, "aac"),
        "tagged.flac": lambda: tag + coded(0, "flac"),
        "other_rate.flac": lambda: coded(0, "flac") + coded(1, "flac", "-ar", "44100"),
        "no_length.flac": lambda: patch(coded(0, "flac"), (21, b"\xf0\0\0\0\0")),
        "other_codec.ogg": lambda: coded(0, "ogg", *VORBIS) + coded(1, "ogg", *OPUS),
        "three.opus": lambda: [*both("opus", *OPUS), coded(0, "opus", *OPUS)],
        "flac.ogg": lambda: both("ogg", "-c:a", "flac"),
        "speex_like.ogg": lambda: coded(0, "ogg", *VORBIS) + b"x" * 3000,
        "data_0.wav": lambda: patch(a, (40, bytes(4))),
        "all_0.wav": lambda: patch(a, (4, bytes(4)), (40, bytes(4))),
        "recorder.wav": lambda: patch(a, (4, size(36)), (40, bytes(4))),
        "data_0_riff_ff.wav": lambda: patch(a, (4, size(0xFFFFFFFF)), (40, bytes(4))),
        "too_short.wav": lambda: patch(a, (40, size(32000))),
        "too_short_both.wav": lambda: patch(a, (4, size(32036)), (40, size(32000))),
        "too_long.wav": lambda: patch(a, (40, size(400_000))),
        "chunk_behind.wav": lambda: a + b"LIST" + size(3000) + b"x" * 3000,
        "garbage_behind.wav": lambda: a + b"garbage" * 300,
        "zeros_behind.wav": lambda: a + bytes(50_000),
        "wav_and_flac.wav": lambda: a + coded(1, "flac"),
        "align.wav": lambda: patch(a, (32, b"\1\0")),
        "align_0.wav": lambda: patch(a, (32, b"\0\0")),
        "adpcm.wav": lambda: both("wav", "-c:a", "adpcm_ima_wav"),
        "ulaw_align.wav": lambda: patch(coded(0, "wav", "-c:a", "pcm_mulaw"), (32, b"\2\0")),
        "rf64.wav": lambda: coded(0, "wav", "-rf64", "always"),
        "count_0.aiff": lambda: patch(coded(0, "aiff"), (22, bytes(4))),
        "count_0.au": lambda: patch(coded(0, "au"), (8, bytes(4))),
        "too_short.au": lambda: patch(coded(0, "au"), (8, (32000).to_bytes(4, "big"))),
        "whole.sph": lambda: sphere(a[44:], len(a[44:]) // 2),
        "count_0.sph": lambda: sphere(a[44:], 0),
        "too_short.sph": lambda: sphere(a[44:], 16000),
        "real.sph": lambda: sphere(a[44:], len(a[44:]) // 2, "sample_rate -r 16000.000000"),
        "fragments.mp4": lambda: both("mp4", *fragments),
        "dash.mp4": lambda: styp + coded(0, "mp4", *fragments),
        "cut_fragments.mp4": lambda: half(coded(0, "mp4", *fragments)),
        "cut_early_header.m4a": lambda: half(coded(0, "m4a", "-movflags", "faststart")),
        "cut_alac.m4a": lambda: half(coded(0, "m4a", "-c:a", "alac", "-movflags", "faststart")),
        "opposite.wav": lambda: coded(0, "wav", "-af", "pan=stereo|c0=c0|c1=-1*c0"),
        "opposite.mp3": lambda: coded(0, "mp3", *MP3, "-af", "pan=stereo|c0=c0|c1=-1*c0"),
    }  # fmt: skip
    placeholders = [0x7FFF0000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2_000_000_000]
    for value in placeholders:
        found[f"placeholder_{value:x}.wav"] = lambda v=value: patch(a, (40, size(v)))
    return found


def wave(path: Path) -> bytes:
    """Return a recording as WAV of 16 bits with a header of 44 bytes."""
    samples, rate = soundfile.read(path, dtype="int16")
    data = samples.tobytes()
    header = b"RIFF" + size(36 + len(data)) + b"WAVEfmt \x10\0\0\0\1\0\1\0" + size(rate)
    return header + size(2 * rate) + b"\2\0\x10\0data" + size(len(data)) + data


def sphere(data: bytes, count: int, rate: str = "sample_rate -i 16000") -> bytes:
    """Return samples in NIST's format."""
    lines = ["NIST_1A", "   1024", rate, "channel_count -i 1", "sample_n_bytes -i 2"]
    lines += [f"sample_count -i {count}", "sample_byte_format -s2 01", "sample_coding -s3 pcm"]
    return "\n".join([*lines, "end_head", ""]).encode().ljust(1024) + data


def size(value: int) -> bytes:
    """Return a number of four bytes."""
    return value.to_bytes(4, "little")


def patch(data: bytes, *fields: tuple[int, bytes]) -> bytes:
    """Return ``data`` after overwriting it with ``fields``, which are positions and bytes."""
    changed = bytearray(data)
    for position, value in fields:
        changed[position : position + len(value)] = value
    return bytes(changed)


def counted(data: bytes, factor: float) -> bytes:
    """Return an MP3 file whose first frame counts ``factor`` times as many frames as there are."""
    at = max(data.find(b"Info"), data.find(b"Xing")) + 8
    count = int.from_bytes(data[at : at + 4], "big")
    return patch(data, (at, int(factor * count).to_bytes(4, "big")))


def half(data: bytes) -> bytes:
    """Return the first half of a file."""
    return data[: len(data) // 2]


if __name__ == "__main__":
    sys.exit(main())
