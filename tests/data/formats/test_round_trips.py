"""Manifests that are written in other formats and read back lose nothing.

Their ids, texts, speakers and fields are random. The library lhotse reads the files written for
it, and its own files are read.
"""

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.data.formats.collect import FIELDS, collect
from asr.data.formats.item import read_utterances
from asr.data.formats.kaldi import read_kaldi, write_kaldi
from asr.data.formats.lhotse import read_lhotse, write_lhotse
from asr.data.formats.nemo import read_nemo, write_nemo
from asr.data.formats.tables import read_table, write_table
from asr.data.manifest import Utterance, write_manifest
from asr.errors import DataError

FORMATS = {
    "kaldi": (write_kaldi, read_kaldi, "kaldi"),
    "nemo": (write_nemo, read_nemo, "nemo.json"),
    "lhotse": (write_lhotse, read_lhotse, "lhotse"),
    "cuts": (write_lhotse, read_lhotse, "cuts.jsonl.gz"),
    "csv": (write_table, read_table, "table.csv"),
    "tsv": (write_table, read_table, "table.tsv"),
}
SECONDS = 0.25

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
WORDS = st.text(max_size=20).map(lambda text: " ".join(text.split()))
NAMES = st.from_regex(r"[\w.-]{1,12}", fullmatch=True).filter(
    lambda name: name not in {*FIELDS, "offset", "dur", "spk"} and len(name.encode()) < 100
)


@st.composite
def manifests(draw, plain):
    """Draw utterances without audio; if they are ``plain``, every format can hold them."""
    ids = st.from_regex(r"[^\s\x00]+", fullmatch=True) if plain else st.text()
    texts, speakers = (
        (WORDS.filter(lambda text: text and "\0" not in text), ids) if plain else (WORDS, st.text())
    )
    names = NAMES if plain else st.text().filter(lambda name: name not in {*FIELDS, "offset"})
    fields = st.dictionaries(names, VALUES, max_size=3)
    return [
        Utterance(
            audio=Path(f"a{draw(st.integers(0, 1))}.wav"),
            duration=SECONDS + draw(st.integers(-49_000, 49_000)) / 1e6,
            text=draw(texts),
            id=id,
            speaker=draw(st.none() | speakers | st.just(id)),
            extra=draw(fields),
        )
        for id in draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    ]


def write_all(folder, utterances):
    """Write a manifest and its audio; return its path and, to compare, what is read from it."""
    for name in ("a0.wav", "a1.wav"):
        soundfile.write(folder / name, np.zeros(int(SECONDS * 16000), np.int16), 16000)
    path = folder / "m.jsonl"
    write_manifest(path, [Utterance(**vars(u) | {"audio": folder / u.audio}) for u in utterances])
    return path, comparable(read_utterances(path))


def comparable(utterances):
    """Return what a manifest says of each id, with the types, which == does not compare."""
    return {
        u.id: (u.audio, u.duration, u.text, u.speaker, json.dumps(u.extra, sort_keys=True))
        for u in utterances
    }


def through(folder, manifest, format):
    """Write a manifest in ``format``, read it back, and return the path of a new manifest."""
    write, read, name = FORMATS[format]
    write(folder / name, read_utterances(manifest))
    output = folder / f"{format}.jsonl"
    collected = collect(read(folder / name), output)
    assert collected.cut == collected.kept == 0
    write_manifest(output, collected.utterances)
    return output


@pytest.mark.parametrize("format", FORMATS)
@settings(deadline=None, max_examples=25)
@given(utterances=manifests(plain=True))
def test_nothing_is_lost(format, utterances):
    """A manifest that a format can hold is the same after it was written and read back."""
    with tempfile.TemporaryDirectory() as name:
        manifest, before = write_all(Path(name).resolve(), utterances)
        after = through(manifest.parent, manifest, format)
        assert comparable(read_utterances(after)) == before


@pytest.mark.parametrize("format", FORMATS)
@settings(deadline=None, max_examples=25)
@given(utterances=manifests(plain=False))
def test_nothing_is_lost_in_silence(format, utterances):
    """Any manifest is the same afterwards, or the export refuses it."""
    with tempfile.TemporaryDirectory() as name:
        manifest, before = write_all(Path(name).resolve(), utterances)
        try:
            after = through(manifest.parent, manifest, format)
        except DataError as error:
            assert "cannot hold" in str(error)
            return
        assert comparable(read_utterances(after)) == before


