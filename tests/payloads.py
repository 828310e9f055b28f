"""Made-up payloads of report.html, of any size, as an evaluation would fill them."""

import base64

import numpy as np
import soundfile

from asr.evaluation.word_alignment import align_words

WORDS = "yes no stop enter erase rubout help one two three four five six seven nine".split()
CAUSES = ["acoustics", "search", "language model", "out of vocabulary"]
WORD_SECONDS = 0.4
RATE = 8000


def corrupted(words, share, rng):
    """Return the words with errors of all kinds."""
    result = []
    for word in words:
        kind = rng.random() / share
        if kind > 0.3:  # the word is kept or replaced; otherwise it is deleted
            result.append(word if kind > 1 else str(rng.choice(WORDS)))
        if kind > 0.85 and kind < 1:
            result.append(str(rng.choice(WORDS)))
    return result


def make_output(reference, hypothesis, rng, timed=True):
    """Return the output of one system for an utterance; its words lie WORD_SECONDS apart."""
    steps = align_words(reference, hypothesis)
    wrong = [step.kind != "C" for step in steps]
    output = {
        "hypothesis": " ".join(hypothesis),
        "errors": sum(wrong),
        "steps": [list(step) for step in steps],
    }
    if timed:
        starts = [round(WORD_SECONDS * (i + 0.25), 3) for i in range(len(hypothesis))]
        sure = rng.beta(8, 1.2, len(hypothesis)).round(3).tolist()
        output |= {
            "words": [[t, round(t + 0.3, 3), c] for t, c in zip(starts, sure, strict=True)],
            "kinds": [CAUSES[int(rng.integers(4))] if is_wrong else None for is_wrong in wrong],
            "label_score": round(float(rng.normal(-1, 1)), 3),
        }
    return output


def make_utterances(count, shares=(0.2,), timed=True, seed=1):
    """Return ``count`` utterances of five speakers, with one output for each share of errors."""
    rng = np.random.default_rng(seed)
    utterances = []
    for index in range(count):
        reference = [str(word) for word in rng.choice(WORDS, rng.integers(1, 12))]
        texts = [corrupted(reference, share, rng) for share in shares]
        speaker = f"s{index % 5}"
        utterance = {
            "id": f"{speaker}-{index:05d}",
            "speaker": speaker,
            "reference": " ".join(reference),
            "outputs": [make_output(reference, text, rng, timed) for text in texts],
        }
        if timed:
            longest = max(len(reference), *(len(text) for text in texts))
            utterance |= {
                "duration": round(WORD_SECONDS * (longest + 0.5), 3),
                "noise": round(float(rng.uniform(5, 40)), 1),
                "fields": {"sex": "fm"[index % 2]},
                "audio": None,
                "picture": None,
            }
        utterances.append(utterance)
    return utterances


