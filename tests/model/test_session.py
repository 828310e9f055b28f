"""ONNX agrees with torch for every cell and direction, and batches change no output of either."""

import numpy as np
import pytest
import torch
from conftest import make_info, make_network, noise, write_network

from asr.model.session import AcousticSession

SAMPLES = (700, 16000, 41237)


def torch_log_probs(network, waveforms):
    """Return the log-probs of a torch model."""
    lengths = torch.tensor([len(samples) for samples in waveforms])
    batch = torch.zeros(len(waveforms), int(lengths.max()))
    for row, samples in zip(batch, waveforms, strict=True):
        row[: len(samples)] = torch.from_numpy(samples)
    with torch.inference_mode():
        log_probs, frames = network(batch, lengths)
    return [row[:count].numpy() for row, count in zip(log_probs, frames, strict=True)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function that makes a network with given options and a session of its exported graph."""
    made = {}

    def build(**encoder):
        key = tuple(sorted(encoder.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("exported") / "model"
            info = make_info(**encoder)
            network = make_network(info)
            write_network(folder, network, info)
            made[key] = network, AcousticSession(folder)
        return made[key]

    return build


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_onnx_equals_torch(exported, cell, bidirectional):
    network, session = exported(cell=cell, bidirectional=bidirectional)
    for size in (1, 2, 5):
        for longest in SAMPLES:
            lengths = np.linspace(longest, longest // 3, size).astype(int)
            waveforms = [noise(count, seed=count) for count in lengths]
            ours = session.log_probs(waveforms)
            for row, expected in zip(ours, torch_log_probs(network, waveforms), strict=True):
                assert row.shape == expected.shape
                np.testing.assert_allclose(row, expected, atol=1e-4)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_batch_equals_its_utterances_alone(exported, cell):
    network, session = exported(cell=cell, bidirectional=True)
    waveforms = [noise(count, seed=count) for count in (48000, 160, 9999, 31234)]
    for run in (session.log_probs, lambda batch: torch_log_probs(network, batch)):
        for row, samples in zip(run(waveforms), waveforms, strict=True):
            np.testing.assert_allclose(row, run([samples])[0], atol=1e-4)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("reduction", [2, 8])
def test_frame_counts_are_those_of_the_shared_function(exported, reduction, padding):
    _, session = exported(reduction=reduction, padding=padding)
    for count in (1, 159, 160, 161, 16000, 20479):
        log_probs = session.log_probs([noise(count)])[0]
        assert len(log_probs) == session.info.num_frames(count)
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-4)


def test_no_samples_no_frames(exported):
    _, session = exported()
    empty = np.zeros(0, dtype=np.float32)
    assert session.log_probs([]) == []
    assert session.log_probs([empty])[0].shape == (0, 29)
    mixed = session.log_probs([noise(800), empty, noise(900)])
    assert [len(row) for row in mixed] == [session.info.num_frames(n) for n in (800, 0, 900)]


def test_statistics_of_the_whole_serve_a_window(exported):
    """A window normalised by the recording's statistics has the features of the recording.

    Away from the edges of the window, a unidirectional model with the same past gives the same
    output.
    """
    _, session = exported(bidirectional=False, padding=0)
    whole = noise(32000) * np.linspace(0.01, 1, 32000, dtype=np.float32)
    run = session._session.run

    def feed(samples, **more):
        return {"waveforms": samples[None], "lengths": np.array([len(samples)])} | more

    expected, statistics = run(["log_probs", "used_statistics"], feed(whole))
    (window,) = run(["log_probs"], feed(whole[:16000], statistics=statistics))
    np.testing.assert_allclose(window[0, :24], expected[0, :24], atol=1e-4)
    (alone,) = run(["log_probs"], feed(whole[:16000]))
    assert np.abs(alone[0, :24] - expected[0, :24]).max() > 1e-2
