"""Synthetic training speech for the domain of CMU AN4, and amounts of money.

    python recipes/letters_and_digits/make_synthetic.py --output data/synthetic --hours 2 --seed 1

Writes 16 kHz FLAC files to ``audio/``, and ``train.jsonl`` and ``dev.jsonl``. A file's name holds
a digest of its text, voice and all that was drawn: a run that was stopped goes on where it was, and
files of another seed are never mistaken. Delete ``audio/`` after a change of synthesis.py or
synthesisers.py. No text of make_samples.py, or of the development set of this or a smaller seed, is
in the training set. A share of the clips is noise without a word and has an empty text: it teaches
the model to keep silent. ``--programs`` are those that speak the training set; ``--texts
KIND=SHARE`` is how many of its texts are of a kind, the next kind a share of the remaining ones:
``confusable`` are letters that rhyme and dates at the end of a month, ``surnames`` spell one of the
2,000 most frequent of the United States' census of 1990 (surnames.txt, without those that begin as
the one of make_samples.py does), ``lost-e`` one of those in which an "e" follows a letter that
rhymes with it.
"""

import argparse
import hashlib
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import synthesisers
from synthesis import (
    SAMPLE_RATE,
    SAMPLE_TEXTS,
    Clip,
    Noise,
    Voice,
    render,
    render_noise,
    write_audio,
)

from asr.audio.read import read_audio
from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError

# The words of AN4's transcripts; months, teens and ordinals are completed.
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
RHYMES = ("bcdegptvz", "ahjk", "flmnsx", "iy", "quw")
BEFORE_E = "bcdgptv"  # not z: one surname has it there
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
    *("seventeenth", "eighteenth", "nineteenth", "twentieth"),
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
EDITS = ("enter", "erase", "rubout")  # the control words that letters follow
COMMANDS = ("yes", "no", "help", "repeat", "start", "stop", "go")
OTHERS = ("oh", "hundred", "thousand", "thirtieth", "and", "half", "of", "area", "code")
MONEY = ("dollar", "dollars", "cent", "cents")  # not in AN4
WHOLE_WORDS = (*DIGITS, *TEENS, *TENS, *ORDINALS, *MONTHS, *EDITS, *COMMANDS, *OTHERS, *MONEY)
VOCABULARY = (*LETTERS, *WHOLE_WORDS, "apostrophe")
SINGLES = (*VOCABULARY, *COMMANDS * 3)  # commands mostly stand alone in AN4
NO_PAUSE_AFTER = {*TENS, "hundred", "thousand", "and", "of", "area"}

NAMES = """
    james mary robert patricia john jennifer michael linda david elizabeth william barbara
    richard susan joseph jessica thomas sarah karen charles nancy lisa daniel betty matthew
    sandra mark ashley donald kimberly steven emily andrew donna paul michelle joshua carol
    kenneth amanda kevin melissa brian deborah george rebecca timothy laura jason cynthia jeff
    kathleen ryan amy jacob angela gary shirley eric brenda quincy xavier zoe felix max vivian
    smith johnson williams brown jones garcia miller davis wilson anderson taylor moore jackson
    martin white harris thompson clark lewis walker young wright scott hill green adams baker
    nelson campbell mitchell parker evans edwards collins murphy fitzgerald kowalski vazquez
    schwartz mcqueen bixby katz wojcik knox hughes
""".split()
STREETS = """
    oak maple pine cedar elm main park lake hill walnut spring north south west church high
    forbes fifth penn liberty murray bigelow negley beacon wilkins squirrel jackson juniper
""".split()
WAYS = ("street", "road", "ave", "lane", "drive", "st", "court", "way", "place")
CITIES = """
    pittsburgh boston chicago detroit cleveland denver dallas phoenix memphis buffalo juneau
    quebec wheeling johnstown erie lexington new york ohio texas utah iowa maine kansas
""".split()

SURNAMES = Path(__file__).parent / "surnames.txt"

