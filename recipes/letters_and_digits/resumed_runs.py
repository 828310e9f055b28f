"""Trainings that go on where they were stopped, and are not done twice.

    python scripts/resumed_runs.py --config scripts/default_model.toml --folder runs/default

does one in a process of its own, :func:`trained` in the one that calls it.
"""

import argparse
import json
import sys
from pathlib import Path

from asr.config import to_mapping
from asr.errors import AsrError, DataError
from asr.files import sha256
from asr.model.directory import read_model
from asr.training.config import Config, load_config
from asr.training.environment import tune_libraries


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--folder", type=Path, required=True, help="of the run")
    options = parser.parse_args(arguments)
    try:
        tune_libraries()
        trained(load_config(options.config, options.set), options.folder)
    except AsrError as error:
        sys.exit(f"error: {error}")


def trained(config: Config, folder: Path) -> Path:
    """The model of the run in ``folder``, which is begun, gone on with or, if it is over, left
    as it is.

    Raises:
        DataError: it was trained as another configuration says, or on other data.
    """
    from asr.training.checkpoints import LAST
    from asr.training.fit import fit

    model = folder / "model"
    if not model.exists():
        return fit(config, resume=(folder / LAST).exists(), folder=folder)
    provenance = read_model(model).provenance
    same = provenance["config"] == json.loads(json.dumps(to_mapping(config)))
    data = {path: sha256(path) for path in (*config.data.train, *config.data.dev)}
    if not same or provenance["data"] != data:
        raise DataError(
            f"{model} is of another configuration or of other data; remove {folder}, or name "
            "another folder"
        )
    return model


if __name__ == "__main__":
    main()
