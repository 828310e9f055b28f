"""Log-probs, searches and texts for tests of decoding, and their scores by the definition."""

import itertools
import math

import numpy as np

from asr.lm.kneser_ney import estimate
from asr.lm.ngram import split_units
from asr.text import Vocabulary

VOCABULARY = Vocabulary.from_characters(" ab")
UNPRUNED = {
    "beam_size": 4096,
    "beam_threshold": math.inf,
    "token_threshold": math.inf,
    "blank_skip": 1.0,
}
TEXTS = ["a", "b a", "ab a b", "ba ab a", "a a b", "b", "ba ba", "a b ab"]
LEXICON = ["a", "ab", "ba"]
HOT = {"ab": 1.5, "a b": 2.0, "bb": 0.7, "b": -0.5}
CASES = {
    "plain": {},
    "bonus": {"word_bonus": 0.8},
    "words": {"lm": (2, "word")},
    "unigram": {"lm": (1, "word"), "unknown_score": -1.0},
    "trigram": {"lm": (3, "word"), "word_bonus": -0.3},
    "tokens": {"lm": (3, "token"), "word_bonus": 0.5},
    "lexicon": {"lexicon": LEXICON},
    "lexicon and words": {"lexicon": [*LEXICON, "bba"], "lm": (2, "word"), "unknown_score": 0.4},
    "lexicon and tokens": {"lexicon": LEXICON, "lm": (2, "token")},
    "hot words": {"hotwords": HOT},
    "hot words in a lexicon": {"hotwords": HOT, "lexicon": LEXICON},
    "all": {"hotwords": HOT, "lexicon": LEXICON, "lm": (3, "word"), "word_bonus": 0.2},
}


def language_model(order, unit):
    """Return an n-gram model of ``TEXTS``."""
    return estimate(TEXTS, order, unit).model


def random_log_probs(frames, size, seed, sharpness=1.0, impossible=0.0):
    """Return random log-probs (frames, size) float32.

    A share ``impossible`` of them is -inf, but never a whole row.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (frames, size))
    gone = rng.random((frames, size)) < impossible
    gone[gone.all(axis=1)] = False
    logits[gone] = -np.inf
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def all_texts(log_probs):
    """Return the log-probability of every token sequence, by adding up all paths."""
    frames, size = log_probs.shape
    totals = {}
    for path in itertools.product(range(size), repeat=frames):
        merged = [token for token, _ in itertools.groupby(path)]
        text = VOCABULARY.decode([token for token in merged if token != 0])
        score = sum(float(log_probs[t, token]) for t, token in enumerate(path))
        totals[text] = np.logaddexp(totals.get(text, -math.inf), score)
    return {text: float(score) for text, score in totals.items() if score > -math.inf}


def text_score(text, lm, lexicon, hotwords, options):
    """Add up the scores that the language model, the bonuses and the hot words give a text.

    Return (their sum, the score of the language model alone), or None if the lexicon forbids the
    text.
    """
    words = text.split()
    if lexicon is not None:
        if not set(words) <= {*lexicon, *" ".join(hotwords).split()}:
            return None
        if "  " in text or text.startswith(" "):
            return None
    score, lm_score = options["word_bonus"] * len(words), 0.0
    if lm is not None:
        units = words if lm.unit == "word" else split_units(text, lm.unit)
        ids = [lm.word_id(unit) for unit in units]
        scores = lm.score([ids])[0]
        ends = bool(words)  # silence is no sentence
        lm_score = math.log(10) * float(scores[: len(ids) + ends].sum())
        score += options["lm_weight"] * lm_score
        if lm.unit == "word":
            score += options["unknown_score"] * ids.count(lm.unknown_id)
    for hot, boost in hotwords.items():
        for begin in range(len(text)):
            end = begin + len(hot)
            borders = text[begin - 1 : begin] in ("", " ") and text[end : end + 1] in ("", " ")
            score += boost * (borders and text[begin:end] == hot)
    return score, lm_score


def exact_score(log_probs, tokens):
    """Return the log-probability of ``tokens`` by the CTC loss of torch."""
    import torch

    values = torch.from_numpy(log_probs.astype(np.float64))[:, None]
    loss = torch.nn.functional.ctc_loss(
        values, torch.tensor([tokens]).reshape(1, -1), torch.tensor([len(log_probs)]),
        torch.tensor([len(tokens)]), reduction="none",
    )  # fmt: skip
    return -float(loss[0])
