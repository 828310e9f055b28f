"""Trainings that go on where they were stopped, and are not done twice."""

import json
from pathlib import Path

from asr.config import Config, to_mapping
from asr.errors import DataError
from asr.modeldir import read_model, sha256
from asr.training.checkpoints import LAST
from asr.training.fit import fit


def trained(config: Config, folder: Path) -> Path:
    """The model of the run in ``folder``, which is begun, gone on with or, if it is over, left
    as it is.

    Raises:
        DataError: it was trained as another configuration says, or on other data.
    """
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
