"""Model directories, and the networks inside them in ONNX Runtime.

    >>> from asr.model import default_model, read_model
    >>> read_model(default_model()).sample_rate
    16000

Names are imported when they are first used, so that reading a description loads no ONNX Runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asr.model.calibration import Calibrator
    from asr.model.directory import (
        ModelInfo,
        default_model,
        read_model,
        update_model,
        write_model,
    )
    from asr.model.domain import Domain, read_domain
    from asr.model.session import AcousticSession, Session

__all__ = [
    "AcousticSession",
    "Calibrator",
    "Domain",
    "ModelInfo",
    "Session",
    "default_model",
    "read_domain",
    "read_model",
    "update_model",
    "write_model",
]

_HOMES = {
    "AcousticSession": "asr.model.session",
    "Calibrator": "asr.model.calibration",
    "Domain": "asr.model.domain",
    "ModelInfo": "asr.model.directory",
    "Session": "asr.model.session",
    "default_model": "asr.model.directory",
    "read_domain": "asr.model.domain",
    "read_model": "asr.model.directory",
    "update_model": "asr.model.directory",
    "write_model": "asr.model.directory",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'asr.model' has no attribute {name!r}")
