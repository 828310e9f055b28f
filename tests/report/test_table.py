"""Tables of results equal small ones made by hand, CSV can be read back, and signs are escaped."""

import csv
import io
import json

import pytest
from commands import run

from asr.errors import DataError
from asr.evaluation.interval import Interval
from asr.evaluation.results import Results, common_values, read_results, write_results
from asr.evaluation.scoring import score
from asr.report.table import latex_escaped, rows, to_csv, to_latex, to_markdown

BEAM = {
    "name": "beam",
    "options": {"beam_size": 16},
    "lm": {"unit": "word", "ngrams": [9, 20, 30]},
    "rescore_lm": {"unit": "word", "words": 9},
    "lexicon": 97,
    "hotwords": {"yes": 2.0},
}


def write(folder, hypotheses=("yes no", "stop"), name=None, **more):
    """Write a results.json of "yes no" and "stop now" by the model ``name``; return its folder."""
    pairs = list(zip(("yes no", "stop now"), hypotheses, strict=True))
    utterances = [
        {"id": str(i), "speaker": f"s{i}", "reference": one, "hypothesis": two}
        for i, (one, two) in enumerate(pairs)
    ]
    found = score([one for one, _ in pairs], [two for _, two in pairs])
    values = common_values(utterances, found, Interval(0.0125, 0.5, 2, "speakers"))
    if name is not None:
        provenance = {"config": {"name": name}, "parameters": 3772285, "minutes": 79.5}
        values["model"] = {"sha256": "x", "provenance": provenance}
        values |= {"decoder": {"name": "greedy"}, "times_real_time": 209.7}
    write_results(folder, values | more)
    return folder


def test_a_table_of_texts_alone(tmp_path):
    """A table of results of ``asr score`` has no columns for values that they lack."""
    items = rows([read_results(write(tmp_path / "a|b"))])
    cells = [
        "25.00 % [1 / 4: 0 ins, 1 del, 0 sub]",
        "1.25 to 50.00 %, 2 speakers",
        "28.57 % [4 / 14]",
        "50.00 % [1 / 2]",
    ]
    head, rule, row = to_markdown(items).splitlines()
    assert len(head) == len(rule) == len(row)
    assert head == (
        "| system |                                  WER |               95 % interval |"
        "              CER |             SER |"
    )
    assert rule == "| ------ | " + " | ".join("-" * (len(x) - 1) + ":" for x in cells) + " |"
    assert row == "| a\\|b   | " + " | ".join(cells) + " |"


def test_csv_is_read_back(tmp_path):
    one = write(tmp_path / "one", name="gru, big\n2", unseen_texts=None)
    two = write(tmp_path / "two", ("yes no no", "stop now"), "lstm", decoder=BEAM)
    table = to_csv(rows([read_results(one), read_results(two)]))
    first, second = csv.DictReader(io.StringIO(table))
    assert first["system"] == "gru, big 2" and second["system"] == "lstm"
    assert (first["decoder"], first["language_model"]) == ("greedy", "")
    assert second["decoder"] == "beam 16, lexicon of 97, hot words"
    assert second["language_model"] == "3-gram of words, then GRU of words"
    numbers = {
        "wer": "0.25", "word_errors": "1", "words": "4", "insertions": "0", "deletions": "1",
        "substitutions": "0", "wer_low": "0.0125", "wer_high": "0.5", "interval_groups": "2",
        "interval_over": "speakers", "cer": "0.285714", "character_errors": "4",
        "characters": "14", "ser": "0.5", "sentence_errors": "1", "sentences": "2",
        "parameters": "3772285", "training_minutes": "79.5", "times_real_time": "209.7",
    }  # fmt: skip
    assert {name: first[name] for name in numbers} == numbers
    assert first.keys() == numbers.keys() | {"system", "decoder", "language_model"}
    assert second["insertions"] == "1"


