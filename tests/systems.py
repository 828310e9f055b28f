"""Texts of made-up systems that make errors, and results.json files with them."""

import json

import numpy as np

WORDS = "a b c d e f g h".split()


def corrupted(words, share, rng):
    """Return the words with errors of all kinds."""
    result = []
    for word in words:
        kind = rng.random() / share
        if kind > 0.5:  # the word is kept or replaced
            result.append(word if kind > 1 else str(rng.choice(WORDS)))
        elif kind > 0.3:
            result += [word, str(rng.choice(WORDS))]
    return result


def systems(count, shares=(0.15, 0.25), seed=4):
    """Return references and the texts of two systems, of which the second makes more errors."""
    rng = np.random.default_rng(seed)
    references = [
        [str(rng.choice(WORDS)) for _ in range(rng.integers(1, 16))] for _ in range(count)
    ]
    texts = [references, *([corrupted(r, share, rng) for r in references] for share in shares)]
    return [[" ".join(words) for words in part] for part in texts]


def write_results(folder, texts, times=1, **changes):
    """Write a results.json of "a b c" twice and "d e", and return its folder.

    Two utterances in a row have one speaker. These three are there as many ``times``.
    """
    pairs = list(zip(("a b c", "a b c", "d e"), texts, strict=True)) * times
    utterances = [
        {"id": f"u{i}", "speaker": f"s{i // 2}", "reference": reference, "hypothesis": text}
        for i, (reference, text) in enumerate(pairs)
    ]
    folder.mkdir()
    values = {"schema_version": 2, "utterances": utterances} | changes
    (folder / "results.json").write_text(json.dumps(values))
    return folder
