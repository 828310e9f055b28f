"""Small taggers of the readable form, which nobody has trained, and models that have one."""

import torch
from conftest import ROOT

from asr.display.features import WordFeatures
from asr.display.written import CASES, MARKS
from asr.model.directory import TAGGER, update_model
from asr.training.tagger.config import TaggerConfig, TaggerNetworkConfig, WrittenConfig
from asr.training.tagger.data import read
from asr.training.tagger.export import to_onnx
from asr.training.tagger.model import TaggerModel


def make_tagger(folder, mark="."):
    """Return the file of a tagger that puts ``mark`` after every word and lets it in lower case;
    for None, of one that says something else of every word."""
    (folder / "text.txt").write_text("Yes. No.\n")
    size = 16 if mark is None else 4
    text = str(folder / "text.txt")
    config = TaggerConfig(
        data=WrittenConfig(train=(text,), dev=(text,), min_count=1),
        network=TaggerNetworkConfig(hidden_size=size, embedding=size, buckets=10),
    )
    texts = read(config.data)
    network = TaggerModel(config.network, WordFeatures(texts.known, 10).rows).eval()
    marks = [5.0 * (mark == known) for known in MARKS]
    cases = [5.0 * (case == "lower") for case in CASES]
    with torch.no_grad():
        if mark is None:
            generator = torch.Generator().manual_seed(1)
            for weight in network.parameters():
                if weight.ndim > 1:
                    weight.normal_(generator=generator)
        else:
            network.output.weight.zero_()
            network.output.bias.copy_(torch.tensor(marks + cases))
    return to_onnx(network, config, texts, {})


def make_readable_model(folder, mark=""):
    """Return the directory of the default model with such a tagger; without a mark, what is said
    in figures is written in them."""
    default = ROOT / "asr" / "models" / "default"
    update_model(default, add={TAGGER: make_tagger(folder, mark)}, output=folder / "model")
    return folder / "model"
