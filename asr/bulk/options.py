"""Options of a bulk transcription: what its workers are started with, and what they may take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from asr.config import Section, option
from asr.model.directory import default_model, read_model
from asr.recognition.subtitles import SubtitleOptions
from asr.recognition.transcriber import BATCH_SIZE


@dataclass(frozen=True)
class Limits(Section, name="bulk"):
    """What a worker may take.

    Raises:
        ConfigError: a number is out of range.
    """

    seconds: float = option(300.0, "seconds in which something must come of a recording", above=0)
    memory: int = option(4096, "MiB of memory that a worker may have", at_least=256)
    cpus: int = option(2, "processors of an actor, each of which keeps a worker busy", at_least=1)
    gpus: float = option(0.0, "GPUs of an actor", at_least=0)


@dataclass(frozen=True)
class Options:
    """How recordings are recognised.

    ``model`` is a model directory, None for the one in the package; ``search`` are options of beam
    search, ``display`` is false for the recognised words alone. ``formats`` are written beside the
    transcripts.
    """

    model: Path | None = None
    device: str = "cpu"
    display: bool = True
    search: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = BATCH_SIZE
    formats: tuple[str, ...] = ()
    subtitles: SubtitleOptions = field(default_factory=SubtitleOptions)
    limits: Limits = field(default_factory=Limits)
    loader: str = "asr:load"
    """The function that loads a model in a worker, as ``module:name``."""
    given: Mapping[str, Any] | None = None
    """The options of the search as they were given, if its files lie elsewhere by now."""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What is noted in transcripts, as by ``asr transcribe``; the model is read once for it.

        Raises:
            ModelError: the model, which names its decoder, is not sound.
        """
        search = _plain(self.search if self.given is None else self.given)
        if not search:
            search = {"decoder": read_model(self.model or default_model()).decoder}
        return {"decoder": "beam", **search}

    def of_worker(self) -> dict[str, Any]:
        """Return the settings of a worker (:mod:`asr.bulk.child`)."""
        return {
            "loader": self.loader,
            "model": None if self.model is None else str(self.model),
            "device": self.device,
            "threads": self.limits.cpus,
            "display": self.display,
            "search": _plain(self.search),
            "batch_size": self.batch_size,
            "formats": list(self.formats),
            "subtitles": asdict(self.subtitles),
            "settings": self.settings,
            "memory": self.limits.memory << 20,
        }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON has them."""
    return {key: str(x) if isinstance(x, Path) else x for key, x in values.items()}
