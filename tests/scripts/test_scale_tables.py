"""The arithmetic of large corpora is right where it can be done by hand."""

import json

import pytest
import scale_tables
from conftest import ROOT

INPUTS = json.loads((ROOT / "docs/scale.json").read_text())


def rows(text):
    """Return the cells of a Markdown table, by rows."""
    lines = [line.strip("|").split("|") for line in text.splitlines()]
    return [[cell.strip() for cell in line] for line in lines]


def test_every_input_says_how_it_is_known():
    for item in INPUTS:
        assert item["kind"] in ("measured", "counted", "published", "chosen", "assumed")
        assert item["source"] or item["kind"] in ("assumed", "chosen"), item["name"]
        assert item["value"] > 0, item["name"]


def test_the_tables_follow_from_the_inputs():
    values = {item["key"]: 1.0 for item in INPUTS} | {
        "librispeech_hours": 1000.0, "librispeech_utterances": 360_000.0, "librispeech_epochs": 10,
        "large_hours": 2000.0, "large_epochs": 5, "gpu": 500.0, "operations": 5.0, "flac": 20.0,
        "batch": 250.0, "node": 8, "cpu": 25.0, "gpu_price": 2.0, "core_price": 0.1,
        "reading": 50.0,
        "parameters": 1e9, "network": 32.0, "transcription": 400.0,
        "bulk_hours": 1e6,
        "latency": 0.05, "line": 200.0, "table": 300.0, "order": 25.0, "store_price": 0.01,
    }  # fmt: skip
    inputs = [item | {"value": values[item["key"]]} for item in INPUTS]
    storage = rows(scale_tables.scale_storage(inputs))[2]
    assert storage[1:] == ["0.36 million", "72 GB", "115 GB", "72 MB", "108 MB", "72", "1 USD"]
    training = rows(scale_tables.scale_training(inputs))[2:]
    assert training[0][2:5] == ["25.0", "17 days", "80 USD"]
    assert training[2][1:] == ["8 GPUs, estimated", "800", "12 h", "200 USD", "1,800, 18,000"]
    flow = rows(scale_tables.scale_flow(inputs))[2:]
    assert flow[0] == ["1", "2.0 MB/s", "10", "1", "2.0", "–"]
    # Eight machines send 7 GB each in a step of 2.5 s.
    assert flow[2] == ["64", "128.0 MB/s", "640", "64", "16.0", "22.4 Gbit/s, 70 %"]
    bulk = rows(scale_tables.scale_bulk(inputs))[2:]
    assert bulk[2] == ["1,000", "200,000", "5 h", "500 USD", "4,000.0 MB/s"]
    memory = rows(scale_tables.scale_memory(inputs))[2:]
    assert memory[2] == ["10 million lines", "250 MB", "16 GB"]


@pytest.mark.parametrize(("value", "text"), [(0.05, "0.05"), (947, "947"), (3.3976e9, "3.4 · 10⁹")])
def test_quantities_are_readable(value, text):
    assert scale_tables.quantity(value) == text
