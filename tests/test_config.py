"""Configurations are read from files and overrides, and bad ones are refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.config import from_mapping, to_mapping
from asr.errors import ConfigError
from asr.model.config import EncoderConfig, FeatureConfig
from asr.training.config import Config, load_config


def write(tmp_path, text):
    """Write a configuration and return its path."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_file_and_overrides(tmp_path):
    path = write(tmp_path, 'name = "x"\n[encoder]\nlayers = 2\n[augment]\nspeeds = [1, 1.1]\n')
    config = load_config(path, ["encoder.cell=lstm", "seed=7", "optimizer.learning_rate=1"])
    assert (config.name, config.encoder.layers, config.encoder.cell, config.seed) == (
        "x",
        2,
        "lstm",
        7,
    )
    assert config.augment.speeds == (1.0, 1.1)
    assert type(config.optimizer.learning_rate) is float


def test_round_trip():
    config = Config(encoder=EncoderConfig(cell="rnn"))
    assert from_mapping(Config, to_mapping(config)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[encoder]\nlayer = 2", "unknown key encoder.layer; known here: cell, bidirectional"),
        ("[encoder]\nlayers = 'two'", "encoder.layers needs int, got 'two'"),
        ("[encoder]\nlayers = true", "encoder.layers needs int, got True"),
        ("[encoder]\nlayers = 0", "encoder.layers is 0"),
        ("[encoder]\ncell = 'qrnn'", "needs one of ('gru', 'lstm', 'rnn')"),
        ("[encoder]\nreduction = 3", "the convolutions of the encoder take 2, 4 or 8"),
        ("[features]\nf_max = 9000.0", "f_max <= sample_rate / 2"),
        ("[augment]\nspeeds = 1", "augment.speeds needs a list"),
        ("encoder = 3", "encoder is a section"),
        ("name = '../x'", "needs a plain folder name"),
        ("name =", "not valid TOML"),
    ],
)
def test_bad_files(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)


@pytest.mark.parametrize("override", ["encoder.layers", "=3", "name.x=1", "encoder.layers=two"])
def test_bad_overrides(tmp_path, override):
    with pytest.raises(ConfigError):
        load_config(write(tmp_path, "name = 'x'"), [override])


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "none.toml")


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_feature_frames_are_hops_that_begin_in_the_audio(samples, hop):
    config = FeatureConfig(hop_length=hop, window_length=1000, n_fft=1024)
    expected = 0 if samples == 0 else samples // hop + 1
    assert config.num_frames(samples) == expected


@given(st.integers(1, 10**6), st.sampled_from([2, 4, 8]), st.integers(0, 4))
def test_encoder_frames_cover_every_feature_frame(frames, reduction, padding):
    config = EncoderConfig(reduction=reduction, padding=padding)
    inside = config.num_frames(frames) - 2 * padding
    assert (inside - 1) * reduction < frames <= inside * reduction


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nepochs = 0", "training.epochs is 0, needs > 0 (epochs to train for)"),
        ("[encoder]\ndropout = 1.0", "encoder.dropout is 1.0, needs 0 <= x < 1"),
        ("[optimizer]\nwarmup = 0.0", "optimizer.warmup is 0.0, needs 0 < x < 1"),
        ("[augment]\nspeeds = []", "augment.speeds is [], needs one number or more, each 0.5 <= x"),
        ("[augment]\nspeeds = [3]", "augment.speeds is [3.0], needs one number or more"),
        (
            "[augment.gain]\ndecibels = [6, -12]",
            "augment.gain.decibels is [6.0, -12.0], needs [lowest, highest] between -60 and 60",
        ),
        ("[augment.noise]\nkinds = ['red']", "augment.noise.kinds is ['red'], needs some of"),
        ("[training]\nprecision = '8'", "training.precision is '8', needs one of ('32', 'bf16'"),
        ("seed = -1", "seed is -1, needs >= 0"),
    ],
)
def test_values_out_of_range(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)


def test_options_that_went_are_read_where_they_say_what_still_happens(tmp_path):
    """An old file may set a former option to the value that is now the only one, no other."""
    old = "[encoder]\nfront = 'conv'\n[optimizer]\nschedule = 'one_cycle'\n"
    assert load_config(write(tmp_path, old)) == Config()
    with pytest.raises(
        ConfigError, match=r"encoder\.front is 'stack', which is no longer supported"
    ):
        load_config(write(tmp_path, "[encoder]\nfront = 'stack'\n"))
