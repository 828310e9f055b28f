"""Tests of the scripts that make speech."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import librosa
import miniatures
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from asr.data.manifest import Utterance, read_manifest
from asr.training.config import load_config

make_synthetic = miniatures.load("letters_and_digits", "make_synthetic")
Mix = make_synthetic.Mix
SAMPLE_RATE, SAMPLE_TEXTS = make_synthetic.SAMPLE_RATE, make_synthetic.SAMPLE_TEXTS
Clip, Voice, render = make_synthetic.Clip, make_synthetic.Voice, make_synthetic.render
synthesisers = make_synthetic.synthesisers
VOICES = [
    *(Voice("flite", name) for name in make_synthetic.FLITE_VOICES),
    *(Voice("festival", name) for name in make_synthetic.FESTIVAL_VOICES),
    *(Voice("espeak-ng", name) for name in ("en-us+m3", "en-gb+f2")),
]
DEAF = {"rms", "cmu_us_slt_arctic_hts"}
"""These voices ignore the pitch that they are given."""


@pytest.fixture
def installed():
    try:
        synthesisers.require_programs()
    except synthesisers.SynthesisError as error:
        pytest.skip(str(error))


def test_samples_are_what_their_script_makes(installed, tmp_path):
    script = [
        sys.executable,
        ROOT / "recipes/letters_and_digits/make_samples.py",
        "--output",
        tmp_path,
    ]
    subprocess.run(script, check=True, capture_output=True, cwd=ROOT)
    texts, recordings = sorted(tmp_path.glob("*.txt")), sorted(tmp_path.glob("*.wav"))
    kept = {
        path.name
        for path in (ROOT / "samples").iterdir()
        if not path.name.endswith(".readable.txt")  # as the model in the package writes it
    }
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert len(texts) == len(recordings) == len(kept) // 2 == 8
    for path in (*texts, tmp_path / "manifest.jsonl"):
        assert path.read_text() == (ROOT / "samples" / path.name).read_text()
    for path in recordings:
        made, shipped = (soundfile.read(p)[0] for p in (path, ROOT / "samples" / path.name))
        # Resampling may round the last bits otherwise on another processor.
        np.testing.assert_allclose(made, shipped, atol=2 / 32768)


def test_synthetic_speech(installed, tmp_path):
    script = [
        sys.executable,
        ROOT / "recipes/letters_and_digits/make_synthetic.py",
        "--output",
        tmp_path,
    ]
    subprocess.run([*script, "--hours", "0.02"], check=True, capture_output=True, cwd=ROOT)
    train = read_manifest(tmp_path / "train.jsonl")
    samples = {item.text for item in read_manifest(ROOT / "samples/manifest.jsonl")}
    assert not samples & {item.text for item in train}
    characters = set(load_config(ROOT / "recipes/an4/config.toml").data.characters)
    assert {c for item in train for c in item.text} <= characters


def median_pitch(samples):
    """Return the median pitch in Hz of the frames that are loud."""
    pitch = librosa.yin(samples, fmin=60, fmax=400, sr=SAMPLE_RATE)
    level = librosa.feature.rms(y=samples)[0]
    return float(np.median(pitch[level > level.max() / 4]))


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.label)
def test_rate_and_pitch_change_the_sound(voice, installed):
    clip = Clip("october nineteen four", voice)
    plain, fast, high = (
        render(changed) for changed in (clip, replace(clip, rate=1.25), replace(clip, pitch=1.15))
    )
    assert 1.15 < len(plain) / len(fast) < 1.35
    ratio = median_pitch(high) / median_pitch(plain)
    assert (abs(ratio - 1) < 0.02) if voice.name in DEAF else (1.05 < ratio < 1.3)
    assert (voice.name in synthesisers.PITCH.get(voice.program, [voice.name])) == (ratio > 1.02)
    np.testing.assert_array_equal(render(clip), plain)


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.label)
def test_pauses(voice, installed):
    clip = Clip("four two nine", voice)
    paused = render(replace(clip, pauses=(0, 1)))
    assert len(paused) - len(render(clip)) > 0.3 * SAMPLE_RATE


def test_festival_reads_letters_by_their_names(installed):
    """In festival's phones, "a" in a spelled name is not the article, and "z" is American."""
    expected = {"a": "ey", "z": "z iy", "r": "aa r", "w": "d ah b ax l y uw"}
    said = synthesisers.spelling([*expected, "rubout", "s", "t"], (), "festival")
    commands = [
        "(voice_kal_diphone)",
        f'(set! u (utt.synth (Utterance Text "{said}")))',
        '(mapcar (lambda (s) (format t "%s " (item.name s))) (utt.relation.items u \'Segment))',
    ]
    done = subprocess.run(["festival", "--batch", *commands], capture_output=True, text=True)
    phones = [phone for phone in done.stdout.split() if phone != "pau"]
    assert " ".join(phones) == " ".join([*expected.values(), "r ah b aw t", "eh s", "t iy"])


def test_the_plan_of_the_training_clips():
    taken = set(SAMPLE_TEXTS.values())
    clips = [make_synthetic.plan_train(1, index, taken, Mix()) for index in range(3000)]
    assert not taken & {clip.text for clip in clips}
    programs = [clip.voice.program for clip in clips]
    for program, share in make_synthetic.PROGRAMS.items():
        singles = 1 / make_synthetic.SINGLE_EVERY  # all programs say as many single words
        expected = (1 - singles) * share + singles / 3
        assert abs(programs.count(program) / len(clips) - expected) < 0.03
        alone = {c.text for c in clips if c.voice.program == program and " " not in c.text}
        assert alone > set(make_synthetic.DIGITS) | set(make_synthetic.COMMANDS)
    for kind in ("p i t t s b u r g h", "enter", "dollars and", "of october", "area code"):
        assert any(kind in clip.text for clip in clips), kind
    assert min(clip.rate for clip in clips) < 0.8 and max(clip.rate for clip in clips) > 1.15
    assert any(len(clip.pauses) > 4 for clip in clips) and any(not clip.pauses for clip in clips)
    lengths = [len(clip.text.split()) for clip in clips]
    assert min(lengths) == 1 and max(lengths) > make_synthetic.MAX_WORDS


