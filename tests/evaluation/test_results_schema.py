"""A ``results.json`` of other types is refused when it is read, and never breaks what shows it."""

import copy
import json

import pytest
from conftest import ROOT

from asr.errors import DataError
from asr.evaluation.interval import wer_interval
from asr.evaluation.results import check_reportable, common_values, read_results
from asr.evaluation.results_schema import find_fault
from asr.evaluation.scoring import score
from asr.report.page import render
from asr.report.payload import build_payload
from asr.report.table import FORMATS, rows

TEXTS = [("yes no", "yes no"), ("enter six two", "enter six"), ("stop", "to p"), ("go", "go")]
OTHERS = [None, True, -1, 1.5, 10**299, float("nan"), float("inf"), "", "1", [], [None], {}]
LEFT_OUT = object()


def contents():
    """Return the contents of a results.json that holds every field that is read."""
    items = [
        {
            "id": f"u{number}", "speaker": f"s{number}", "reference": reference,
            "hypothesis": hypothesis, "audio": f"{number}.wav", "offset": 0.5, "duration": 1.5,
            "noise": 30.0,
            "fields": {"room": number % 2},
            "words": [[0.1, 0.2, 0.9] for _ in hypothesis.split()],
            "causes": ["acoustics"] if reference != hypothesis else None,
            "label_score": 0.5,
        }
        for number, (reference, hypothesis) in enumerate(TEXTS)
    ]  # fmt: skip
    found = score(*zip(*TEXTS, strict=True))
    interval = wer_interval(found.by_utterance, [item["speaker"] for item in items])
    values = common_values(items, found, interval)
    return json.loads(json.dumps(values)) | {
        "manifest": {"path": "a/m.jsonl", "sha256": "x"},
        "model": {
            "sha256": "y",
            "provenance": {"config": {"name": "gru"}, "parameters": 3772285, "minutes": 79.5},
        },
        "decoder": {
            "name": "beam", "options": {"beam_size": 16}, "lm": {"unit": "word", "ngrams": [3, 2]},
            "rescore_lm": {"unit": "word", "words": 3}, "lexicon": 3, "hotwords": 1,
        },
        "unseen_texts": copy.deepcopy(values["score"]),
        "times_real_time": 99.5,
        "latency": {"utterances": 4, "median": 0.1, "p95": 0.2},
        "overlap": {"speakers": ["a"], "texts": 1, "audio": 0, "utterances": 4},
    }  # fmt: skip


def places(values):
    """Yield the object or list, and the key, of every value of ``values``."""
    for key, item in list(values.items() if isinstance(values, dict) else enumerate(values)):
        yield values, key
        if isinstance(item, dict | list):
            yield from places(item)


def show(path, folder):
    """Read results and show them in all ways; return whether they were read."""
    try:
        results = read_results(path)
        for format in FORMATS.values():
            format(rows([results]))
        check_reportable(results)
    except DataError as error:
        assert "\n" not in str(error) and "once more" in str(error)
        return False
    render(build_payload({"system": results.values}, folder))
    return True


def test_what_is_written_has_no_fault(tmp_path):
    assert find_fault(contents()) is None
    (tmp_path / "results.json").write_text(json.dumps(contents()))
    assert show(tmp_path, tmp_path)
    assert find_fault(json.loads((ROOT / "recipes/an4/results.json").read_text())) is None


def test_other_values_are_refused_or_shown(tmp_path):
    """Every value in turn is one of some others, or is left out."""
    refused = shown = 0
    original = contents()
    original["utterances"][2:] = []
    for number in range(len(list(places(original)))):
        for other in (*(OTHERS * 2)[4 * number % len(OTHERS) :][:4], LEFT_OUT):
            values = copy.deepcopy(original)
            inside, key = list(places(values))[number]
            if other is LEFT_OUT:
                del inside[key]
            else:
                inside[key] = other
            (tmp_path / "results.json").write_text(json.dumps(values))
            was_shown = show(tmp_path, tmp_path)
            shown += was_shown
            refused += not was_shown
    assert refused > 300 and shown > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": {"cer": {"hits": "12"}}}, "its score.cer has no rate"),
        ({"wer_interval": {"low": 0, "high": 1, "groups": 2, "over": 3}},
         "its wer_interval.over is 3, no text"),
        ({"groups": {"speaker": [1]}}, "its groups.speaker[0] is 1, no object"),
        ({"manifest": {"path": 3}}, "its manifest.path is 3, no text"),
        ({"times_real_time": "fast"}, 'its times_real_time is "fast", no number'),
        ({"unseen_texts": {"ser": {"rate": 0, "errors": 0, "reference": 0}}},
         "its unseen_texts.ser.reference is 0, no whole number from 1 on"),
        ({"decoder": {}}, "its decoder has no name"),
    ],
)  # fmt: skip
def test_messages_name_the_place(change, message, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(contents() | change))
    with pytest.raises(DataError) as raised:
        read_results(tmp_path)
    assert message in str(raised.value)
    assert "not a results.json of asr evaluate or asr score" in str(raised.value)


def test_the_place_in_an_utterance(tmp_path):
    values = contents()
    values["utterances"][1]["words"][0] = [0.1, "0.2", 0.9]
    assert find_fault(values).startswith("words of utterance 2 is [[0.1, ")
    assert find_fault(values).endswith(", no list of [start, end, confidence]")