def add_recording(folder, utterance):
    """Write a tone for each word to a WAV file in ``folder``, and add it and its picture."""
    rng = np.random.default_rng(0)
    time = np.arange(int(utterance["duration"] * RATE)) / RATE
    pitch = 300 + 100 * (time / WORD_SECONDS).astype(int) % 1200
    name = f"{utterance['id']}.wav"
    soundfile.write(folder / name, 0.1 * np.sin(2 * np.pi * pitch * time), RATE)
    columns = int(utterance["duration"] * 50)
    rows = np.arange(40)[:, None]
    place = pitch[:: RATE // 50][:columns] / 4000 * 40
    tones = 255 * np.exp(-((rows - place[None]) ** 2) / 4) + rng.uniform(0, 30, (40, columns))
    symbols = ["<blank>", " ", *"abcdefghijklmnopqrstuvwxyz"]
    posteriors = np.full((len(symbols), columns), 0.0)
    posteriors[0] = 230
    for column in range(3, columns, 4):
        posteriors[0, column], posteriors[rng.integers(1, len(symbols)), column] = 20, 240
    utterance["audio"] = name
    utterance["picture"] = {
        "seconds": utterance["duration"],
        "spectrogram": plane(tones) | {"top": 4000},
        "posteriors": plane(posteriors) | {"symbols": symbols},
    }


def plane(values):
    """Return the values (rows, columns), which are 0 to 255, in the form that the page takes."""
    data = base64.b64encode(values.clip(0, 255).astype(np.uint8).tobytes()).decode()
    return {"rows": values.shape[0], "columns": values.shape[1], "data": data}


def count_words(outputs):
    """Return the word error rate and its counts, taken from the alignments."""
    kinds = [
        "I" if reference is None else "D" if word is None else "CS"[reference != word]
        for output in outputs
        for reference, word in output["steps"]
    ]
    hits, substitutions, deletions, insertions = (kinds.count(kind) for kind in "CSDI")
    words, errors = hits + substitutions + deletions, substitutions + deletions + insertions
    return {
        "rate": errors / words if words else float(errors > 0) * float("inf"),
        "errors": errors,
        "reference": words,
        "hits": hits,
        "substitutions": substitutions,
        "deletions": deletions,
        "insertions": insertions,
    }


def make_groups(utterances, index, name):
    """Return the scores of the utterances that have the same ``name(utterance)``, sorted by it."""
    groups = []
    names = {name(item) for item in utterances}
    for value in sorted(names, key=lambda value: (len(value), value)):
        members = [item for item in utterances if name(item) == value]
        wer = count_words([item["outputs"][index] for item in members])
        interval = {"low": 0.7 * wer["rate"], "high": 1.4 * wer["rate"]}
        groups.append(
            {"value": value, "utterances": len(members), "wer": wer, "interval": interval}
        )
    return groups


def make_system(utterances, index=0):
    """Return the results of the system ``index``."""
    outputs = [item["outputs"][index] for item in utterances]
    wer = count_words(outputs)
    wrong = sum(output["errors"] > 0 for output in outputs)
    ser = {"rate": wrong / len(outputs), "errors": wrong, "reference": len(outputs)}
    score = {"wer": wer, "cer": wer, "cer_without_spaces": wer, "ser": ser}
    kinds = [kind for output in outputs for kind in output["kinds"]]
    bins = [
        {
            "low": k / 10,
            "high": (k + 1) / 10,
            "words": 20 * k * k + (40 if index else 3),
            "confidence": k / 10 + 0.05,
            "correct": min(1.0, 0.2 + 0.085 * k + 0.02 * index),
        }
        for k in range(10)
    ]
    return {
        "name": f"recipes/an4/model, {('greedy', 'beam')[index]}",
        "score": score,
        "wer_interval": {
            "low": 0.7 * wer["rate"],
            "high": 1.4 * wer["rate"],
            "groups": 5,
            "over": "speakers",
        },
        "unseen_texts": score,
        "normalization": {"name": "plain", "steps": ["lower case", "Unicode NFC", "single spaces"]},
        "command": "asr evaluate --manifest data/an4/test.jsonl --output-dir out",
        "finished": "2026-11-25T13:01:46+00:00",
        "hardware": "x86_64, 2 CPU cores",
        "versions": {"asr": "0.1.0", "python": "3.11.7"},
        "utterance_count": len(utterances),
        "audio_seconds": sum(item["duration"] for item in utterances),
        "seconds": 1.702,
        "times_real_time": 209.7,
        "latency": {"utterances": 50, "median": 0.0213, "p95": 0.0481},
        "decoder": {"name": ("greedy", "beam")[index]},
        "manifest": {"path": "data/an4/test.jsonl", "sha256": "a8999b09" * 8},
        "model": {
            "sha256": "d15a0e3e" * 8,
            "provenance": {"command": "asr train", "seed": 1, "parameters": 4321000},
        },
        "groups": {
            "speaker": make_groups(utterances, index, lambda item: item["speaker"]),
            "duration": make_groups(
                utterances, index, lambda item: "{} to {} s".format(*span(item["duration"], 2))
            ),
            "noise": make_groups(
                utterances, index, lambda item: "{} to {} dB".format(*span(item["noise"], 10))
            ),
            "sex": make_groups(utterances, index, lambda item: item["fields"]["sex"]),
        },
        "calibration": {"words": sum(b["words"] for b in bins), "ece": 0.0312, "bins": bins},
        "attribution": {cause: kinds.count(cause) for cause in CAUSES},
        "overlap": {"speakers": [], "texts": 26 * (1 - index), "audio": 0},
        "lm_overlap": None,
    }


def span(value, width):
    """Return the two neighbouring multiples of ``width`` that enclose a value."""
    low = int(value // width) * width
    return low, low + width


def make_payload(folder, count=60, shares=(0.2,), recordings=0):
    """Return a payload with one system for each share of errors.

    The first ``recordings`` utterances can be heard: their sounds are written to ``folder``.
    """
    utterances = make_utterances(count, shares)
    for utterance in utterances[:recordings]:
        add_recording(folder, utterance)
    comparison = {
        "rate": -0.0231,
        "low": -0.0412,
        "high": -0.0051,
        "groups": 5,
        "over": "speakers",
        "segments": 31,
        "z": 2.31,
        "p": 0.021,
        "verdict": "the second is better",
    }
    return {
        "title": "AN4, test",
        "systems": [make_system(utterances, index) for index in range(len(shares))],
        "comparison": comparison if len(shares) > 1 else None,
        "left_out": 0,
        "utterances": utterances,
    }
