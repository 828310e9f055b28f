"""Tools for tests of recipes: they load scripts, make small recordings and train for one epoch."""

import hashlib
import importlib
import io
import json
import sys
import tarfile

import numpy as np
import soundfile
from conftest import ROOT

from asr.data.manifest import Utterance, write_manifest
from asr.evaluation.evaluate import evaluate
from asr.recognition.transcriber import Transcriber
from asr.training.config import load_config
from asr.training.fit import fit

SMALL = (
    "encoder.layers=1", "encoder.hidden_size=8", "encoder.channels=2", "training.epochs=1",
    "training.average=1", "training.workers=0", "training.accelerator=cpu",
)  # fmt: skip


def load(recipe, name="prepare"):
    """Import a script of a recipe, with what it imports from its folder, anew.

    Other folders have scripts of the same names, so none of these stays in ``sys.modules``.
    """
    folder = ROOT / "recipes" / recipe
    own = {path.stem for path in folder.glob("*.py")}
    others = {key: sys.modules.pop(key) for key in own & sys.modules.keys()}
    sys.path.insert(0, str(folder))  # the interpreter does the same for a script
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for key in own & sys.modules.keys():
            del sys.modules[key]
        sys.modules.update(others)


def sound(seconds, rate, kind, pitch=300.0):
    """Return the bytes of a tone as a file of ``kind``."""
    time = np.arange(round(seconds * rate)) / rate
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * pitch * time), rate, format=kind)
    return file.getvalue()


def pack(path, files):
    """Write an archive of ``files`` (name to content) and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def one_epoch(config, folder, train, dev, test, **search):
    """Train a small network as ``config`` says otherwise, and evaluate it on ``test``."""
    manifests = {"train": train, "dev": dev}
    settings = [f"data.{part}={json.dumps([str(path)])}" for part, path in manifests.items()]
    settings += [f"data.cache={folder / 'cache'}", *SMALL]
    model = fit(load_config(ROOT / "recipes" / config, settings), folder=folder / "run")
    return evaluate(test, Transcriber(model, **search), [train])


def write_small_config(folder):
    """Write ``config.toml``, which trains a small model on the samples, and return its path."""
    items = [
        Utterance(
            path,
            soundfile.info(path).duration,
            path.with_suffix(".txt").read_text().strip(),
            path.stem,
        )
        for path in sorted((ROOT / "samples").glob("*.wav"))
    ]
    write_manifest(folder / "data.jsonl", items)
    path = folder / "config.toml"
    manifest = json.dumps([str(folder / "data.jsonl")])
    path.write_text(
        f'[data]\ntrain = {manifest}\ndev = {manifest}\ncache = "{folder}/cache"\n'
        "[encoder]\nlayers = 1\nhidden_size = 8\nchannels = 2\n"
        '[training]\naccelerator = "cpu"\n'
    )
    return path
