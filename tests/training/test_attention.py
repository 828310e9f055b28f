"""The decoder agrees with a slow definition of each kind, and learns what CTC cannot align."""

import numpy as np
import pytest
import torch
from decoders import ENCODING, LABELS, SYMBOLS, make_decoder
from torch import nn

from asr.training.attention import (
    END,
    FILTERS,
    REACH,
    AttentionDecoder,
    losses_of,
    targets_of,
)
from asr.training.config import ATTENTION, AttentionConfig
from asr.training.tokens import PADDING

FRAMES = [7, 3, 1, 5]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(weights, x, state):
    """One step of the GRU, as the docstring of its module has it."""
    ours = weights["weight_ih_l0"] @ x + weights["bias_ih_l0"]
    theirs = weights["weight_hh_l0"] @ state + weights["bias_hh_l0"]
    (r, z, n), (to_r, to_z, to_n) = np.split(ours, 3), np.split(theirs, 3)
    new = np.tanh(n + sigmoid(r + to_r) * to_n)
    update = sigmoid(z + to_z)
    return (1 - update) * new + update * state


def normalised(weights, x):
    return weights["weight"] * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + weights["bias"]


def energy(weights, kind, size, state, encoding, before, frame):
    """The energy of one frame of one text, of which ``before`` are the weights so far."""
    query = weights["attention.query.weight"] @ state
    key = weights["attention.key.weight"] @ encoding + weights["attention.key.bias"]
    if kind == "dot":
        return query @ key / np.sqrt(size)
    terms = query + key
    if kind == "location":
        around = np.zeros(2 * REACH + 1)
        for offset in range(-REACH, REACH + 1):
            if 0 <= frame + offset < len(before):
                around[offset + REACH] = before[frame + offset]
        seen = weights["attention.filters.weight"][:, 0] @ around
        assert seen.shape == (FILTERS,)
        terms = terms + weights["attention.location.weight"] @ seen
    return float(weights["attention.energy.weight"][0] @ np.tanh(terms))


def slow_log_probs(decoder, encodings, labels):
    """The log-probabilities (L + 1, V) at each place of one text, by numbers in a row."""
    weights = {name: value.double().numpy() for name, value in decoder.state_dict().items()}
    config = decoder.config

    def part(prefix):
        size = len(prefix)
        return {name[size:]: value for name, value in weights.items() if name.startswith(prefix)}

    states = [np.zeros(config.hidden_size) for _ in range(config.layers)]
    context, before = np.zeros(ENCODING), np.zeros(len(encodings))
    rows = []
    for label in [END, *labels]:
        x = np.concatenate([weights["embedding.weight"][label], context])
        for index in range(config.layers):
            states[index] = gru_step(part(f"layers.{index}.cell."), x, states[index])
            x = normalised(part(f"norms.{index}."), states[index])
        energies = np.array(
            [
                energy(weights, config.kind, config.size, x, row, before, frame)
                for frame, row in enumerate(encodings)
            ]
        )
        before = np.exp(energies - energies.max())
        before /= before.sum()
        context = sum(weight * row for weight, row in zip(before, encodings, strict=True))
        logits = weights["output.weight"] @ np.concatenate([x, context]) + weights["output.bias"]
        rows.append(logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max())
    return np.array(rows)


def slow_score(decoder, encodings, labels):
    """The log-probability of a text and its end."""
    rows = slow_log_probs(decoder, encodings, labels)
    return sum(row[symbol] for row, symbol in zip(rows, [*labels, END], strict=True))


def batch(frames=FRAMES, labels=LABELS):
    """Random encodings, of no meaning behind each length, and labels one behind another."""
    generator = torch.Generator().manual_seed(1)
    encodings = torch.randn(len(frames), max(frames), ENCODING, generator=generator)
    flat = torch.tensor([label for row in labels for label in row], dtype=torch.int64)
    return encodings, torch.tensor(frames), flat, torch.tensor([len(row) for row in labels])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ATTENTION)
def test_a_batch_gives_what_the_definition_gives_for_each(kind, layers):
    decoder = make_decoder(kind, layers=layers)
    encodings, frames, flat, lengths = batch()
    labels, targets = targets_of(flat, lengths)
    with torch.no_grad():
        logits = decoder(encodings, frames, labels)
    losses = losses_of(logits, targets).tolist()
    for row, text in enumerate(LABELS):
        heard = encodings[row, : FRAMES[row]].double().numpy()
        expected = slow_log_probs(decoder, heard, text)
        ours = logits[row, : len(text) + 1].log_softmax(-1).numpy()
        np.testing.assert_allclose(ours, expected, atol=1e-5)
        assert losses[row] == pytest.approx(-slow_score(decoder, heard, text), abs=1e-4)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("kind", ATTENTION)
