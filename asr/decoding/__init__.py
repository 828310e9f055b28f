"""Decoding: log-probabilities to hypotheses, by greedy or beam search, and forced alignment.

    from asr.decoding import BeamSearch, read_lm

Names are imported when they are first used: greedy decoding needs neither the compiled library
nor a language model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asr.decoding.alignment import align
    from asr.decoding.beam import BeamSearch, BeamStream
    from asr.decoding.greedy import greedy
    from asr.decoding.hypothesis import Hypothesis
    from asr.lm.ngram_file import read_lm

__all__ = ["BeamSearch", "BeamStream", "Hypothesis", "align", "greedy", "read_lm"]

_HOMES = {
    "BeamSearch": "asr.decoding.beam",
    "BeamStream": "asr.decoding.beam",
    "Hypothesis": "asr.decoding.hypothesis",
    "align": "asr.decoding.alignment",
    "greedy": "asr.decoding.greedy",
    "read_lm": "asr.lm.ngram_file",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'asr.decoding' has no attribute {name!r}")
