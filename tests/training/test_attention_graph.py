"""The graph of a decoder gives what torch gives; its weights are read back, and training goes on
from them."""

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import make_info, make_network, noise
from decoders import ENCODING, LABELS, make_decoder, write_decoder

from asr.decoding.attention import AttentionScorer, read_scorer
from asr.errors import DataError, ModelError
from asr.model.directory import read_model, write_model
from asr.model.parts import divide
from asr.model.session import AcousticSession
from asr.text import Vocabulary
from asr.training.attention import END, AttentionDecoder, losses_of, targets_of
from asr.training.attention_graph import build_decoder_graph
from asr.training.config import ATTENTION, AttentionConfig
from asr.training.export import read_decoder_weights, start_decoder_from


def torch_scores(decoder, encodings, texts):
    """The scores of texts of one utterance, in torch."""
    flat = torch.tensor([label for text in texts for label in text], dtype=torch.int64)
    labels, targets = targets_of(flat, torch.tensor([len(text) for text in texts]))
    repeated = torch.from_numpy(encodings).expand(len(texts), -1, -1)
    frames = torch.full((len(texts),), len(encodings))
    with torch.no_grad():
        return -losses_of(decoder(repeated, frames, labels), targets).numpy()


def torch_weights(decoder, encodings, text):
    """The weights of the frames for each symbol of a text and its end, in torch."""
    rows = []
    with torch.no_grad():
        heard = decoder.listen(torch.from_numpy(encodings)[None], torch.tensor([len(encodings)]))
        spelled = decoder.start(heard)
        for symbol in [END, *text]:
            _, spelled = decoder.spell(heard, spelled, torch.tensor([symbol]))
            rows.append(spelled.weights[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("frames", [1, 7, 150])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("kind", ATTENTION)
def test_the_graph_gives_what_torch_gives(kind, cell, layers, frames):
    decoder = make_decoder(kind, cell, layers)
    scorer = AttentionScorer(build_decoder_graph(decoder).SerializeToString())
    encodings = np.random.default_rng(frames).normal(size=(frames, ENCODING)).astype(np.float32)
    together = scorer.score(encodings, LABELS)
    np.testing.assert_allclose(together, torch_scores(decoder, encodings, LABELS), atol=1e-4)
    for text, score in zip(LABELS, together, strict=True):
        np.testing.assert_allclose(scorer.score(encodings, [text]), [score], atol=1e-5)
    assert (scorer.kind, scorer.symbols) == (kind, 6)
    for text in LABELS:
        found = scorer.weights(encodings, text)
        np.testing.assert_allclose(found, torch_weights(decoder, encodings, text), atol=1e-5)


def test_what_the_scorer_refuses():
    scorer = AttentionScorer(build_decoder_graph(make_decoder("dot")).SerializeToString())
    assert len(scorer.score(np.zeros((3, ENCODING), np.float32), [])) == 0
    with pytest.raises(DataError, match=r"have the shape \(3, 4\), need \(frames, 5\)"):
        scorer.score(np.zeros((3, 4), np.float32), [[1]])
    with pytest.raises(DataError, match="not a decoder with attention of asr train"):
        AttentionScorer(b"x").score(np.zeros((3, ENCODING), np.float32), [[1]])


ENCODERS = [{}, {"layers": 4, "pyramid": 2, "top_size": 12}, {"cell": "lstm", "pyramid": 1}]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encodings_beside_log_probs(tmp_path, encoder):
    """The whole graph and its part for long recordings give what torch gives."""
    _, network, _ = write_decoder(tmp_path / "model", encoder=encoder)
    data = (tmp_path / "model" / "model.onnx").read_bytes()
    whole = onnxruntime.InferenceSession(data)
    waveforms = np.stack([noise(16000), np.pad(noise(9000, 1), (0, 7000))])
    lengths = np.array([16000, 9000])
    names = ["log_probs", "encodings", "frame_lengths"]
    ours = whole.run(names, {"waveforms": waveforms, "lengths": lengths})
    with torch.no_grad():
        expected = network.encode(torch.from_numpy(waveforms), torch.from_numpy(lengths))
    assert ours[2].tolist() == expected[2].tolist()
    assert ours[1].shape[:2] == ours[0].shape[:2]
    for a, b in zip(ours[:2], expected[:2], strict=True):
        for row, other, length in zip(a, b, ours[2], strict=True):
            np.testing.assert_allclose(row[:length], other[:length], atol=1e-4)
    _, part = divide(data)
    assert [item.name for item in onnxruntime.InferenceSession(part).get_outputs()] == [
        "log_probs", "frame_lengths", "encodings",
    ]  # fmt: skip
    (rows,) = AcousticSession(tmp_path / "model").log_probs([waveforms[0]])
    np.testing.assert_allclose(rows, expected[0][0], atol=1e-4)


def test_both_frames_of_a_pair_have_its_encoding():
    network = make_network(make_info(layers=4, pyramid=2, top_size=12))
    with torch.no_grad():
        _, encodings, frames = network.encode(
            torch.from_numpy(noise(9000))[None], torch.tensor([9000])
        )
    assert encodings.shape == (1, int(frames), 24)
    even, odd = encodings[0, 0::2], encodings[0, 1::2]
    assert torch.equal(even[: len(odd)], odd) and not torch.equal(even[1:], even[:-1])


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_weights_are_read_back(tmp_path, cell, half):
    info, _, decoder = write_decoder(tmp_path / "model", half=half, cell=cell)
    weights = read_decoder_weights(tmp_path / "model")
    assert {name.removeprefix("decoder.") for name in weights} == {*decoder.state_dict()}
    _, _, other = write_decoder(tmp_path / "other", seed=1, cell=cell)
    assert start_decoder_from(tmp_path / "model", other, info.vocabulary) == []
    for name, value in decoder.state_dict().items():
        close = {"rtol": 1e-3, "atol": 1e-3} if half else {"rtol": 0, "atol": 0}
        torch.testing.assert_close(other.state_dict()[name], value, **close)


def test_another_vocabulary_and_another_kind(tmp_path):
    info, network, decoder = write_decoder(tmp_path / "model")
    vocabulary = Vocabulary.from_characters("abcß")
    config = AttentionConfig("additive", hidden_size=12, size=8)
    other = AttentionDecoder(config, network.encoder.encoding_size, len(vocabulary))
    own = other.embedding.weight.detach().clone()
    left_out = start_decoder_from(tmp_path / "model", other, vocabulary)
    assert left_out == [
        "decoder.attention.filters.weight: not in the run",
        "decoder.attention.location.weight: not in the run",
    ]
    for place, token in enumerate(vocabulary.tokens):
        expected = own[place]
        if token in info.vocabulary.tokens:
            expected = decoder.embedding.weight[info.vocabulary.tokens.index(token)]
        torch.testing.assert_close(other.embedding.weight[place], expected, rtol=0, atol=0)
    assert start_decoder_from(tmp_path / "model", None, vocabulary) == [
        "its decoder: not in the run"
    ]


def test_a_decoder_of_another_vocabulary_is_refused(tmp_path, small_model):
    info, _, _ = write_decoder(tmp_path / "model")
    assert read_scorer(tmp_path / "model", info).kind == "location"
    assert read_scorer(small_model, read_model(small_model)) is None
    wrong = build_decoder_graph(make_decoder("dot")).SerializeToString()
    files = {"model.onnx": (tmp_path / "model" / "model.onnx").read_bytes()}
    info = write_model(tmp_path / "wrong", info, {**files, "attention.onnx": wrong})
    with pytest.raises(
        ModelError, match="spells with 6 symbols, the vocabulary of the model has 29"
    ):
        read_scorer(tmp_path / "wrong", info)
