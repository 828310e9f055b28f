"""Tables of searches and language models."""

from typing import Any

from recipes_table import short

ORDERS = ("none", "unigram", "bigram", "trigram")


def decoding_table(values: dict[str, Any]) -> str:
    """A Markdown table of one ``decoding.json``, each row against greedy search."""
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
        rates = [short(row[part]) for part in ("dev", "test", "unseen_texts")]
        less = f"{100 * (1 - row['test']['rate'] / base):.0f} %"
        cells = [*names, rates[0], rates[1], "" if row["search"] == "greedy" else less, rates[2]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def perplexity_table(values: dict[str, Any]) -> str:
    """A Markdown table of language models."""
    tokens = {part: values["rows"][0][part]["tokens"] for part in ("dev", "test")}
    rows = [
        f"| model | dev, {tokens['dev']} words | test, {tokens['test']} words "
        "| test, a character | minutes |",
        "|---|---|---|---|---|",
    ]
    for row in values["rows"]:
        cells = [
            row["model"],
            *(f"{row[part]['perplexity']:.1f}" for part in ("dev", "test")),
            f"{row['test']['per_character']:.3f}",
            f"{row['minutes']:.2g}" if row["minutes"] < 1 else f"{row['minutes']:.0f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def samples_list(values: dict[str, Any]) -> str:
    """Generated texts as Markdown quotations."""
    parts = []
    for temperature, texts in values["samples"].items():
        parts.append(f"Temperature {temperature}:\n")
        parts += [f"> {text}\n>" for text in texts[:-1]]
        parts.append(f"> {texts[-1]}\n")
    return "\n".join(parts)
