"""Names of the formats that a transcript can be written in.

To add a format, write its function in :mod:`asr.recognition.writers` and add its name here. The
names stand apart from their writers only because ``asr --help`` lists them, and starts at once if
it need not load the writers.
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