PROGRAMS = {"flite": 0.45, "espeak-ng": 0.35, "festival": 0.2}
# The voices and their shares of what their program says.
FLITE_VOICES = {"kal16": 0.2, "awb": 0.2, "rms": 0.3, "slt": 0.3}
ESPEAK_ACCENTS = {"en-us": 0.5, "en-us-nyc": 0.2, "en-gb": 0.15, "en-gb-scotland": 0.15}
ESPEAK_VARIANTS = ("", *(f"+m{n}" for n in range(1, 8)), *(f"+f{n}" for n in range(1, 6)))
FESTIVAL_VOICES = {"cmu_us_slt_arctic_hts": 0.4, "kal_diphone": 0.3, "ked_diphone": 0.3}
RATES = {"flite": (1 / 1.3, 1 / 0.85), "espeak-ng": (0.75, 1.25), "festival": (0.75, 1.25)}

MAX_WORDS = 10
LONG_SHARE = 0.1  # of the training clips say two utterances, one after the other
DEV_CLIPS = 100
SINGLE_EVERY = 5  # each fifth training clip is one word, SINGLES in turn
NOISE_EVERY = 16  # of the clips of both sets, one is noise
BATCH = 64  # clips between two looks at the hours
WORKERS = 2

Words = list[str]
Template = Callable[[np.random.Generator], Words]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("data/synthetic"), help="default: data/synthetic"
    )
    parser.add_argument(
        "--hours", type=float, default=2.0, help="of training speech, at least; default: 2"
    )
    parser.add_argument("--seed", type=int, default=1, help="0 or more; default: 1")
    parser.add_argument(
        "--texts",
        nargs="+",
        type=share,
        default=[],
        metavar="KIND=SHARE",
        help=f"of the kinds {', '.join(TEXTS)}; default: none",
    )
    parser.add_argument(
        "--programs", nargs="+", choices=[*PROGRAMS], default=[*PROGRAMS], help="default: all"
    )
    options = parser.parse_args(arguments)
    if not 0 < options.hours < math.inf or options.seed < 0:
        parser.error("needs --hours above 0 and --seed of 0 or more")
    try:
        synthesisers.require_programs()
        shares = {name: PROGRAMS[name] for name in PROGRAMS if name in options.programs}
        make_data(options.output, options.hours, options.seed, Mix(dict(options.texts), shares))
    except AsrError as error:
        sys.exit(f"error: {error}")


def share(text: str) -> tuple[str, float]:
    """``KIND=SHARE`` of :data:`TEXTS`; ValueError if it is none."""
    kind, _, value = text.partition("=")
    if kind not in TEXTS or not 0 <= float(value) <= 1:
        raise ValueError
    return kind, float(value)


@dataclass(frozen=True)
class Mix:
    """The mix of training clips: the shares of kinds of :data:`TEXTS`, each of what those before it
    left, and the programs with theirs, which need not sum to 1."""

    texts: Mapping[str, float] = field(default_factory=dict)
    programs: Mapping[str, float] = field(default_factory=lambda: PROGRAMS)


