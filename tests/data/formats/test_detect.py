"""Formats of data, recognised by the content of a file or folder."""

import pytest
import soundfile
from conftest import noise

from asr.data.formats.detect import read_any
from asr.errors import DataError

LINE = '{"audio_filepath": "a.wav", "text": "yes"}\n'
CUT = '{"id": "c", "start": 0, "supervisions": []}\n'
RECORDING = (
    '{"id": "r", "sampling_rate": 8000, "num_samples": 800, "duration": 0.1, "sources": '
    '[{"type": "file", "channels": [0], "source": "a.wav"}]}'
)
SPOKEN = (
    '{"id": "a", "recording_id": "r", "start": 0, "duration": 0.1, "channel": 0, "text": "yes"}'
)
WHOLE = f'{{"id": "c", "start": 0, "duration": 0.1, "type": "MonoCut", "recording": {RECORDING}, '
WHOLE += f'"supervisions": [{SPOKEN}]}}'


@pytest.mark.parametrize(
    ("files", "source", "format"),
    [
        ({"wav.scp": "a a.wav\n", "text": "a yes\n", "a.txt": "yes"}, "", "Kaldi"),
        ({"a.txt": "yes", "other.csv": "x\n"}, "", "folder"),
        ({"t.csv": "path,text\na.wav,yes\n", "notes.json": "[1]"}, "", "table"),
        ({"t.tsv": "path\ttext\na.wav\tyes\n", "u.tsv": "path"}, "t.tsv", "table"),
        ({"m.jsonl": LINE}, "", "NeMo"),
        ({"m.json": LINE, "n.json": LINE}, "n.json", "NeMo"),
        ({"x_supervisions.jsonl": SPOKEN, "x_recordings.jsonl": RECORDING}, "", "lhotse"),
        ({"cuts.jsonl": WHOLE}, "", "lhotse"),
    ],
)
def test_formats_are_found(tmp_path, files, source, format):
    soundfile.write(tmp_path / "a.wav", noise(800), 8000)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found, (item,) = read_any(tmp_path / source, pytest.fail)
    assert (found, item.id, item.text) == (format, "a", "yes")


@pytest.mark.parametrize(
    ("files", "source", "message"),
    [
        ({}, "", "looked for wav.scp (Kaldi), *supervisions*.jsonl (lhotse), recordings with .tx"),
        ({"a.csv": "", "b.tsv": ""}, "", "found a.csv, b.tsv: give one of them"),
        ({}, "none", "none: no such file or folder"),
        ({"m.txt": "yes"}, "m.txt", "m.txt: neither a table (.csv or .tsv) nor a manifest"),
        ({"m.jsonl": "{}"}, "m.jsonl", "m.jsonl: neither a table"),
        ({"m.jsonl": CUT}, "m.jsonl", "m.jsonl:1: the cut has no recording"),
        ({"x_supervisions.jsonl": CUT}, "", "x_supervisions.jsonl:1: "),
    ],
)
def test_formats_that_are_not_found(tmp_path, files, source, message):
    """A source that is of no format, or is ambiguous, is an error of one line."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def refuse(problem):
        raise DataError(str(problem))

    with pytest.raises(DataError) as error:
        read_any(tmp_path / source, refuse)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_lines_of_a_table_are_told(tmp_path):
    """Problems of a table name its lines."""
    soundfile.write(tmp_path / "a.wav", noise(800), 8000)
    (tmp_path / "t.csv").write_text("path,text\na.wav,yes\nb.wav,no\na.wav,\na.wav,so,too\n")
    problems = []
    _, items = read_any(tmp_path / "t.csv", problems.append)
    assert [item.text for item in items] == ["yes"]
    assert [problem.line for problem in problems] == [3, 4, 5]
    messages = ("no audio file 'b.wav'", "the text is missing", "3 cells, needs 2")
    for problem, message in zip(problems, messages, strict=True):
        assert problem.message.startswith(message)
