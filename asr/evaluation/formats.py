"""Names of the formats that transcripts can be read from.

To add a format, write its reader, name it in :mod:`asr.evaluation.transcripts` and add its name
here. The names stand apart from their readers only because ``asr score --help`` lists them, and
starts at once if it need not load the readers.
"""

DESCRIPTIONS = {
    "txt": "plain text, an utterance a line",
    "trn": "NIST's trn, a text and (speaker-utterance) a line",
    "ctm": "NIST's ctm, a word and its times a line",
    "stm": "NIST's stm, a segment, its times and its text a line",
    "kaldi": "Kaldi's text, an id and a text a line",
    "json": "JSON, an utterance a line",
    "srt": "SubRip subtitles",
    "vtt": "WebVTT subtitles",
    "tsv": "a table of start, end and text",
}
FORMATS = tuple(DESCRIPTIONS)
WITHOUT_IDS = ("txt", "srt", "vtt", "tsv")
"""The formats whose files do not name utterances; all but the first hold one utterance."""
