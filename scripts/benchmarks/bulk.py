"""Measure ``asr bulk`` on this machine: its throughput, what scheduling costs, the driver's memory.

    python scripts/benchmarks/bulk.py throughput --hours 20 --manifest data/an4/test.jsonl
    python scripts/benchmarks/bulk.py scheduling --count 100000

``throughput`` repeats the recordings of manifests under new names until they last so many hours,
and compares one ``asr bulk`` with two processes of ``asr transcribe --shard`` that share them, in
turn, least of ``--repeats`` each; then it compares the lines of both. ``scheduling`` recognises as
many short recordings, says for how much of the time the network was at work as it is for the same
recordings in one process without a cluster, and how the driver's memory grew. Let nothing else run
meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table
from workload import RATE, read_recordings

SHORT_SECONDS = 2.0
"""The length of a short recording."""
NAMES = 500
"""The recordings of different content among short ones."""
PART = 10_000
"""The short recordings that are recognised without a cluster."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["throughput", "scheduling"])
    parser.add_argument(
        "--manifest",
        type=Path,
        action="append",
        help="the recordings to repeat, more than one if wanted; default: those in samples/",
    )
    parser.add_argument("--hours", type=float, default=20.0, help="of throughput; default: 20")
    parser.add_argument(
        "--count", type=int, default=100_000, help="of short recordings; default: 100000"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of throughput; default: 3")
    options = parser.parse_args(arguments)
    recordings = [
        samples for manifest in options.manifest or [None] for samples in read_recordings(manifest)
    ]
    with tempfile.TemporaryDirectory(prefix="asr-bulk-") as folder:
        if options.what == "throughput":
            table = throughput(Path(folder), recordings, options.hours, options.repeats)
        else:
            table = scheduling(Path(folder), recordings, options.count)
        Console().print(table)


def throughput(folder: Path, recordings: list[np.ndarray], hours: float, repeats: int) -> Table:
    """Compare a job with two processes that share the recordings."""
    source = folder / "in"
    source.mkdir()
    originals, left, count = [], 3600 * hours, 0
    for number, samples in enumerate(recordings):
        originals.append(folder / f"{number}.flac")
        soundfile.write(originals[-1], samples, RATE)
    for original, samples in cycle(zip(originals, recordings, strict=True)):
        os.link(original, source / f"{count:06}.flac")
        left, count = left - len(samples) / RATE, count + 1
        if left <= 0:
            break
    best = {"one asr bulk": float("inf"), "two asr transcribe": float("inf")}
    for number in range(repeats):
        target = folder / f"bulk-{number}"
        started = time.perf_counter()
        bulk(source, target)
        best["one asr bulk"] = min(best["one asr bulk"], time.perf_counter() - started)
        started = time.perf_counter()
        shares = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "asr",
                    "transcribe",
                    source,
                    "-f",
                    "json",
                    "--shard",
                    f"{i}/2",
                ],
                stdout=(folder / f"share-{i}").open("wb"),
            )
            for i in (1, 2)
        ]
        if any(share.wait() for share in shares):
            raise SystemExit("asr transcribe failed")
        best["two asr transcribe"] = min(best["two asr transcribe"], time.perf_counter() - started)
    theirs = lines((folder / "share-1").read_text() + (folder / "share-2").read_text())
    ours = lines("".join(part.read_text() for part in target.glob("part-*.jsonl")))
    table = Table(f"{count} recordings, {hours:g} h", "seconds", "times real time")
    for name, seconds in best.items():
        table.add_row(name, f"{seconds:.1f}", f"{3600 * hours / seconds:.0f}×")
    table.add_row("ratio", f"{best['two asr transcribe'] / best['one asr bulk']:.2f}", "")
    equal = sum(ours.get(name) == line for name, line in theirs.items())
    table.add_row("equal lines", f"{equal} of {len(theirs)}", "")
    same = sum(said(ours.get(name)) == said(line) for name, line in theirs.items())
    table.add_row("equal text and times", f"{same} of {len(theirs)}", "")
    return table


def scheduling(folder: Path, recordings: list[np.ndarray], count: int) -> Table:
    """Recognise short recordings as a job, and a part of them to the same lines without a
    cluster, once before and once after it."""
    from asr.recognition.subtitles import SubtitleOptions
    from asr.recognition.transcriber import Transcriber
    from asr.recognition.writers import render

    joined = np.concatenate(recordings)
    size = round(SHORT_SECONDS * RATE)
    originals = []
    for number in range(NAMES):
        begin = number * 7919 % (len(joined) - size)
        originals.append(folder / f"{number}.wav")
        soundfile.write(originals[-1], joined[begin : begin + size], RATE)
    source = folder / "in"
    source.mkdir()
    for number, original in zip(range(count), cycle(originals), strict=False):
        os.link(original, source / f"{number:06}.wav")
    memory: list[int] = []
    few = [source / f"{number:06}.wav" for number in range(min(count, PART))]
    transcriber, subtitles = Transcriber(), SubtitleOptions()
    seconds = []
    for turn in range(3):  # the machine may become faster or slower in these minutes
        started = time.perf_counter()
        if turn == 1:
            bulk(source, folder / "out", memory)
        else:
            for path, transcript in zip(few, transcriber.transcribe_many(few), strict=True):
                render("json", path, transcript, subtitles, {"decoder": "greedy"})
        seconds.append(time.perf_counter() - started)
    before, taken, after = seconds
    alone = (before + after) / 2 * count / len(few)
    table = Table(f"{count} recordings of {SHORT_SECONDS:g} s", "")
    table.add_row("seconds as a job, its start included", f"{taken:.1f}")
    table.add_row("seconds in one process, in proportion", f"{alone:.1f}")
    table.add_row("cost of scheduling", f"{100 * (1 - alone / taken):.1f} %")
    for share in (0.25, 0.5, 0.75, 1.0):
        value = memory[max(0, int(share * len(memory)) - 1)] if memory else 0
        table.add_row(f"driver's memory after {100 * share:.0f} % of the time", f"{value} MB")
    return table


def bulk(source: Path, target: Path, memory: list[int] | None = None) -> None:
    """Do a job; note the driver's memory (MB) each second in ``memory``."""
    command = [sys.executable, "-m", "asr", "bulk", source, "-o", target, "--parts", "jsonl"]
    process = subprocess.Popen(command)
    ended = threading.Event()

    def watch() -> None:
        while memory is not None and not ended.wait(1.0):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            found = [line for line in status.splitlines() if line.startswith("VmRSS")]
            memory.extend(int(line.split()[1]) >> 10 for line in found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    ended.set()
    watcher.join()
    if code:
        raise SystemExit("asr bulk failed")


def lines(text: str) -> dict[str, str]:
    """Return lines of JSON by the recording."""
    return {json.loads(line)["audio"]: line for line in text.splitlines()}


def said(line: str | None) -> object:
    """Return the text and the times of a line."""
    values = json.loads(line or "{}")
    words = [(x["word"], x["start"], x["end"]) for x in values.get("words", ())]
    return values.get("text"), words


if __name__ == "__main__":
    main()
