"""``asr align`` finds when each word of a known text is said."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asr.cli.options import PATH, model_option, output_option
from asr.errors import OutputError
from asr.files import to_json

if TYPE_CHECKING:
    from asr.recognition.aligner import Alignment


class AlignmentFormat(StrEnum):
    """Formats of an alignment."""

    json = "json"
    ctm = "ctm"


@click.command()
@click.argument("audio", metavar="AUDIO", help="An audio file; - is standard input.")
@click.argument(
    "text",
    required=False,
    help="What is said in the recording; or use --text-file.",
)
@click.option(
    "--text-file",
    type=PATH,
    metavar="FILE",
    help="Read what is said from a UTF-8 file; line breaks do not matter.",
)
@click.option(
    "--format",
    "-f",
    type=click.Choice(AlignmentFormat),
    default=AlignmentFormat.json,
    help="Format of the output: json, or ctm as sclite and Kaldi use it.",
)
@output_option("FILE", "Write the result to this file instead of printing it.", required=False)
@model_option
def align(
    audio: str,
    text: str | None,
    text_file: Path | None,
    format: AlignmentFormat,
    output: Path | None,
    model: Path | None,
) -> None:
    """Find when each word of a known text is said.

    The recording may have any length. The json output holds the text, its words and tokens with
    start and end in seconds and confidences, the score and the duration. The ctm output has the
    line <recording> 1 <start> <duration> <word> <confidence> for each word.
    """
    from asr.files import read_text, write_atomically
    from asr.recognition.aligner import Aligner

    if (text is None) == (text_file is None):
        raise click.BadParameter("needs one of both: TEXT or --text-file", param_hint="TEXT")
    if output is not None and output.absolute() == Path(audio).absolute():
        raise OutputError(f"{output} is the input; choose another output file")
    if text_file is not None:
        text = read_text(text_file, "text")
    alignment = Aligner(model).align(audio, text or "")
    content = (_to_ctm if format is AlignmentFormat.ctm else _to_json)(audio, alignment)
    if output is None:
        print(content, end="")
    else:
        write_atomically(output, content)


def _to_json(audio: str, alignment: "Alignment") -> str:
    values: dict[str, Any] = {
        "audio": audio,
        "text": alignment.text,
        "words": [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in alignment.words
        ],
        "tokens": [
            {
                "token": token.text,
                "start": round(token.start, 3),
                "end": round(token.end, 3),
                "score": round(token.score, 4),
            }
            for token in alignment.tokens
        ],
        "score": round(alignment.score, 3),
        "duration": round(alignment.duration, 3),
        "model": alignment.model,
    }
    return to_json(values) + "\n"


def _to_ctm(audio: str, alignment: "Alignment") -> str:
    from asr.recognition.segments import split
    from asr.recognition.writers import stream

    return "".join(stream("ctm", audio, split(alignment.words)))
