"""Names of the formats that a transcript can be written in.

The names stand apart from their writers (:mod:`asr.recognition.writers`), because the command line
shows them without loading anything.
"""

from enum import StrEnum


class Format(StrEnum):
    """Formats of a transcript; ``all`` stands for every other one, each in its own file."""

    txt = "txt"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    tsv = "tsv"
    ctm = "ctm"
    textgrid = "textgrid"
    all = "all"


FORMATS = tuple(str(format) for format in Format if format is not Format.all)
TOGETHER = (Format.txt, Format.json, Format.ctm)
"""The formats that can hold several recordings in one stream."""
