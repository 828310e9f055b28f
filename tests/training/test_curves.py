"""Training curves keep to the terminal's width, mark the best epoch, and equal small drawings."""

import math
import os

import pytest
from commands import run

from asr.errors import DataError
from asr.training.curves import MARK, Curve, curves, draw, read_run

HEAD = "epoch,step,learning_rate,train_loss,dev_loss,dev_wer,seconds\n"


def metrics(count, best=7):
    """Return the rows of a run whose dev WER is lowest after epoch ``best``."""
    return [
        {
            "epoch": epoch,
            "train_loss": 60 / epoch,
            "dev_loss": 50 / epoch + epoch / 100,
            "dev_wer": 10 + 5 * abs(epoch - best),
            "seconds": 30.0,
        }
        for epoch in range(1, count + 1)
    ]


def write(folder, rows):
    """Write the metrics of a run to its folder."""
    lines = [
        f"{row['epoch']},9,0.1,{row['train_loss']},{row['dev_loss']},{row['dev_wer']},30\n"
        for row in rows
    ]
    folder.mkdir(exist_ok=True)
    (folder / "metrics.csv").write_text(HEAD + "".join(lines))
    return folder


def test_a_line_by_hand():
    """A falling line goes from the upper left to the lower right, dot by dot as drawn by hand.

    Ten columns have twenty dots, two rows have eight.
    """
    assert draw([1, 20], [Curve("x", [7.0, 0.0])], width=16, height=2, top=7.0) == [
        "  7 │⠉⠒⠢⢄⣀",
        "  0 │     ⠉⠑⠢⠤⣀ x",
        "    └──────────",
        "     1       20",
    ]


def test_a_flat_line_and_its_mark():
    top, *_, axis, numbers = draw([3, 4, 5], [Curve("dev", [2.0, 2.0, 2.0], marked=1)], 20, 3, 2.0)
    assert top == "2 │⠉⠉⠉⠉⠉⠉●⠉⠉⠉⠉⠉⠉ dev" and len(top) == 20
    assert (axis, numbers) == ("  └─────────────", "   3           5")


def test_a_dotted_line():
    top, *_ = draw([1, 20], [Curve("a", [1.0, 1.0], dotted=True)], 16, 2, 1.0)
    assert top == "  1 │⠁ ⠁ ⠁ ⠁ ⠁  a"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [1, 2, 12, 160, 1000])
def test_width(width, count):
    text = curves(metrics(count), width)
    lengths = [len(line) for line in text.splitlines()]
    assert max(lengths) <= width
    assert max(lengths) >= width - 6  # another picture may have the longest label
    assert text.count(MARK) == 2  # one is in the title, one at the best epoch


def test_the_mark_stands_at_the_best_epoch():
    text = curves(metrics(41, best=21), 60).splitlines()
    assert text[-1] == "41 epochs in 20 min; best dev WER 10.00 % after epoch 21"
    (line,) = [line for line in text if MARK in line and "│" in line]
    drawn = line.split("│")[1].index(MARK)
    columns = next(len(line.split("└")[1]) for line in reversed(text) if "└" in line)
    assert abs(drawn - columns / 2) <= 1


def test_of_equal_epochs_the_first_is_the_best():
    rows = [row | {"dev_wer": 5.0} for row in metrics(3)]
    assert "best dev WER 5.00 % after epoch 1" in curves(rows, 60)


def test_values_that_are_no_numbers_are_left_out():
    rows = metrics(9)
    rows[0] |= {"train_loss": math.nan, "dev_loss": math.inf, "dev_wer": math.inf}
    assert "best dev WER 10.00 % after epoch 7" in curves(rows, 60)
    hopeless = [row | {"dev_wer": math.nan, "dev_loss": math.nan} for row in rows]
    assert curves(hopeless, 60).endswith("\n9 epochs in 4 min\n")
    zero = [row | {"dev_wer": 0.0, "dev_loss": 0.0, "train_loss": 0.0} for row in rows]
    assert "best dev WER 0.00 % after epoch 1" in curves(zero, 60)


def test_language_models_have_a_perplexity():
    rows = [{**row, "dev_perplexity": row["dev_wer"]} for row in metrics(5)]
    for row in rows:
        del row["dev_wer"]
    text = curves(rows, 60)
    assert "dev perplexity by epoch, ● the best\n" in text
    assert text.endswith("best dev perplexity 20.00 after epoch 5\n")


@pytest.mark.parametrize("columns", [60, 120])
def test_the_command(columns, tmp_path):
    """The command shows the curves of a run in the width of the terminal, without torch."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": str(columns)}
    folder = write(tmp_path / "run", metrics(30))
    done = run("report", folder, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == curves(read_run(folder), columns)
    assert run("report", folder, "-f", "md").returncode == 2
    assert run("report", folder, folder).returncode == 2


def test_without_a_terminal_80_columns(tmp_path):
    folder = write(tmp_path / "run", metrics(30))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = run("report", folder, env=environment)
    assert max(map(len, done.stdout.splitlines())) == 80


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no epoch is over yet"),
        (HEAD, "no epoch is over yet"),
        ("a,b\n1,2\n", "not a metrics.csv of asr train"),
        (HEAD + "1,2\n", "not a metrics.csv of asr train"),
        (HEAD + "x,9,0,1,1,1,1\n", "not a metrics.csv of asr train"),
    ],
)
def test_runs_without_curves(text, message, tmp_path):
    (tmp_path / "metrics.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_run(tmp_path)