def make_data(output: Path, hours: float, seed: int, mix: Mix) -> None:
    """Write the audio files and both manifests."""
    taken = set(SAMPLE_TEXTS.values())
    for each in range(min(seed, 1), seed + 1):
        dev_clips: list[Clip | Noise] = []
        for index in range(DEV_CLIPS):
            clip = plan_dev(each, index, taken)
            dev_clips.append(clip)
            taken.add(clip.text)
    dev_clips += [plan_noise(seed, 0, index) for index in range(DEV_CLIPS // NOISE_EVERY)]
    with ProcessPoolExecutor(WORKERS) as pool:

        def make(clips: Iterable[Clip | Noise], part: str, first: int) -> list[Utterance]:
            paths = [
                output / "audio" / f"{part}{number:05d}-{digest(clip)}.flac"
                for number, clip in enumerate(clips, start=first)
            ]
            return list(pool.map(make_clip, clips, paths, chunksize=8))

        report(output / "dev.jsonl", make(dev_clips, "dev", 0))
        train: list[Utterance] = []
        while sum(item.duration for item in train) < hours * 3600:
            numbers = range(len(train), len(train) + BATCH)
            clips = [
                plan_train(seed, i, taken, mix) if i % NOISE_EVERY else plan_noise(seed, 1, i)
                for i in numbers
            ]
            train += make(clips, "train", len(train))
        report(output / "train.jsonl", train)


def report(path: Path, items: list[Utterance]) -> None:
    """Write a manifest and say what is in it."""
    write_manifest(path, items)
    minutes = sum(item.duration for item in items) / 60
    words = sum(len(item.text.split()) for item in items)
    voices = len({item.speaker for item in items})
    print(f"{path}: {len(items)} utterances, {minutes:.2f} min, {voices} voices, {words} words")


def digest(clip: Clip | Noise) -> str:
    """A short name for the fields of ``clip``."""
    return hashlib.sha256(repr(clip).encode()).hexdigest()[:10]


def make_clip(clip: Clip | Noise, path: Path) -> Utterance:
    """Synthesise ``clip`` unless ``path`` is there already."""
    if not path.exists():
        write_audio(path, render_noise(clip) if isinstance(clip, Noise) else render(clip))
    duration = read_audio(path, SAMPLE_RATE).duration
    if isinstance(clip, Noise):
        return Utterance(path, duration, "", path.stem, "noise")
    return Utterance(path, duration, clip.text, path.stem, clip.voice.label)


def plan_dev(seed: int, index: int, taken: set[str]) -> Clip:
    """The development clip number ``index``, its text outside ``taken``.

    Never a single word: those all belong to the training set.
    """
    rng = np.random.default_rng([seed, 0, index])
    return plan_clip(rng, draw_words(rng, taken), PROGRAMS)


def plan_train(seed: int, index: int, taken: set[str], mix: Mix) -> Clip:
    """The training clip number ``index``, its text outside ``taken``.

    Single words come in rounds, in which the programs change places: each says each word.
    """
    rng = np.random.default_rng([seed, 1, index])
    turn, rest = divmod(index, SINGLE_EVERY)
    if not rest:
        cycle, place = divmod(turn, len(SINGLES))
        program = tuple(mix.programs)[(cycle + place) % len(mix.programs)]
        return plan_clip(rng, [SINGLES[place]], {program: 1.0})
    for kind, share_of_texts in mix.texts.items():
        if rng.random() < share_of_texts:
            return plan_clip(rng, draw_words(rng, taken, TEXTS[kind]), mix.programs)
    words = draw_words(rng, taken)
    if rng.random() < LONG_SHARE:
        words += draw_words(rng, taken)
    return plan_clip(rng, words, mix.programs)


def plan_noise(seed: int, part: int, index: int) -> Noise:
    """The noise number ``index`` of the development (0) or training set (1)."""
    rng = np.random.default_rng([seed, 2 + part, index])
    return Noise(
        seconds=float(rng.uniform(0.5, 5)),
        slope=float(rng.choice([0.0, rng.uniform(0, 2)])),
        level=float(rng.choice([0.0, rng.uniform(-80, -10)], p=[0.2, 0.8])),
        swing=float(rng.choice([0.0, rng.uniform(0, 20)])),
        seed=int(rng.integers(2**31)),
    )


def draw_words(
    rng: np.random.Generator, taken: set[str], templates: dict[Template, float] | None = None
) -> Words:
    """The words of a random utterance, at least two and not in ``taken``."""
    shares = TEMPLATES if templates is None else templates
    while True:
        template = tuple(shares)[rng.choice(len(shares), p=tuple(shares.values()))]
        words = template(rng)
        if 2 <= len(words) <= MAX_WORDS and " ".join(words) not in taken:
            return words


def plan_clip(rng: np.random.Generator, words: Words, programs: Mapping[str, float]) -> Clip:
    """Draw how ``words`` are said and recorded, and by which of ``programs`` in their shares."""
    voice = draw_voice(rng, draw(rng, programs) if len(programs) > 1 else next(iter(programs)))
    # Some speakers run everything together, some stop after nearly every word.
    pause_share = rng.choice([0.0, 0.25, 0.9], p=[0.5, 0.3, 0.2])
    pauses = tuple(
        index
        for index, word in enumerate(words[:-1])
        if rng.random() < pause_share and word not in NO_PAUSE_AFTER
    )
    return Clip(
        " ".join(words),
        voice,
        rate=float(rng.uniform(*RATES[voice.program])),
        pitch=float(rng.uniform(0.85, 1.2)),
        pauses=pauses,
        lead=float(rng.uniform(0.05, 0.4)),
        trail=float(rng.uniform(0.05, 0.4)),
        peak=float(rng.uniform(0.1, 0.9)),
        noise=None if rng.random() < 0.2 else float(rng.uniform(-80, -55)),
        noise_seed=int(rng.integers(2**31)),
    )


def draw_voice(rng: np.random.Generator, program: str) -> Voice:
    """A voice of ``program``, in their shares."""
    if program == "flite":
        return Voice(program, draw(rng, FLITE_VOICES))
    if program == "festival":
        return Voice(program, draw(rng, FESTIVAL_VOICES))
    return Voice(program, f"{draw(rng, ESPEAK_ACCENTS)}{rng.choice(ESPEAK_VARIANTS)}")


def draw(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """One of the names in ``shares``."""
    parts = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=parts / parts.sum()))


def spelled_name(rng: np.random.Generator) -> Words:
    """A name or a city, letter by letter, now and then one like o'hara."""
    if rng.random() < 0.05:
        return ["o", "apostrophe", *rng.choice(NAMES)]
    return list(rng.choice(NAMES if rng.random() < 0.8 else CITIES))


@cache
def surnames() -> tuple[str, ...]:
    """The most frequent first."""
    return tuple(SURNAMES.read_text().split())


def surname(rng: np.random.Generator) -> Words:
    """One of many names, letter by letter: what may follow a letter is learnt from many."""
    return list(rng.choice(surnames()))


def lost_e(rng: np.random.Generator) -> Words:
    """A surname with an "e" after a letter that rhymes, which said in one go is but a longer vowel.

    Each of those letters as often as the others.
    """
    pair = f"{rng.choice(list(BEFORE_E))}e"
    return list(rng.choice([name for name in surnames() if pair in name]))


def random_letters(rng: np.random.Generator) -> Words:
    """Letters that are no word, so that a name's next letter is not all there is to learn."""
    return [str(letter) for letter in rng.choice(LETTERS, rng.integers(2, 9))]


def digit_string(rng: np.random.Generator) -> Words:
    """A zip code, a telephone number, a part of one or an area code."""
    count = int(rng.choice([2, 3, 4, 5, 7, 10], p=[0.1, 0.15, 0.2, 0.25, 0.2, 0.1]))
    zero = str(rng.choice(["zero", "oh"]))
    digits = [zero, *DIGITS[1:]]
    words = [digits[digit] for digit in rng.integers(10, size=count)]
    return ["area", "code", *words] if count == 3 and rng.random() < 0.4 else words


def below_hundred(value: int) -> Words:
    """0 to 99 as words."""
    if value < 10:
        return [DIGITS[value]]
    if value < 20:
        return [TEENS[value - 10]]
    tens, ones = divmod(value, 10)
    return [TENS[tens - 2], DIGITS[ones]] if ones else [TENS[tens - 2]]


def pair(rng: np.random.Generator) -> Words:
    """The latter half of a year or a house number: "sixty four", "oh five"."""
    value = int(rng.integers(1, 100))
    return ["oh", DIGITS[value]] if value < 10 else below_hundred(value)


def number(rng: np.random.Generator) -> Words:
    """A number up to 99999, short ones as often as long ones."""
    words: Words = []
    if rng.random() < 0.35:
        words += [*below_hundred(int(rng.integers(1, 100))), "thousand"]
    if rng.random() < 0.45:
        words += [*below_hundred(int(rng.integers(1, 10 if words else 20))), "hundred"]
        if rng.random() < 0.5:
            words.append("and")
    words += below_hundred(int(rng.integers(1, 100)))
    return [*words, "and", "a", "half"] if rng.random() < 0.08 else words


def number_pairs(rng: np.random.Generator) -> Words:
    """Two or three numbers below a hundred: "twenty two oh six"."""
    first = below_hundred(int(rng.integers(1, 100)))
    return [*first, *(word for _ in range(rng.integers(1, 3)) for word in pair(rng))]


def amount(rng: np.random.Generator) -> Words:
    """Dollars, cents or both: "six dollars and fifty cents"."""
    dollars, cents = int(rng.integers(1, 100)), int(rng.integers(1, 100))
    parts = [
        [*below_hundred(dollars), "dollar" if dollars == 1 else "dollars"],
        [*below_hundred(cents), "cent" if cents == 1 else "cents"],
    ]
    kind = rng.random()
    if kind < 0.3:
        return [*number(rng), "dollars"]
    return parts[int(kind < 0.5)] if kind < 0.7 else [*parts[0], "and", *parts[1]]


def ordinal(value: int) -> Words:
    """1 to 31 as an ordinal."""
    if value <= 20:
        return [ORDINALS[value - 1]]
    return ["thirtieth"] if value == 30 else [TENS[value // 10 - 2], ORDINALS[value % 10 - 1]]


def date(rng: np.random.Generator) -> Words:
    """A date in one of AN4's ways, with or without a year."""
    day, month = int(rng.integers(1, 32)), int(rng.integers(12))
    name = MONTHS[month]
    forms = (
        [name, *ordinal(day)],
        [*ordinal(day), "of", name],
        [*below_hundred(day), name],
        [*below_hundred(month + 1), *below_hundred(day)],
    )
    words = forms[rng.choice(len(forms), p=[0.5, 0.15, 0.15, 0.2])]
    century = ["nineteen"] if rng.random() < 0.7 else []
    return [*words, *century, *pair(rng)] if rng.random() < 0.8 else words


def address(rng: np.random.Generator) -> Words:
    """A house number and a spelled street, or a numbered street."""
    house = (number_pairs if rng.random() < 0.4 else digit_string)(rng)[:4]
    way = list(rng.choice(WAYS)) if rng.random() < 0.6 else []
    if rng.random() < 0.15:
        return [*ordinal(int(rng.integers(1, 32))), *way]
    return [*(house if rng.random() < 0.6 else []), *rng.choice(STREETS), *way]


def control(rng: np.random.Generator) -> Words:
    """A control word, then random letters, a number or both."""
    letters = [str(letter) for letter in rng.choice(LETTERS, rng.integers(6))]
    return [str(rng.choice(EDITS)), *letters, *(number(rng) if rng.random() < 0.8 else [])]


def any_words(rng: np.random.Generator) -> Words:
    """Words in no order at all, so that rare ones stand beside everything."""
    return [str(word) for word in rng.choice(WHOLE_WORDS, rng.integers(2, 6))]


def rhyming_letters(rng: np.random.Generator) -> Words:
    """Letters most of which rhyme: said in one go, "p e t" differs from "p t" by a length."""
    letter = rng.choice(list("".join(RHYMES)))
    rhymes = next(letters for letters in RHYMES if letter in letters)
    return [
        str(rng.choice(list(rhymes if rng.random() < 0.7 else LETTERS)))
        for _ in range(rng.integers(2, 9))
    ]


def late_date(rng: np.random.Generator) -> Words:
    """A date from the 20th on, with or without a year."""
    day = ordinal(int(rng.choice([*range(20, 32), 30, 31, 31])))
    month = MONTHS[rng.integers(12)]
    words = [month, *day] if rng.random() < 0.75 else [*day, "of", month]
    return [*words, "nineteen", *pair(rng)] if rng.random() < 0.6 else words


TEMPLATES: dict[Template, float] = {
    spelled_name: 0.2,
    random_letters: 0.08,
    digit_string: 0.18,
    number: 0.06,
    number_pairs: 0.06,
    date: 0.11,
    address: 0.11,
    amount: 0.04,
    control: 0.11,
    any_words: 0.05,
}
TEXTS: dict[str, dict[Template, float]] = {
    "confusable": {rhyming_letters: 0.75, late_date: 0.25},
    "surnames": {surname: 1.0},
    "lost-e": {lost_e: 1.0},
}


if __name__ == "__main__":
    main()
