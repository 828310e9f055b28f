"""Word errors against NIST's sclite, on the trn files of a report."""

import re
import shutil
import subprocess

import pytest

from asr.report.results import write_results
from asr.scoring import score

PAIRS = [
    ("enter six two", "enter six two"),
    ("r u b o u t", "r u b out"),
    ("october thirty first", "october first one"),
    ("yes", ""),
    ("no", "no no"),
    ("h e l l o", "a h e l o o"),
]


def test_counts_equal_sclite(tmp_path):
    if not shutil.which("sctk"):
        pytest.skip("sctk (NIST's sclite) not found; install it, e.g. apt install sctk")
    utterances = [
        {"id": f"u{i}", "speaker": "s", "reference": reference, "hypothesis": hypothesis}
        for i, (reference, hypothesis) in enumerate(PAIRS)
    ]
    write_results(tmp_path, {"utterances": utterances})
    done = subprocess.run(
        "sctk sclite -i spu_id -r ref.trn trn -h hyp.trn trn -o rsum stdout".split(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if re.match(r"\s*\| Sum ", line)]
    sentences, words, *_, errors, _ = map(int, re.findall(r"\d+", line))
    ours = score(*map(list, zip(*PAIRS, strict=True))).words
    assert (sentences, words) == (len(PAIRS), ours.reference)
    # How equal numbers of errors divide into kinds is a matter of weights, and sclite's differ.
    assert errors == ours.errors
