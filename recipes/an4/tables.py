"""This module makes the table of a lexicon and a language model from decoding.py's results."""

from typing import Any

from asr.evaluation.results import rate_with_counts

ORDERS = ("none", "unigram", "bigram", "trigram")


def decoding(values: dict[str, Any]) -> str:
    """Return the table of ``decoding.json``, which compares each row with greedy search."""
    texts = values["unseen_texts"]
    rows = [
        f"| words | language model | dev | test | less than greedy | test, {texts} unseen texts |",
        "|---|---|---|---|---|---|",
    ]
    base = values["rows"][0]["test"]["rate"]
    for row in values["rows"]:
        if row["search"] == "greedy":
            names = ["greedy search", ""]
        else:
            names = [row["words"], ORDERS[row["order"]] + ", then GRU" * row["rescored"]]
        rates = [rate_with_counts(row[part]) for part in ("dev", "test", "unseen_texts")]
        less = f"{100 * (1 - row['test']['rate'] / base):.0f} %"
        cells = [*names, rates[0], rates[1], "" if row["search"] == "greedy" else less, rates[2]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