def test_what_stands_behind_a_length_changes_nothing(kind, cell):
    decoder = make_decoder(kind, cell)
    encodings, frames, flat, lengths = batch()
    labels, targets = targets_of(flat, lengths)
    with torch.no_grad():
        together = losses_of(decoder(encodings, frames, labels), targets)
        for row, (count, text) in enumerate(zip(FRAMES, LABELS, strict=True)):
            one, target = targets_of(torch.tensor(text, dtype=torch.int64), lengths[row : row + 1])
            logits = decoder(encodings[row : row + 1, :count], frames[row : row + 1], one)
            torch.testing.assert_close(losses_of(logits, target)[0], together[row])


def test_the_probabilities_of_all_texts_add_up_to_one():
    """Of texts that may end at any place: those of up to two symbols, and what goes on."""
    decoder = make_decoder("location")
    heard = torch.randn(1, 4, ENCODING)
    texts = [[], *([a] for a in range(1, SYMBOLS))]
    texts += [[a, b] for a in range(1, SYMBOLS) for b in range(1, SYMBOLS)]
    total = sum(np.exp(slow_score(decoder, heard[0].double().numpy(), text)) for text in texts)
    longer = 0.0
    for a in range(1, SYMBOLS):
        for b in range(1, SYMBOLS):
            rows = slow_log_probs(decoder, heard[0].double().numpy(), [a, b])
            longer += np.exp(rows[0, a] + rows[1, b]) * (1 - np.exp(rows[2, END]))
    assert total + longer == pytest.approx(1)


def test_smoothed_targets_are_a_mixture():
    logits = torch.randn(2, 3, SYMBOLS)
    targets = torch.tensor([[1, 2, END], [3, END, PADDING]])
    ours = losses_of(logits, targets, 0.2)
    log_probs = logits.log_softmax(-1)
    for row, values in enumerate(targets.tolist()):
        expected = 0.0
        for place, symbol in enumerate(values):
            if symbol != PADDING:
                mixed = torch.full((SYMBOLS,), 0.2 / SYMBOLS)
                mixed[symbol] += 0.8
                expected -= float((mixed * log_probs[row, place]).sum())
        assert float(ours[row]) == pytest.approx(expected, rel=1e-5)


def test_sampled_labels_are_the_likeliest_ones():
    decoder = make_decoder("additive")
    encodings, frames, flat, lengths = batch()
    labels, _ = targets_of(flat, lengths)
    with torch.no_grad():
        sampled = decoder(encodings, frames, labels, 1.0)
        again = decoder(encodings, frames, sampled.argmax(-1)[:, :-1])
        torch.manual_seed(3)
        some = decoder(encodings, frames, labels, 0.5)
        torch.manual_seed(3)
        torch.testing.assert_close(decoder(encodings, frames, labels, 0.5), some, rtol=0, atol=0)
    torch.testing.assert_close(sampled, again)
    assert not torch.equal(sampled, decoder(encodings, frames, labels))


@pytest.mark.parametrize("kind", ATTENTION)
def test_a_reversed_sequence_is_learned(kind):
    """CTC cannot give the labels in the opposite order of the frames; attention can.

    The network between frames and decoder is one linear layer, which sees one frame at a time.
    """
    torch.manual_seed(0)
    config = AttentionConfig(kind=kind, hidden_size=48, size=24, dropout=0.0)
    symbols, places = 8, 12
    places_of = nn.Embedding(places, 16)
    inputs = nn.Linear(symbols + 16, 32)
    decoder = AttentionDecoder(config, 32, symbols)
    modules = nn.ModuleList([places_of, inputs, decoder])
    optimizer = torch.optim.Adam(modules.parameters(), 5e-3)

    def draw(count):
        frames = torch.randint(2, 7, (count,))
        heard = torch.randint(1, symbols, (count, int(frames.max())))
        labels = [row[:length].flip(0) for row, length in zip(heard, frames, strict=True)]
        place = places_of(torch.arange(heard.shape[1])).expand(count, -1, -1)
        x = torch.cat([nn.functional.one_hot(heard, symbols).float(), place], dim=2)
        return torch.tanh(inputs(x)), frames, *targets_of(torch.cat(labels), frames)

    for _ in range(500):
        encodings, frames, labels, targets = draw(48)
        loss = losses_of(decoder(encodings, frames, labels), targets).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
        optimizer.step()
        if float(loss.detach()) < 0.1:
            break
    with torch.no_grad():
        encodings, frames, labels, targets = draw(100)
        found = decoder(encodings, frames, labels).argmax(-1)
    right = ((found == targets) | (targets == PADDING)).all(1)
    assert right.float().mean() > 0.9
