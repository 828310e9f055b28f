"""Measure how recognition in windows differs from recognition in one piece.

    python scripts/benchmarks/windows.py --manifest data/an4/test.jsonl --model recipes/an4/model

Recordings are joined to long ones, which are recognised window by window and in one piece;
then each recording is recognised on its own. Decoding is greedy. The script prints how far the
log-probabilities differ between windows and one piece (the median over frames of the largest
difference in a frame), how many frames get another symbol, how far the times of words lie apart
that both recognise, and the word errors in all three cases.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import numpy.typing as npt

from asr.audio.read import Samples, read_audio
from asr.data.manifest import Utterance, read_manifest
from asr.decoding.greedy import greedy
from asr.errors import AsrError
from asr.evaluation.scoring import ErrorCounts, score
from asr.model.directory import default_model
from asr.model.session import AcousticSession
from asr.recognition.transcriber import Transcriber
from asr.recognition.words import Word, to_words


@dataclass(frozen=True)
class Comparison:
    """The differences between windows and one piece over all recordings, and the word errors.

    ``log_probs`` (frames,) holds the largest difference of each frame, and ``times`` (words,) the
    difference of each word in frames. ``symbols`` counts the frames whose most probable symbol
    differs.
    """

    log_probs: npt.NDArray[np.floating]
    symbols: int
    times: npt.NDArray[np.floating]
    windowed: ErrorCounts
    in_one_piece: ErrorCounts
    alone: ErrorCounts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="the recordings to be joined")
    parser.add_argument(
        "--model", type=Path, default=default_model(), help="default: the model in the package"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=5.0,
        help="the least length of a joined recording; default: 5",
    )
    options = parser.parse_args(arguments)
    try:
        found = compare(read_manifest(options.manifest), options.model, options.minutes)
    except AsrError as error:
        sys.exit(f"error: {error}")
    print(f"frames             {len(found.log_probs)}, {found.symbols} get another symbol")
    print(f"log-probabilities  {np.median(found.log_probs):.5f} (median difference)")
    print(f"word times         {found.times.max():.2f} frames at most, {len(found.times)} words")
    print(f"windowed           {found.windowed}")
    print(f"in one piece       {found.in_one_piece}")
    print(f"each on its own    {found.alone}")


def compare(items: list[Utterance], model: Path, minutes: float) -> Comparison:
    """Join ``items`` in their order, recognise them in all three ways, and compare.

    A joined recording has ``minutes`` at least.
    """
    transcriber, session = Transcriber(model), AcousticSession(model)
    info = session.info
    differences, symbols, times = [], 0, list[float]()
    references, windowed, in_one_piece = (list[str]() for _ in range(3))
    for samples, text in joined(items, info.sample_rate, minutes):
        transcript = transcriber.transcribe(samples)
        log_probs = transcriber.log_probs(samples)
        (whole,) = session.log_probs([samples])
        differences.append(np.abs(log_probs - whole).max(axis=1))
        symbols += int(np.count_nonzero(log_probs.argmax(axis=1) != whole.argmax(axis=1)))
        hypothesis = greedy(whole, info.vocabulary.blank_id)
        words = to_words(hypothesis, info, transcript.duration)
        times += moved(transcript.words, words, info.frame_stride / info.sample_rate)
        references.append(text)
        windowed.append(transcript.text)
        in_one_piece.append(" ".join(word.text for word in words))
    alone = list(transcriber.transcribe_many([item.source for item in items]))
    return Comparison(
        np.concatenate(differences),
        symbols,
        np.array(times),
        score(references, windowed).words,
        score(references, in_one_piece).words,
        score([item.text for item in items], [item.text for item in alone]).words,
    )


def joined(
    items: list[Utterance], sample_rate: int, minutes: float
) -> Iterator[tuple[Samples, str]]:
    """Yield the samples and the text of each joined recording; the last one may be shorter."""
    group: list[Samples] = []
    texts: list[str] = []
    for item in items:
        group.append(read_audio(item.source, sample_rate).samples)
        texts.append(item.text)
        if sum(map(len, group)) >= 60 * minutes * sample_rate:
            yield np.concatenate(group), " ".join(texts)
            group, texts = [], []
    if group:
        yield np.concatenate(group), " ".join(texts)


def moved(ours: Sequence[Word], others: Sequence[Word], frame: float) -> list[float]:
    """Return by how many frames the times differ of the words that both have in the same order."""
    texts = [[word.text for word in words] for words in (ours, others)]
    blocks = SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks()
    pairs = [
        (ours[block.a + k], others[block.b + k]) for block in blocks for k in range(block.size)
    ]
    return [max(abs(a.start - b.start), abs(a.end - b.end)) / frame for a, b in pairs]


if __name__ == "__main__":
    main()
