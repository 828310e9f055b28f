"""Language models for tests: an ARPA file made by hand, n-gram models, pruned ones, networks."""

import json
import random
import zlib
from functools import cache

import numpy as np

from asr.lm.kneser_ney import estimate
from asr.lm.ngram import assemble
from asr.lm.old_ngram_file import old_layout
from asr.lm.packed import MAGIC, OLD_VERSION, PREFIX
from asr.lm.recurrent_lm import RecurrentLm
from asr.text import normalize

HAND_MADE = """
\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6\ta\t-0.2
-0.8\tb\t-0.3

\\2-grams:
-0.4\t<s> a\t-0.1
-0.3\ta b\t-0.05
-0.9\tb </s>
-0.35\tb a

\\3-grams:
-0.15\t<s> a b

\\end\\
"""
WORDS = [f"w{index}" for index in range(60)]
NETWORK_WORDS = ("</s>", "<unk>", "a", "b", "c", "dd")


def sentences(count, seed, words=WORDS, longest=12):
    """Return random texts with frequent words, rare words and phrases that come again."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        text = [words[int(len(words) * rng.random() ** 2)] for _ in range(rng.randrange(longest))]
        if texts and rng.random() < 0.4:
            text += rng.choice(texts[-50:]).split()[:6]
        texts.append(" ".join(text))
    return texts


@cache
def estimated(order):
    return estimate(sentences(1500, 1), order).ngrams


def prune_at_random(model, seed=0):
    """Return the ARPA model without some of its n-grams.

    The prefixes of the n-grams that are left are all kept, their suffixes need not be.
    """
    rng = np.random.default_rng(seed)
    parents = model.trie.parents()
    kept = np.ones(len(model.trie), bool)
    begin = model.bounds[2]
    kept[begin:] = rng.random(len(kept) - begin) < 0.85
    grams, probs, backoffs = [], [], []
    ids = np.zeros((0, 1), np.int32)
    for k in range(1, model.order + 1):
        nodes = np.arange(*model.bounds[k : k + 2])
        kept[nodes] &= kept[parents[nodes]]
        ids = np.vstack([ids[:, parents[nodes] - model.bounds[k - 1]], model.trie.label[nodes]])
        grams.append(ids[:, kept[nodes]])
        probs.append(model.log10_probs[nodes][kept[nodes]])
        if k < model.order:
            backoffs.append(model.log10_backoffs[nodes][kept[nodes]])
    return assemble(model.words, grams, probs, backoffs)


class Reference:
    """The scores of an n-gram model, looked up word by word as the definition has it."""

    def __init__(self, model):
        self.order, self.words = model.order, model.words
        self.ids = {}
        for id, word in enumerate(model.words):
            self.ids.setdefault(normalize(word), id)
        self.probs, self.backoffs = {}, {}
        grams = [()]
        for node, (label, parent) in enumerate(
            zip(model.trie.label.tolist(), model.trie.parents().tolist(), strict=True)
        ):
            if node > 0:
                grams.append((*grams[parent], label))
                self.probs[grams[node]] = float(model.log10_probs[node])
                if node < model.lower:
                    self.backoffs[grams[node]] = float(model.log10_backoffs[node])

    def encode(self, text):
        """The ids of words."""
        return [self.ids.get(word, self.ids["<unk>"]) for word in text.split()]

    def prob(self, context, word):
        """The log10-probability of a word after a context (Katz 1987, eq. 4)."""
        if (*context, word) in self.probs:
            return self.probs[*context, word]
        return self.backoffs.get(context, 0.0) + self.prob(context[1:], word)

    def score(self, sentences):
        """As :meth:`asr.lm.packed.PackedLm.score`."""
        results = []
        for sentence in sentences:
            words = [self.ids["<s>"], *sentence, self.ids["</s>"]]
            contexts = [tuple(words[max(0, t - self.order + 1) : t]) for t in range(len(words))]
            results.append(np.array([self.prob(contexts[t], words[t])
                                     for t in range(1, len(words))]))  # fmt: skip
        return results


def to_old_bytes(model):
    """The content of a file of format 1, as earlier versions of the package wrote it."""
    words = "\n".join(model.words).encode("utf-8")
    header = json.dumps({"counts": model.counts, "words": len(words)}).encode("ascii")
    arrays = (
        *(model.trie.first, model.trie.label, model.suffix),
        *(model.log10_probs, model.log10_backoffs, np.frombuffer(words, np.uint8)),
    )
    layout = old_layout(model.counts, len(words), len(header))
    body = bytearray(header)
    for array, (offset, count, kind) in zip(arrays, layout, strict=True):
        assert len(array) == count
        body += bytes(offset - PREFIX.size - len(body)) + array.astype(kind).tobytes()
    return PREFIX.pack(MAGIC, OLD_VERSION, len(header), zlib.crc32(body)) + body


def same(a, b):
    """Return True if two tables of n-grams are equal bit for bit."""
    arrays = [
        (m.trie.first, m.trie.label, m.suffix, m.log10_probs, m.log10_backoffs) for m in (a, b)
    ]
    return (a.order, a.words) == (b.order, b.words) and all(
        x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in zip(*arrays, strict=True)
    )


def make_lm(cell="gru", layers=2, unit="word", words=NETWORK_WORDS, seed=0):
    """Return a network with random weights, and its model file."""
    import torch

    from asr.training.lm.config import NetworkConfig
    from asr.training.lm.data import Texts
    from asr.training.lm.export import to_onnx
    from asr.training.lm.model import RecurrentLmModel

    torch.manual_seed(seed)
    config = NetworkConfig(cell, layers, 8)
    network = RecurrentLmModel(config, len(words)).eval()
    with torch.no_grad():
        network.embedding.normal_()
        network.bias.normal_()
    texts = Texts(unit, words, [], [])
    return network, RecurrentLm(to_onnx(network, config, texts, {"seed": seed}))
