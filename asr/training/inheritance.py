"""What a model keeps of the one that it began as: the language model and the tagger.

Fine-tuning changes the acoustic model alone. Whether the language is still that of the model before
is measured: what knows it is kept if fewer words of the development recordings are wrong with it.
"""

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from asr.data.manifest import Utterance
from asr.decoding.bundle import bundle_files, read_bundle
from asr.errors import AsrError
from asr.model.directory import TAGGER, read_model
from asr.model.session import AcousticSession
from asr.recognition.transcriber import Transcriber
from asr.training.development import Development, recognise_development


@dataclass(frozen=True)
class Inheritance:
    """The ``files`` that a model keeps, the ``transcriber`` that recognises with them, and its
    results on the ``development`` recordings."""

    files: dict[str, bytes]
    transcriber: Transcriber
    development: Development


def inherit(
    start: str,
    draft: Path,
    session: AcousticSession,
    dev: list[Utterance],
    seed: int,
    greedy: Development,
) -> Inheritance | None:
    """Return what a model keeps of the one in the directory ``start``, from which its training
    began, or None; ``start`` is empty if there was none.

    Only what ``start`` uses by default is kept, and no lexicon, which lacks new words. ``draft``
    is the directory of the trained model, with which ``session`` computes, and ``greedy`` are its
    results on ``dev`` without a language model. If ``start`` is gone by now, or its language model
    does not fit, that is said.
    """
    if not start:
        return None
    try:
        info = read_model(start)
        bundle = read_bundle(start, info)
        if info.decoder != "beam" or bundle.lm is None or bundle.lexicon is not None:
            return None
        transcriber = Transcriber(
            draft,
            decoder="beam",
            session=session,
            display=False,
            lm=bundle.lm,
            **asdict(bundle.options),
        )
        files = {TAGGER: (Path(start) / TAGGER).read_bytes()} if TAGGER in info.files else {}
    except (AsrError, OSError) as error:
        print(f"the language model of {start} is not kept: {error}", file=sys.stderr)
        return None
    found = recognise_development(transcriber, dev, seed)
    kept = found.errors.errors < greedy.errors.errors
    print(
        f"the language model of {start} is {'' if kept else 'not '}kept: {found.errors} of the "
        f"development words are wrong with it, {greedy.errors} without",
        file=sys.stderr,
    )
    if not kept:
        return None
    provenance = {"model": start, "sha256": info.hash, "dev": str(found.errors)}
    files |= bundle_files(replace(bundle, provenance=provenance))
    return Inheritance(files, transcriber, found)
