"""Sub-words of the training texts, learned by sentencepiece (the unigram model of Kudo 2018)."""

import io
import re
from collections.abc import Iterable
from pathlib import Path

from asr.errors import DataError
from asr.files import parse_json, to_json, write_atomically
from asr.text import BLANK, Vocabulary
from asr.training.config import DataConfig

PIECES = "pieces.json"
"""The file in a run's folder from which a resumed run reads them."""


def learn_pieces(texts: Iterable[str], config: DataConfig) -> Vocabulary:
    """Return a vocabulary of the blank and ``data.pieces`` sub-words of normalised ``texts``.

    All characters of the texts and ``data.characters`` are among the sub-words.

    Raises:
        DataError: sentencepiece cannot make so many, or so few.
    """
    import sentencepiece  # only where it is needed

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(text for text in texts if text),
            model_writer=model,
            model_type="unigram",
            vocab_size=config.pieces + 1,  # and <unk>, which is left out
            character_coverage=1.0,
            required_chars=config.characters.replace(" ", ""),
            normalization_rule_name="identity",
            add_dummy_prefix=config.spaced,
            split_by_unicode_script=config.spaced,  # 買い is one word
            bos_id=-1,
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise DataError(f"data.pieces is {config.pieces}; {_reason(str(error))}") from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(1, processor.vocab_size())
    return Vocabulary(
        (BLANK, *map(processor.id_to_piece, ids)),
        (0.0, *map(processor.get_score, ids)),
        config.unicode,
        config.spaced,
    )


def _reason(message: str) -> str:
    """Return the reason in sentencepiece's message, which counts ``<unk>`` as a sub-word too."""
    if most := re.search(r"<= (\d+)", message):
        return f"the training texts give {int(most[1]) - 1} at most"
    if least := re.search(r"\d+ vs (\d+)", message):
        return f"the characters of the training texts alone are {int(least[1]) - 1}"
    return f"sentencepiece cannot learn them from the training texts ({message})"


def keep_pieces(folder: Path, vocabulary: Vocabulary) -> None:
    """Write the sub-words into a run's folder.

    Raises:
        OutputError: it cannot be written.
    """
    values = {"tokens": vocabulary.tokens, "scores": vocabulary.scores}
    write_atomically(folder / PIECES, to_json(values) + "\n")


def kept_pieces(folder: Path, config: DataConfig) -> Vocabulary:
    """Read what :func:`keep_pieces` wrote.

    Raises:
        DataError: it cannot be read.
    """
    path = folder / PIECES
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
        tokens, scores = tuple(values["tokens"]), tuple(values["scores"])
    except (DataError, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); train without --resume") from error
    return Vocabulary(tokens, scores, config.unicode, config.spaced)
