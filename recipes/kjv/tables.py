"""This module makes the table and the quotations of study.py, which compares language models."""

from typing import Any


def perplexity(values: dict[str, Any]) -> str:
    """Return a table of the perplexities of language models."""
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


def samples(values: dict[str, Any]) -> str:
    """Return the generated texts as Markdown quotations."""
    parts = []
    for temperature, texts in values["samples"].items():
        parts.append(f"Temperature {temperature}:\n")
        parts += [f"> {text}\n>" for text in texts[:-1]]
        parts.append(f"> {texts[-1]}\n")
    return "\n".join(parts)
