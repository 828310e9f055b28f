"""The search by a decoder with attention alone finds what brute force over all texts finds."""

from itertools import product

import pytest
import torch
from decoders import ENCODING, SYMBOLS, make_decoder

from asr.training.attention import END
from asr.training.attention_search import search_attention

FRAMES, LIMIT = 4, 3


def every_text(decoder, encodings, length_bonus, coverage_weight):
    """The scores of all texts of up to ``LIMIT`` symbols, step by step, the best first."""
    found = {}
    for length in range(LIMIT + 1):
        for text in product(range(1, SYMBOLS), repeat=length):
            heard = decoder.listen(encodings[None], torch.tensor([FRAMES]))
            spelled, total = decoder.start(heard), 0.0
            looked = torch.zeros(FRAMES)
            for before, symbol in zip((END, *text), (*text, END), strict=True):
                logits, spelled = decoder.spell(heard, spelled, torch.tensor([before]))
                total += float(logits.log_softmax(-1)[0, symbol])
                looked += spelled.weights[0]
            covered = int((looked > 0.5).sum())
            found[text] = (total + length_bonus * length + coverage_weight * covered, covered)
    return sorted(found.items(), key=lambda item: -item[1][0])


@pytest.mark.parametrize(("length_bonus", "coverage_weight"), [(0, 0), (1.5, 0), (0.3, 0.8)])
@pytest.mark.parametrize("kind", ["additive", "dot", "location"])
def test_a_beam_of_all_texts_finds_the_best_ones(kind, length_bonus, coverage_weight):
    decoder = make_decoder(kind, layers=2)
    encodings = torch.randn(FRAMES, ENCODING)
    with torch.no_grad():
        expected = every_text(decoder, encodings, length_bonus, coverage_weight)
    found = search_attention(
        decoder, encodings, len(expected), length_bonus, coverage_weight, max_symbols=LIMIT
    )
    assert len(found) == len(expected) == sum(5**length for length in range(4))
    for ours, (text, (score, covered)) in zip(found, expected, strict=True):
        assert ours.score == pytest.approx(score, abs=1e-4)
        if ours.symbols == text:
            assert ours.looked_at == covered
    assert found[0].symbols == expected[0][0]
    rest = length_bonus * len(found[0].symbols) + coverage_weight * found[0].looked_at
    assert found[0].log_probability == pytest.approx(found[0].score - rest, abs=1e-4)


def test_a_beam_of_one_takes_the_likeliest_symbol_of_each_step():
    decoder = make_decoder("location")
    encodings = torch.randn(9, ENCODING)
    (found,) = search_attention(decoder, encodings, 1)
    text = [END]
    with torch.no_grad():
        heard = decoder.listen(encodings[None], torch.tensor([9]))
        spelled = decoder.start(heard)
        while len(text) == 1 or (text[-1] != END and len(text) <= 9):
            logits, spelled = decoder.spell(heard, spelled, torch.tensor([text[-1]]))
            text.append(int(logits.argmax()))
    assert list(found.symbols) == [symbol for symbol in text if symbol != END]
    assert len(found.symbols) <= 9


def test_a_large_bonus_fills_the_text():
    encodings = torch.randn(5, ENCODING)
    texts = search_attention(make_decoder("dot"), encodings, 3, length_bonus=100.0)
    assert [len(text.symbols) for text in texts] == [5, 5, 5]
    short = search_attention(make_decoder("dot"), encodings, 3, length_bonus=-100.0)
    assert short[0].symbols == ()