def test_texts_that_are_easily_confused():
    """Confusable texts take their share of the clips that are not single words."""
    taken = set(SAMPLE_TEXTS.values())
    clips = [
        make_synthetic.plan_train(2, index, taken, Mix({"confusable": 1.0})) for index in range(600)
    ]
    texts = [clip.text for index, clip in enumerate(clips) if index % make_synthetic.SINGLE_EVERY]
    assert not taken & set(texts) and all(len(text.split()) > 1 for text in texts)
    dates = [text for text in texts if any(month in text for month in make_synthetic.MONTHS)]
    assert 0.15 < len(dates) / len(texts) < 0.35
    assert sum("thirty first" in text for text in dates) > len(dates) / 10
    assert all(len(word) == 1 for text in texts if text not in dates for word in text.split())
    none, half, whole = (
        rhyming_share(
            make_synthetic.plan_train(2, index, taken, Mix({"confusable": share}))
            for index in range(600)
        )
        for share in (0.0, 0.5, 1.0)
    )
    assert none < 0.25 and 0.35 < half < 0.5 and 0.55 < whole < 0.7


def rhyming_share(clips):
    """Return the share of neighbouring letters that rhyme."""
    pairs = [pair for clip in clips for pair in pairwise(clip.text.split())]
    letters = [{*pair} for pair in pairs if len("".join(pair)) == 2]
    return np.mean([any(pair <= {*set_} for set_ in make_synthetic.RHYMES) for pair in letters])


def test_surnames_that_are_spelled():
    names = {" ".join(name) for name in make_synthetic.surnames()}
    assert len(names) == 2000 and {"s m i t h", "s t e p h e n s"} < names
    samples = {text for text in SAMPLE_TEXTS.values() if max(map(len, text.split())) == 1}
    assert samples and not names & samples
    assert not [name for name in names for text in samples if name[:11] == text[:11]]
    taken = {"s m i t h"}
    mix = Mix({"confusable": 0.2, "surnames": 0.5})
    texts = [
        make_synthetic.plan_train(4, index, taken, mix).text
        for index in range(1000)
        if index % make_synthetic.SINGLE_EVERY
    ]
    spelled = [text for text in texts if text in names]
    assert 0.38 < len(spelled) / len(texts) < 0.5 and "s m i t h" not in texts
    assert len(set(spelled)) > 0.8 * len(spelled)


def test_an_e_after_each_letter_that_rhymes():
    mix = Mix({"lost-e": 1.0})
    texts = [
        make_synthetic.plan_train(5, index, set(), mix).text
        for index in range(2000)
        if index % make_synthetic.SINGLE_EVERY
    ]
    assert {text.replace(" ", "") for text in texts} <= set(make_synthetic.surnames())
    counts = [sum(f"{letter} e" in text for text in texts) for letter in "bcdgptv"]
    assert min(counts) > len(texts) / 7 * 0.85


@pytest.mark.parametrize("texts", ["surnames", "surnames=2", "surnames=", "names=0.5"])
def test_texts_of_an_unknown_kind_or_share(texts, capsys):
    with pytest.raises(SystemExit, match="2"):
        make_synthetic.main([f"--texts={texts}"])
    assert f"argument --texts: invalid share value: '{texts}'" in capsys.readouterr().err


def test_some_of_the_programs():
    mix = Mix(programs={"flite": 0.6, "festival": 0.2})
    clips = [make_synthetic.plan_train(3, index, set(), mix) for index in range(1600)]
    programs = [clip.voice.program for clip in clips[1::5]]
    assert set(programs) == {"flite", "festival"}
    assert 0.65 < programs.count("flite") / len(programs) < 0.85
    for program in ("flite", "festival"):
        assert {c.text for c in clips[::5] if c.voice.program == program} > {"one", "yes"}


def test_no_text_of_a_smaller_seeds_development_set_is_trained_on(monkeypatch, tmp_path):
    def not_made(clip, path):
        return Utterance(path, 3600.0, getattr(clip, "text", ""), path.stem)

    class Here:
        def __init__(self, workers):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def map(self, make, *items, chunksize):
            return map(make, *items)

    monkeypatch.setattr(make_synthetic, "make_clip", not_made)
    monkeypatch.setattr(make_synthetic, "ProcessPoolExecutor", Here)
    texts = {}
    for seed in (1, 2):
        make_synthetic.make_data(tmp_path / str(seed), 2000, seed, Mix())
        for part in ("train", "dev"):
            items = read_manifest(tmp_path / str(seed) / f"{part}.jsonl")
            texts[seed, part] = {item.text for item in items if " " in item.text}
    for seed, part in ((1, "train"), (2, "train"), (2, "dev")):
        assert len(texts[seed, part]) > 90 and not texts[1, "dev"] & texts[seed, part]


def test_a_voice_that_is_not_there(installed):
    with pytest.raises(synthesisers.SynthesisError, match="festival failed on 'yes' with voice no"):
        render(Clip("yes", Voice("festival", "no")))


def test_a_program_that_is_not_there():
    with pytest.raises(
        synthesisers.SynthesisError, match=r"singer is not installed; try apt install .*festvox"
    ):
        synthesisers.require_programs(["singer"])
