"""Options of decoding that several commands have."""

from enum import StrEnum
from typing import Annotated, Any

import typer


class Decoder(StrEnum):
    """How log-probabilities become text."""

    greedy = "greedy"
    beam = "beam"


DecoderOption = Annotated[
    Decoder | None,
    typer.Option(help="Default: greedy, or beam with one of the options below."),
]
LmOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Beam search with this n-gram model (ARPA or binary) instead of the one in the "
        "model directory, and any words; none: without one.",
    ),
]
LexiconOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Beam search for the words of this list or dictionary alone; none: for any words.",
    ),
]
HotwordOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD:BOOST",
        help="Beam search that prefers a word or phrase, by a boost such as 3 (natural "
        "logarithm; the default); repeatable.",
    ),
]
BeamSizeOption = Annotated[
    int | None, typer.Option(min=1, help="Beam search that keeps so many prefixes.")
]
LmWeightOption = Annotated[
    float | None, typer.Option(min=0, help="Beam search with this weight of the language model.")
]
WordBonusOption = Annotated[
    float | None, typer.Option(help="Beam search with this bonus (natural logarithm) a word.")
]
UnknownScoreOption = Annotated[
    float | None,
    typer.Option(
        help="Beam search with this score (natural logarithm) of a word that the language model "
        "does not know, on top of what the model gives it."
    ),
]


def decoding(
    decoder: Decoder | None,
    lm: str | None,
    lexicon: str | None,
    hotwords: list[str] | None,
    beam_size: int | None,
    lm_weight: float | None,
    word_bonus: float | None,
    unknown_score: float | None,
) -> dict[str, Any]:
    """What :class:`asr.transcriber.Transcriber` is to be told."""
    from asr.decoding.bundled import parse_hotwords

    search: dict[str, Any] = {
        "lm": lm,
        "lexicon": lexicon,
        "hotwords": parse_hotwords(hotwords) if hotwords else None,
        "beam_size": beam_size,
        "lm_weight": lm_weight,
        "word_bonus": word_bonus,
        "unknown_score": unknown_score,
    }
    search = {name: value for name, value in search.items() if value is not None}
    if decoder is Decoder.greedy and search:
        names = ", ".join(f"--{name.replace('_', '-').rstrip('s')}" for name in search)
        raise typer.BadParameter(f"greedy search has no {names}", param_hint="--decoder")
    if decoder is Decoder.beam or search:
        return {"decoder": "beam", **search}
    return {}
