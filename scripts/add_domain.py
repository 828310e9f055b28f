"""Measure what a model was trained on, for a model directory that does not say it yet.

    python scripts/add_domain.py --config recipes/an4/config.toml --model recipes/an4/model

The manifests of the configuration must be those of the model's provenance. ``asr train`` does this
at its end.
"""

import argparse
import sys
from pathlib import Path

from asr.errors import AsrError, DataError
from asr.files import sha256
from asr.model.directory import read_model
from asr.training.config import Config, load_config
from asr.training.data import SpeechData
from asr.training.fingerprint import add_domain
from asr.training.preparation import prepare


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config)
        check(config, options.model)
        corpus = prepare(config, Path("skipped.jsonl"), read_model(options.model).vocabulary)
        domain = add_domain(options.model, SpeechData(config, corpus), corpus)
    except AsrError as error:
        sys.exit(f"error: {error}")
    ranges = ("duration", "level", "noise", "high_band", "clipped", "confidence")
    print(*(f"{name} {getattr(domain, name)}" for name in ranges), sep="\n")
    print(f"{len(domain.words)} words")


def check(config: Config, model: Path) -> None:
    """See that the model was trained on these manifests.

    Raises:
        DataError: it was not.
    """
    recorded = read_model(model).provenance["data"]
    for path in [*config.data.train, *config.data.dev]:
        if recorded.get(path) != sha256(path):
            raise DataError(f"{path} is not what {model} was trained with; prepare it again")


if __name__ == "__main__":
    main()
