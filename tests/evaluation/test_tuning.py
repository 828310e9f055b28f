"""Tuning of weights: the surface of errors, the choice on it, and the command."""

import json
import math
from functools import partial

import numpy as np
import pytest
import soundfile
from commands import run
from conftest import ROOT

from asr.data.manifest import Utterance, write_manifest
from asr.decoding.bundle import Bundle
from asr.decoding.config import DecodingConfig
from asr.errors import DataError
from asr.evaluation.scoring import ErrorCounts
from asr.evaluation.tuning import LM_WEIGHTS, WORD_BONUSES, Trial, Tuner, _middle, tune_manifest
from asr.lm.kneser_ney import estimate
from asr.lm.perplexity import perplexity
from asr.model.directory import read_files, read_model, write_model
from asr.text import Vocabulary

VOCABULARY = Vocabulary.from_characters(" abc")


def emissions(text, other, share):
    """Return log-probs of ``text`` in which ``other`` has ``share`` of the probability."""
    rows = []
    for character, wrong in zip(text, other, strict=True):
        row = np.full(len(VOCABULARY), 1e-4)
        row[VOCABULARY.encode(character)[0]] += 1 - share
        row[VOCABULARY.encode(wrong)[0]] += share
        blank = np.full(len(VOCABULARY), 1e-4)
        blank[0] = 1.0
        rows += [row / row.sum(), blank / blank.sum()]
    return np.log(rows).astype(np.float32)


def test_the_language_model_gets_the_weight_that_it_deserves():
    # The spoken text is heard a little worse than the wrong one; the language model knows better.
    texts = ["ab ab", "ab a ab", "a ab"] * 3
    wrong = ["ac ab", "ab a ac", "a ac"] * 3
    items = [emissions(text, other, 0.6) for text, other in zip(texts, wrong, strict=True)]
    lm = estimate([*texts, "ac"], 2).model  # it knows the wrong word, too
    tuner = Tuner(VOCABULARY, items, texts, lm, None)
    tuning = tuner.tune(DecodingConfig(unknown_score=0.0))
    assert len(tuning.surface) == len(LM_WEIGHTS)
    assert all(len(row) == len(WORD_BONUSES) for row in tuning.surface)
    assert tuning.word_cost == round(math.log(perplexity(lm, texts).per_word), 1) > 0
    for weight, row in zip(LM_WEIGHTS, tuning.surface, strict=True):
        for bonus, trial in zip(WORD_BONUSES, row, strict=True):
            expected = bonus + weight * tuning.word_cost
            assert trial.options.word_bonus == pytest.approx(expected, abs=0.006)
    without = tuning.surface[0][WORD_BONUSES.index(0.0)]
    assert without.options.lm_weight == 0 and without.errors.errors == 9
    assert tuning.chosen.errors.errors == 0 and tuning.chosen.options.lm_weight > 0
    assert len(tuning.unknown) > 1 and len(tuning.beams) > 1
    assert tuner.texts(tuning.chosen.options) == texts
    assert tuner.trial(tuning.chosen.options).errors == tuning.chosen.errors


def test_without_a_language_model_only_the_bonus_is_searched():
    texts = ["a b", "c"]
    tuner = Tuner(VOCABULARY, [emissions(t, t, 0.0) for t in texts], texts, None, ["a", "b", "c"])
    tuning = tuner.tune(DecodingConfig())
    assert (tuning.lm_weights, tuning.word_cost, tuning.unknown) == ((0.0,), 0.0, ())
    assert tuning.chosen.errors.errors == 0


