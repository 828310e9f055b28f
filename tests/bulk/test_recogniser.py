"""Actors write parts, and set aside recordings that have ended actors again and again."""

import json
import shutil

from conftest import ROOT

from asr.bulk.options import Limits, Options
from asr.bulk.parts import Destination
from asr.bulk.recogniser import PartActor
from asr.bulk.rows import digests
from asr.bulk.shipping import Shipped
from asr.bulk.sources import read_source
from asr.bulk.units import units_of

SAMPLES = sorted((ROOT / "samples").glob("*.wav"))


def test_a_recording_that_has_ended_actors_is_set_aside(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for sample in SAMPLES[:3]:
        shutil.copy(sample, source)
    (portion,), count = read_source(str(source))
    ((unit,),) = ([*units_of(table, digests([]))] for table in portion.tables())
    assert count == 3 == unit["count"][0]
    destination = Destination(str(out), "jsonl", "run")
    destination.begin({})
    (name,) = unit["unit"]
    (out / "_attempts").mkdir()
    note = out / "_attempts" / f"{name}.json"
    note.write_text(json.dumps({"begun": 2, "alone": {"1": 2}}))
    actor = PartActor(Shipped(Options(limits=Limits(cpus=1)), ""), destination)
    report = actor(unit)
    assert (report["rows"], report["failed"]) == ([3], [1]) and not note.exists()
    (error,) = (out / "errors").iterdir()
    values = json.loads(error.read_text())
    assert values["audio"] == str(source / SAMPLES[1].name)
    assert values["error"].endswith("set aside, the actors that recognised it were ended each time")
    (part,) = out.glob("part-*")
    assert len(part.read_text().splitlines()) == 2
    # Done once more, by an actor that took the place of a lost one, it gives the same parts.
    again = actor(unit)
    assert again["failed"] == [0] and set(again["parts"][0]) <= {part.name}
    actor.close()
