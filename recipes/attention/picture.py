"""Draw where a decoder with attention looks while it spells what a recording says.

    python recipes/attention/picture.py --model runs/attention-dot-1-30/model \\
        --audio data/an4/an4/wav/an4test_clstk/fcaw/an406-fcaw-b.sph --output docs/attention.svg

Each row is a symbol of the text that the model recognises, each column a frame; the darker, the
more of its weight a frame has. Dots are where CTC hears the symbol. The picture has the colours of
the scheme that its reader has.
"""

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from asr.errors import AsrError, ConfigError
from asr.evaluation.pictures import Spelling, spell_out
from asr.files import write_atomically
from asr.recognition.transcriber import Transcriber

ROW, COLUMN = 13.0, 8.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 8.0, 6.0, 24.0
FAINTEST = 0.01
STYLE = """<style>
:root {--ink: #333333; --line: #3266a8}
@media (prefers-color-scheme: dark) {:root {--ink: #dddddd; --line: #7fb0ee}}
text {font: 10px sans-serif; fill: var(--ink)}
.symbol {text-anchor: end; font-family: monospace}
.time {text-anchor: middle}
.weight {fill: var(--ink)}
.spike {fill: var(--line)}
.border {fill: none; stroke: var(--ink); stroke-opacity: 0.3}
</style>"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", type=Path, required=True, help="a model with a decoder")
    add("--audio", type=Path, required=True, help="a short recording")
    add("--output", type=Path, required=True, help="the SVG file to write")
    options = parser.parse_args(arguments)
    try:
        write_atomically(options.output, picture_of(options.model, options.audio))
    except AsrError as error:
        sys.exit(f"error: {error}")


def picture_of(model: Path, audio: Path) -> str:
    """Return the picture of a recording as SVG.

    Raises:
        AsrError: the model has no decoder, or the recording cannot be used.
    """
    transcriber = Transcriber(model, attention=True)
    info, search = transcriber.model, transcriber.search
    assert search is not None and search.attention is not None
    (rows,) = transcriber.rows_many([audio])
    if isinstance(rows, AsrError):
        raise rows
    text = transcriber.transcribe(audio).text
    if not text:
        raise ConfigError(f"{audio}: the model hears no text in it")
    log_probs, encodings = np.split(rows, [len(info.vocabulary)], axis=1)
    found = spell_out(
        text, np.ascontiguousarray(log_probs), np.ascontiguousarray(encodings), search.attention,
        info,
    )  # fmt: skip
    return drawn(found, info.encoder.padding, info.frame_stride / info.sample_rate)


def drawn(spelling: Spelling, padding: int, frame: float) -> str:
    """Return the SVG of a spelling, of which ``padding`` frames lie before the recording; a frame
    is ``frame`` seconds."""
    weights = spelling.weights[:, padding : spelling.weights.shape[1] - padding or None]
    rows, columns = weights.shape
    width, height = columns * COLUMN, rows * ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + LEFT + RIGHT:g} '
        f'{height + TOP + BOTTOM:g}" role="img" aria-label="Weights of the frames by symbol">',
        STYLE,
        f'<rect class="border" x="{LEFT:g}" y="{TOP:g}" width="{width:g}" height="{height:g}"/>',
    ]
    for row, symbol in enumerate(spelling.symbols):
        y = TOP + row * ROW
        name = escape("␣" if symbol == " " else symbol)
        lines.append(f'<text class="symbol" x="{LEFT - 5:g}" y="{y + 10:g}">{name}</text>')
        lines += [
            f'<rect class="weight" x="{LEFT + column * COLUMN:g}" y="{y:g}" width="{COLUMN:g}" '
            f'height="{ROW:g}" fill-opacity="{weights[row, column]:.2f}"/>'
            for column in np.flatnonzero(weights[row] >= FAINTEST)
        ]
    for row, place in enumerate(spelling.spikes):
        x, y = LEFT + (place - padding + 0.5) * COLUMN, TOP + (row + 0.5) * ROW
        lines.append(f'<circle class="spike" cx="{x:g}" cy="{y:g}" r="2.5"/>')
    for half in range(int(columns * frame / 0.5) + 1):
        x = LEFT + half * 0.5 / frame * COLUMN
        lines.append(
            f'<text class="time" x="{x:g}" y="{TOP + height + 15:g}">{half / 2:g} s</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    main()