def surface_of(errors):
    """Return a surface of trials with these numbers of errors."""
    return [
        [
            Trial(DecodingConfig(beam_size=1 + 10 * i + j), ErrorCounts(substitutions=count), 0.0)
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(errors)
    ]


@pytest.mark.parametrize(
    ("errors", "place"),
    [
        # A lone low value does not win against a low plain.
        ([[1, 9, 9, 9], [9, 9, 3, 3], [9, 9, 3, 3], [9, 9, 3, 3]], (2, 3)),
        ([[5, 4, 5]], (0, 0)),
        # Where many errors change steadily, what lies beside a valley is not taken for its ground.
        ([[900, 700, 660], [600, 603, 690], [661, 662, 760]], (1, 0)),
        ([[7]], (0, 0)),
    ],
)
def test_the_middle_of_the_best_neighbourhood(errors, place):
    """The trial in the middle of the best neighbourhood is chosen."""
    surface = surface_of(errors)
    assert _middle(surface) is surface[place[0]][place[1]]


def test_sets_weigh_alike():
    """A set of one utterance counts as much as one of nine."""
    texts, sets = ["a b"] + 9 * ["c"], ["few"] + 9 * ["many"]
    log_probs = [emissions("a b", "a b", 0.0)] + 9 * [emissions("c", "a", 1.0)]
    weighed = Tuner(VOCABULARY, log_probs, texts, None, None, sets=sets)
    trial = weighed.trial(DecodingConfig())
    assert trial.errors.errors == 9 and trial.errors.reference == 11
    # Half of what is 0 % in one set and 100 % in the other, of 11 words.
    assert trial.weighed == trial.compared == pytest.approx(11 / 2, abs=0.1)
    alike = Tuner(VOCABULARY, log_probs, texts, None, None).trial(DecodingConfig())
    assert alike.weighed is None and alike.compared == 9


def test_an_utterance_of_no_set_is_named(tmp_path):
    items = [Utterance(tmp_path / "a.wav", 1.0, "yes", "a", None, {"set": "words"}),
             Utterance(tmp_path / "b.wav", 1.0, "no", "b")]  # fmt: skip
    write_manifest(tmp_path / "dev.jsonl", items)
    with pytest.raises(DataError, match="b is of no set; each line needs the field"):
        tune_manifest(tmp_path / "dev.jsonl", ROOT / "recipes/an4/model", Bundle(), dev_sets=True)


def test_what_cannot_be_tuned():
    """No utterances, or not a text for each, are errors."""
    with pytest.raises(DataError, match="tuning needs an utterance or more"):
        Tuner(VOCABULARY, [], [], None, None)
    with pytest.raises(DataError, match="got 1 and 2"):
        Tuner(VOCABULARY, [np.zeros((0, 5), np.float32)], ["a", "b"], None, None)


def test_the_command_writes_what_the_transcriber_then_uses(tmp_path):
    folder, source = tmp_path / "model", ROOT / "recipes/an4/model"
    info = read_model(source)
    write_model(folder, info, read_files(source, info))
    paths = sorted((ROOT / "samples").glob("*.wav"))
    texts = [path.with_suffix(".txt").read_text().strip() for path in paths]
    items = [
        Utterance(path, soundfile.info(path).duration, text, path.stem)
        for path, text in zip(paths, texts, strict=True)
    ]
    write_manifest(tmp_path / "dev.jsonl", items)
    (tmp_path / "text.txt").write_text("\n".join(texts))

    asr = partial(run, cwd=tmp_path)
    built = asr("lm", "build", "text.txt", "-o", "lm.arpa", "--order", 2)
    assert built.returncode == 0, built.stderr
    tune = ["lm", "tune", "--manifest", "dev.jsonl", "--model", folder, "--lm", "lm.arpa"]
    before = (folder / "model.json").read_bytes()
    dry = asr(*tune, "--dry-run", "--plot", "surface.png")
    assert dry.returncode == 0, dry.stderr
    assert (folder / "model.json").read_bytes() == before
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")
    done = asr(*tune)
    assert done.returncode == 0, done.stderr
    assert "chosen: LM weight" in done.stdout and "written into" in done.stdout
    assert "the test may have been among its texts" in done.stderr
    values = json.loads((folder / "lm.json").read_text())
    assert values["provenance"]["command"].split()[-2:] == ["--lm", "lm.arpa"]
    assert math.isfinite(values["options"]["lm_weight"])

    greedy = asr("evaluate", "--manifest", "dev.jsonl", "--model", folder)
    beam = asr("evaluate", "--manifest", "dev.jsonl", "--model", folder, "--decoder", "beam",
               "-o", "out")  # fmt: skip
    errors = [int(done.stdout.split("[")[1].split("/")[0]) for done in (greedy, beam)]
    assert errors[1] < errors[0]
    assert "language model: the model holds 100.0 % of the 1-grams" in beam.stdout
    assert "the test may have been among its texts" in beam.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["decoder"]["name"] == "beam"
    assert results["decoder"]["options"] == values["options"]
    assert results["lm_overlap"]["explicit"][0] > 0
