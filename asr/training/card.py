"""Model cards, which tell a stranger what to know before using a model.

Their contents follow Mitchell et al. (2019), "Model Cards for Model Reporting". The purpose and the
licence, which only the model's makers know, are left for them to fill in.
"""

from collections.abc import Sequence

from asr.data.manifest import Utterance
from asr.evaluation.scoring import ErrorCounts
from asr.model.calibration import AS_IT_IS
from asr.model.directory import ModelInfo
from asr.model.domain import Domain
from asr.training.preparation import Corpus

CARD = """\
# {name}

An acoustic model for the package `asr`: {network},
trained with {loss}.

- **Trained on** {train}: {train_amount}.
- **Selected on** {dev}: {dev_amount}. These recordings chose the epoch and calibrated the model, so
  that new speakers will meet more errors.
{start}- **Development set**, greedy decoding without a language model: {measure} {errors}{sample}.
- **Recognises** what is like its training: {text}, in recordings of {duration} whose speech
  reaches {level} and whose quietest parts have {noise} (dB below full scale). Recordings that
  differ get a warning with their transcript.
- **Does not recognise** what was not in its training: other words, languages, accents, microphones
  and noises give more errors, however sure it seems.
- **Word times** are moved by {offsets} s at starts and ends ({offsets_method}).
- **Word confidences** of greedy decoding {confidences}.
- **Golden clips** in `golden/` are {golden}. Their expected
  output is what this model gave, right or wrong: it proves an install, not accuracy.
- **Cost**: {minutes:g} minutes on {hardware}.
- **Command**: `{command}`
- **Licence and purpose**: not stated; its makers have to fill this in. Every file here is checked
  against its hash, so write a card of your own and put it in with
  `asr.model.update_model(FOLDER, {{"README.md": card.encode()}})`.
"""

ATTENTION = {"additive": "additive", "dot": "dot-product", "location": "location-aware"}
GOLDEN = {
    "synthetic": "synthetic vowels, computed, nobody's voice",
    "recordings": "recordings that were named with `--golden`",
}


def write_card(
    info: ModelInfo, corpus: Corpus, domain: Domain, errors: ErrorCounts, recordings: int
) -> str:
    """Return the Markdown text of the card of a model that made ``errors`` in a number of
    ``recordings`` of the development set of ``corpus``."""
    facts, vocabulary = info.provenance, info.vocabulary
    paths = facts["config"]["data"]
    start = facts["config"]["training"].get("init_from")
    kind = facts["config"].get("attention", {}).get("kind")
    whole = recordings == len(corpus.dev)
    return CARD.format(
        name=facts["config"]["name"],
        network=_network(info),
        loss=f"CTC and a decoder with {ATTENTION[kind]} attention" if kind else "CTC",
        train=_names(paths["train"]),
        train_amount=amount(corpus.train),
        dev=_names(paths["dev"]),
        dev_amount=amount(corpus.dev),
        start=_began(start, info.decoder) if start else "",
        measure="WER" if vocabulary.spaced else "CER",
        errors=errors if errors.reference else "not known, as its texts are empty",
        sample="" if whole else f" in {recordings} of its recordings",
        text=f"{len(domain.words)} different {'words' if vocabulary.spaced else 'symbols'}",
        duration=_range(domain.duration, "s", 1),
        level=_range(domain.level, "dB"),
        noise=_range(domain.noise, "dB"),
        offsets=" and ".join(f"{offset:+g}" for offset in info.word_offsets),
        offsets_method=facts["word_offsets"],
        confidences=_confidences(info),
        golden=GOLDEN[facts["golden"]],
        minutes=facts["minutes"],
        hardware=facts["hardware"],
        command=facts["command"],
    )


def _began(start: str, decoder: str) -> str:
    kept = ", and keeps its language model" if decoder == "beam" else ""
    return f"- **Began as** the model `{start}`{kept}.\n"


def amount(items: Sequence[Utterance]) -> str:
    """Return the amount of recordings, in number and length, and of speakers, if they are known.

    Recordings without speech, such as noise, are counted apart and have no speakers.

    >>> from pathlib import Path
    >>> amount([Utterance(Path("a.wav"), 90.0, "yes", "a", "s1")])
    '1 recording, 1.5 min, 1 speaker'
    """
    minutes = sum(item.duration for item in items) / 60
    length = f"{minutes:.1f} min" if minutes < 60 else f"{minutes / 60:.1f} h"
    speakers = {item.speaker for item in items if item.text} - {None}
    silent = sum(item.duration for item in items if not item.text) / 60
    parts = [_count(len(items), "recording"), length]
    parts += [_count(len(speakers), "speaker")] if speakers else []
    parts += [f"{silent:.1f} min of it without speech"] if silent else []
    return ", ".join(parts)


def _network(info: ModelInfo) -> str:
    encoder = info.encoder
    direction = "bidirectional" if encoder.bidirectional else "unidirectional"
    rate = info.sample_rate / info.frame_stride
    above = ""
    if encoder.pyramid:
        layers = _count(encoder.layers - encoder.pyramid, "layer")
        above = (
            f"{layers} with {encoder.top_size or encoder.hidden_size} units over pairs of frames, "
        )
    return (
        f"{_count(encoder.pyramid or encoder.layers, 'layer')} of {direction} "
        f"{encoder.cell.upper()} with {encoder.hidden_size} units, {above}"
        f"{info.provenance['parameters'] / 1e6:.2f} M parameters, "
        f"{len(info.vocabulary)} symbols, {info.sample_rate} Hz, {rate:g} frames a second"
    )


def _confidences(info: ModelInfo) -> str:
    if info.calibrators.get("greedy", AS_IT_IS) == AS_IT_IS:
        return "are as the network gives them: too few words of the development set were wrong"
    return "are calibrated: of the words with a confidence of 0.9, nine in ten should be right"


def _names(paths: Sequence[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _range(values: tuple[float, float], unit: str, digits: int = 0) -> str:
    low, high = values
    return f"{low:.{digits}f} to {high:.{digits}f} {unit}"
