"""Kill parts of a cluster while ``asr bulk`` works on it, and count every recording afterwards.

    python scripts/chaos_bulk.py --runs 20

Each run has a cluster of four machines, which are processes on this one. At random moments, a
machine, an actor, a recogniser and the driver are killed (SIGKILL); the command is called again
until it ends well. Then every recording has to be in the parts once, and none in the errors.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from uuid import uuid4

from asr.bulk.job import report_nothing

MARK = "ASR_CHAOS"
VICTIMS = ("node", "actor", "recogniser", "driver")
SAMPLES = Path(__file__).parents[1] / "samples"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="default: 20")
    parser.add_argument("--recordings", type=int, default=2000, help="default: 2000")
    parser.add_argument("--nodes", type=int, default=4, help="machines of the cluster; default: 4")
    parser.add_argument(
        "--within", type=float, default=30.0, help="seconds in which all are killed; default: 30"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    options = parser.parse_args(arguments)
    report_nothing()
    os.environ[MARK] = uuid4().hex
    bad = 0
    with tempfile.TemporaryDirectory(prefix="asr-chaos-") as folder:
        source = Path(folder, "in")
        source.mkdir()
        samples = cycle(sorted(SAMPLES.glob("*.wav")))
        for number in range(options.recordings):
            os.symlink(next(samples), source / f"{number:06}.wav")
        for number in range(options.runs):
            told = one_run(source, Path(folder, f"out-{number}"), options, options.seed + number)
            print(f"run {number + 1}: {told}", flush=True)
            bad += not told.endswith("each once")
    if bad:
        sys.exit(f"{bad} of {options.runs} runs went wrong")


def one_run(source: Path, target: Path, options: argparse.Namespace, seed: int) -> str:
    """Do one run, and return what was killed when, and whether all is there."""
    from ray.cluster_utils import Cluster

    rng = random.Random(seed)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(options.nodes - 1)]
    moments = sorted((rng.uniform(2, options.within), victim) for victim in VICTIMS)
    command = [sys.executable, "-m", "asr", "bulk", str(source), "-o", str(target)]
    command += ["--parts", "jsonl", "--address", cluster.address]
    told, calls = [], 0
    started = time.monotonic()
    driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for moment, victim in moments:
            while time.monotonic() - started < moment and driver.poll() is None:
                time.sleep(0.1)
            if driver.poll() is not None:
                break
            if victim == "node":
                cluster.remove_node(nodes.pop(rng.randrange(len(nodes))), allow_graceful=False)
            elif victim == "driver":
                driver.kill()
                driver.wait()
                driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
                calls += 1
            else:
                words = {"actor": "ray::MapWorker", "recogniser": "asr.bulk.child"}
                found = processes(words[victim])
                if not found:
                    continue
                os.kill(rng.choice(found), signal.SIGKILL)
            told.append(f"{victim} at {time.monotonic() - started:.0f} s")
        while driver.wait() != 0 and calls < 10:
            told.append(f"exit code {driver.returncode}: {driver.communicate()[1].strip()[-200:]}")
            driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            calls += 1
    finally:
        driver.kill()
        cluster.shutdown()
    names = Counter(
        json.loads(line)["audio"]
        for part in target.glob("part-*.jsonl")
        for line in part.read_text().splitlines()
    )
    failed = sum(1 for part in target.glob("errors/*") for _ in part.read_text().splitlines())
    lost = {str(path) for path in source.iterdir()} - set(names)
    twice = sum(count > 1 for count in names.values())
    shutil.rmtree(target)
    result = "each once"
    if lost or twice or failed:
        result = f"{len(lost)} lost, {twice} twice, {failed} failed"
    seconds = time.monotonic() - started
    return (
        f"{', '.join(told)}; {calls + 1} calls, {seconds:.0f} s; {len(names)} recordings, {result}"
    )


def processes(words: str) -> list[int]:
    """Return the processes of this program's clusters whose command line holds ``words``."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (folder / "cmdline").read_bytes():
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
