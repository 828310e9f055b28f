"""Damaged conversations over WebSockets are answered or ended, and the server goes on."""

import os

import numpy as np
from conftest import ROOT
from fuzz_frames import (
    PATHS,
    Server,
    attempt,
    framed,
    fuzz_frames,
    mutant,
    realtime_messages,
    vosk_messages,
)

CONVERSATIONS = int(os.environ.get("ASR_FUZZ_CONVERSATIONS", 40))
MODEL = ROOT / "asr/models/default"


def test_undamaged_conversations_are_answered():
    rng = np.random.default_rng(0)
    with Server(MODEL) as server:
        for path, messages, end in (
            (PATHS[0], vosk_messages(), "1000"),
            (PATHS[1], realtime_messages(), "answered to the end"),
        ):
            frames = b"".join(part for message in messages for part in framed(*message, rng))
            assert attempt(server, path, frames) == f"{path}: {end}"


def test_conversations_are_determined_by_seed_and_number():
    assert mutant(1, 20) == mutant(1, 20)
    assert len({mutant(seed, number) for seed in (1, 2) for number in range(50)}) > 95


def test_a_failure_of_the_server_is_a_finding():
    with Server(MODEL) as server:
        server.failures.append("ValueError()")
        assert attempt(server, "/", b"").startswith("crash: ValueError()")


def test_damaged_conversations(tmp_path):
    totals = fuzz_frames(CONVERSATIONS, 0, 1, MODEL, tmp_path)
    assert not totals.findings and totals.outcomes.total() == CONVERSATIONS
    ended = [outcome.rpartition(": ")[2] for outcome in totals.outcomes]
    assert {"1000", "1007", "answered to the end"} <= set(ended)
