"""Make the trained model of English ready to be shipped: a card, scores, spoken golden clips.

    python recipes/english/publish.py --model runs/english/model \\
        --peers recipes/english/peers.json --train data/english/train.jsonl \\
        --output asr/models/default

``asr train`` leaves a complete model directory, ``asr lm tune`` gives it a language model and ``asr
text add`` a tagger. This puts ``card.md`` into it. There ``{peers}`` is the table of
``peers.json``, ``{data}`` what the model was trained on, ``{parameters}`` how large it is,
``{training}`` what its training took, and ``{NAME}`` the word error rate by default on a set of
``peers.json`` (in small letters, with ``_`` between words), ``{NAME_greedy}`` the one of greedy
decoding. The golden clips are three of the samples.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import tables

from asr.data.manifest import Utterance, read_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.results import rate_with_counts
from asr.files import read_text, sha256
from asr.model.directory import CARD, ModelInfo, read_model, update_model
from asr.recognition.golden import FOLDER, golden_files
from asr.recognition.transcriber import Transcriber
from asr.training.card import amount

GOLDEN = ("flite-slt-spelled-name", "espeak-en-us-control-letters", "flite-rms-short-answer")
PLACE = re.compile(r"\{(\w+)\}")
OURS = "this model, "


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", type=Path, required=True, help="a directory of asr train")
    add("--card", type=Path, default=Path(__file__).with_name("card.md"), help="default: card.md")
    add("--peers", type=Path, required=True, help="the file of scripts/benchmarks/english.py")
    add("--train", type=Path, required=True, help="the manifest that the model was trained on")
    add("--output", type=Path, required=True, help="the model directory to write")
    options = parser.parse_args(arguments)
    try:
        publish(options.model, options.card, options.peers, options.train, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def publish(model: Path, card: Path, peers: Path, train: Path, output: Path) -> None:
    """Write the model directory ``output``.

    Raises:
        DataError: results of another model, another manifest, or a place of the card that nothing
            was given for.
    """
    info = read_model(model)
    values = json.loads(read_text(peers, "file of results"))
    check(values["model"] == info.hash, f"{peers}: results of another model", model)
    trained = info.provenance["data"].values()
    check(sha256(train) in trained, f"{train}: another manifest", model)
    texts = {
        "peers": tables.peers(values).strip(),
        "data": data_list(read_manifest(train)),
        "parameters": f"{info.provenance['parameters'] / 1e6:.1f} M",
        "training": f"{info.provenance['minutes'] / 60:.0f} hours on {info.provenance['hardware']}",
        **rates(values),
    }

    def fill(place: re.Match[str]) -> str:
        if place[1] not in texts:
            raise DataError(f"{card}: nothing is known for {place[0]}; known: {', '.join(texts)}")
        return texts[place[1]]

    text = PLACE.sub(fill, read_text(card, "model card"))
    samples = Path(__file__).parents[2] / "samples"
    clips = {f"{name}.wav": (samples / f"{name}.wav").read_bytes() for name in GOLDEN}
    update_model(
        model,
        {CARD: text.encode(), **golden_files(Transcriber(model), clips)},
        remove=[FOLDER],
        output=output,
        scores={**info.scores, **scores(values, info)},
        provenance={**info.provenance, "golden": "recordings"},
    )
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size / 1e6:.1f} MB")


def rates(values: dict[str, Any]) -> dict[str, str]:
    """Return the word error rates of the model, by the names of places of the card."""
    found = {}
    for name, recognisers in values["sets"].items():
        place = re.sub(r"\W+", "_", name.lower())
        own = {title.removeprefix(OURS): item for title, item in recognisers.items()
               if title.startswith(OURS)}  # fmt: skip
        *_, default = own
        found[place] = rate_with_counts(own[default]["wer"])
        found[f"{place}_greedy"] = rate_with_counts(own["greedy"]["wer"])
    return found


def scores(values: dict[str, Any], info: ModelInfo) -> dict[str, Any]:
    """Return the scores that go into ``model.json``: counts of words by set, as it decodes by
    default."""
    title = OURS + info.decoder
    return {
        name: {"wer": recognisers[title]["wer"], "command": values["command"]}
        for name, recognisers in values["sets"].items()
    }


def data_list(items: list[Utterance]) -> str:
    """Return the amounts of speech by sets as a Markdown list."""
    sets: dict[str, list[Utterance]] = defaultdict(list)
    for item in items:
        sets[item.extra["set"]].append(item)
    return "\n".join(f"  - {name}: {amount(own)}" for name, own in sorted(sets.items()))


def check(holds: bool, problem: str, model: Path) -> None:
    """Raise a DataError unless it ``holds``."""
    if not holds:
        raise DataError(f"{problem} than {model}; measure it again")


if __name__ == "__main__":
    main()