@settings(deadline=None, max_examples=10)
@given(utterances=manifests(plain=True))
def test_through_all_formats(utterances):
    """A manifest is the same after it went through all formats."""
    with tempfile.TemporaryDirectory() as name:
        manifest, before = write_all(Path(name).resolve(), utterances)
        for format in FORMATS:
            manifest = through(manifest.parent, manifest, format)
        assert comparable(read_utterances(manifest)) == before


@pytest.fixture(scope="module")
def lhotse():
    """The library lhotse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lhotse
    except ModuleNotFoundError:
        pytest.skip('lhotse is not installed; pip install -e ".[peers]"')
    return lhotse


EXTRA = {
    "snr": 3.5, "language": "en", "gender": 7, "tags": ["a", None], "alignment":
    {"word": [["yes", 0.05, 0.1], ["no", 0.15, 0.05]]},
}  # fmt: skip


def test_lhotse_reads_what_is_written(lhotse, tmp_path):
    times = [SECONDS, SECONDS - 0.02, SECONDS + 0.03]
    given = [
        Utterance(Path("a0.wav"), seconds, f"Yes {i}", f"u{i}", [None, "s"][i % 2], EXTRA)
        for i, seconds in enumerate(times)
    ]
    manifest, _ = write_all(tmp_path, given)
    write_lhotse(tmp_path / "pair", read_utterances(manifest))
    recordings = lhotse.load_manifest(tmp_path / "pair" / "recordings.jsonl.gz")
    supervisions = lhotse.load_manifest(tmp_path / "pair" / "supervisions.jsonl.gz")
    lhotse.validate_recordings_and_supervisions(recordings, supervisions, read_data=True)
    write_lhotse(tmp_path / "cuts.jsonl", read_utterances(manifest))
    cuts = lhotse.load_manifest(tmp_path / "cuts.jsonl")
    lhotse.validate(cuts, read_data=True)
    segments = [cut.supervisions[0] for cut in cuts]
    assert segments == list(supervisions)
    assert [(s.id, s.text, s.speaker, s.language) for s in segments] == [
        (u.id, u.text, u.speaker, "en") for u in given
    ]
    assert [s.custom["gender"] for s in segments] == [7, 7, 7]
    assert [item.symbol for item in segments[0].alignment["word"]] == ["yes", "no"]
    assert [s.duration for s in segments] == [SECONDS, SECONDS - 0.02, SECONDS]
    assert cuts[0].load_audio().shape == (1, 4000)


@pytest.mark.parametrize("form", ["pair", "cuts", "trimmed"])
def test_what_lhotse_writes_is_read(lhotse, tmp_path, form):
    samples = np.random.default_rng(0).integers(-9000, 9000, (32000, 2), dtype=np.int16)
    soundfile.write(tmp_path / "rec.wav", samples, 16000)
    recordings = lhotse.RecordingSet.from_recordings(
        [lhotse.Recording.from_file(tmp_path / "rec.wav")]
    )
    segments = [
        lhotse.SupervisionSegment(
            "u1", "rec", 0.5, 1.0, channel=1, text="Yes", speaker="s", custom={"snr": 3.5}
        ),
        lhotse.SupervisionSegment("u2", "rec", 1.5, 0.25, channel=[0, 1], text="no"),
    ]
    supervisions = lhotse.SupervisionSet.from_segments(segments)
    if form == "pair":
        recordings.to_file(tmp_path / "recordings.jsonl.gz")
        supervisions.to_file(tmp_path / "supervisions.jsonl.gz")
        source = tmp_path
    else:
        cuts = lhotse.CutSet.from_manifests(recordings, supervisions)
        if form == "trimmed":
            cuts = cuts.trim_to_supervisions(keep_overlapping=False)
        source = tmp_path / "cuts.jsonl.gz"
        cuts.to_file(source)
    one, two = collect(read_lhotse(source), tmp_path / "m.jsonl").utterances
    assert (one.id, one.text, one.speaker, one.duration) == ("u1", "Yes", "s", 1.0)
    assert (two.id, two.text, two.speaker, two.duration) == ("u2", "no", None, 0.25)
    assert one.extra["snr"] == 3.5 and one.extra["recording_start"] == 0.5
    assert np.array_equal(soundfile.read(one.audio, dtype="int16")[0], samples[8000:24000, 1])
    assert np.array_equal(soundfile.read(two.audio, dtype="int16")[0], samples[24000:28000])