def test_latex(tmp_path):
    table = to_latex(rows([read_results(write(tmp_path / "one", name="[a_1] 50% & more"))]))
    lines = table.splitlines()
    assert lines[:2] == [r"\begin{tabular}{llrrrrrrr}", r"\toprule"]
    assert lines[2] == (
        r"system & decoder & WER & 95 \% interval & CER & SER & parameters & training & "
        r"times real time \\"
    )
    assert lines[3] == r"\midrule"
    assert lines[4].startswith(r"{[}a\_1] 50\% \& more & greedy & 25.00 \% {[}1 / 4: 0 ins")
    assert lines[4].endswith(r" & 3.77 M & 80 min & 210 \\")
    assert lines[5:] == [r"\bottomrule", r"\end{tabular}"]


@pytest.mark.parametrize(("speed", "shown"), [(0.4, "0.4"), (9.7, "9.7"), (10.0, "10")])
def test_slow_decoding_keeps_a_decimal(speed, shown, tmp_path):
    one = write(tmp_path / "one", name="gru", times_real_time=speed)
    row = to_markdown(rows([read_results(one)])).splitlines()[-1]
    assert row.split("|")[-2].strip() == shown


def test_what_latex_minds():
    """Signs that mean something to LaTeX are escaped."""
    assert latex_escaped(r"\ { } # $ % & _ ~ ^") == (
        r"\textbackslash{} \{ \} \# \$ \% \& \_ \textasciitilde{} \textasciicircum{}"
    )
    assert latex_escaped("<é|>") == r"\textless{}é\textbar{}\textgreater{}"


def test_names_tell_systems_apart(tmp_path):
    places = [("a/test", "gru"), ("b/test", "gru"), ("c/test", None), ("d/test", None)]
    results = [read_results(write(tmp_path / place, name=name)) for place, name in places]
    expected = ["gru (a/test)", "gru (b/test)", "c/test", "d/test"]
    assert [item.system for item in rows(results)] == expected
    alone = results[2].path.rename(tmp_path / "beam.json")
    assert [item.system for item in rows([read_results(alone), results[0]])] == ["beam", "gru"]
    with pytest.raises(DataError, match="is given twice"):
        rows([results[0], read_results(tmp_path / "a" / "test" / "results.json")])


def test_other_test_sets_are_named(tmp_path):
    sets = [{"path": f"{name}.jsonl", "sha256": name} for name in ("dev", "test")]
    both = [read_results(write(tmp_path / m["sha256"], name="m", manifest=m)) for m in sets]
    assert [item.test_set for item in rows(both)] == ["dev.jsonl", "test.jsonl"]
    assert rows(both[:1])[0].test_set is None


def test_results_without_a_score(tmp_path):
    with pytest.raises(DataError, match="its score cannot be read"):
        rows([Results(tmp_path / "results.json", {}, {"score": {}})])


def test_the_command(tmp_path):
    one, two = write(tmp_path / "one", name="gru"), write(tmp_path / "two")
    done = run("report", one, two / "results.json")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, *body = done.stdout.splitlines()
    assert head.split("|")[1].strip() == "system" and len(body) == 2
    written = run("report", one, two, "-f", "csv", "-o", tmp_path / "out" / "table.csv")
    assert (written.returncode, written.stdout) == (0, "")
    text = (tmp_path / "out" / "table.csv").read_text()
    assert text == to_csv(rows([read_results(one), read_results(two)]))
    assert run("report", one, "--format", "latex").stdout.startswith(r"\begin{tabular}")


def test_errors_of_the_command(tmp_path):
    one = write(tmp_path / "one")
    (tmp_path / "run").mkdir()
    empty = run("report", tmp_path / "run")
    assert empty.returncode == 1 and "holds neither results.json nor metrics.csv" in empty.stderr
    (tmp_path / "run" / "metrics.csv").write_text("")
    mixed = run("report", one, tmp_path / "run")
    assert mixed.returncode == 2 and "one after the other" in " ".join(mixed.stderr.split())
    assert "no epoch is over yet" in run("report", tmp_path / "run").stderr
    (one / "metrics.csv").write_text("")
    both = run("report", one)
    assert both.returncode == 1 and "holds metrics.csv and results.json" in both.stderr
    assert "cannot read" in run("report", tmp_path / "none").stderr
    (tmp_path / "x.json").write_text(json.dumps({"schema_version": 1}))
    other = run("report", tmp_path / "x.json")
    assert other.returncode == 1 and "not a results.json" in other.stderr
    assert len(other.stderr.splitlines()) == 1
