"""Make synthetic training speech: utterances as those of CMU AN4, and amounts of money.

    python recipes/letters_and_digits/make_synthetic.py --output data/synthetic --hours 2 --seed 1

The script writes 16 kHz FLAC files to ``audio/``, and lists them in ``train.jsonl`` and
``dev.jsonl``. The name of a file holds a digest of its text, its voice and all that was drawn for
it. A run that was stopped therefore goes on where it was, and no file of another seed is taken for
one of this seed. Delete ``audio/`` after a change of synthesis.py or synthesisers.py. The training
set has no text of make_samples.py, and none of the development set of this seed or a smaller one.
About one clip in sixteen is noise in which nobody speaks. Its text is empty, which teaches the
model to keep silent.

``--programs`` names the synthesisers that speak the training set. ``--texts KIND=SHARE`` says which
share of its texts is of a kind; the share of the next kind is one of the texts that remain. The
kinds are:

- ``confusable``: letters that rhyme, and dates at the end of a month.
- ``surnames``: one of the 2,000 most frequent surnames in the census of the United States of 1990,
  letter by letter. surnames.txt lists them, without those that begin like the surname of
  make_samples.py.
- ``lost-e``: one of those surnames in which an "e" follows a letter that rhymes with it.
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
from asr.counts import counted
from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError

# These are the words of AN4's transcripts, with all months, teens and ordinals: AN4 lacks some.
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
RHYMES = ("bcdegptvz", "ahjk", "flmnsx", "iy", "quw")
BEFORE_E = "bcdgptv"  # without z, because only one surname has an "e" after it
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
MONEY = ("dollar", "dollars", "cent", "cents")  # AN4 has none of these
WHOLE_WORDS = (*DIGITS, *TEENS, *TENS, *ORDINALS, *MONTHS, *EDITS, *COMMANDS, *OTHERS, *MONEY)
VOCABULARY = (*LETTERS, *WHOLE_WORDS, "apostrophe")
SINGLES = (*VOCABULARY, *COMMANDS * 3)  # most commands of AN4 are utterances of their own
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
# Each voice has a share of the clips that its program speaks.
FLITE_VOICES = {"kal16": 0.2, "awb": 0.2, "rms": 0.3, "slt": 0.3}
ESPEAK_ACCENTS = {"en-us": 0.5, "en-us-nyc": 0.2, "en-gb": 0.15, "en-gb-scotland": 0.15}
ESPEAK_VARIANTS = ("", *(f"+m{n}" for n in range(1, 8)), *(f"+f{n}" for n in range(1, 6)))
FESTIVAL_VOICES = {"cmu_us_slt_arctic_hts": 0.4, "kal_diphone": 0.3, "ked_diphone": 0.3}
RATES = {"flite": (1 / 1.3, 1 / 0.85), "espeak-ng": (0.75, 1.25), "festival": (0.75, 1.25)}

MAX_WORDS = 10
LONG_SHARE = 0.1  # the share of the training clips that say two utterances, one after the other
DEV_CLIPS = 100
SINGLE_EVERY = 5  # each fifth training clip says one word, the words of SINGLES in turn
NOISE_EVERY = 16  # one clip in this many is noise, in both sets
BATCH = 64  # clips are made in such batches until there are enough hours
WORKERS = 2

Words = list[str]
Template = Callable[[np.random.Generator], Words]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("data/synthetic"),
        help="the folder; default: data/synthetic",
    )
    parser.add_argument(
        "--hours",
        type=float,
        default=2.0,
        help="make this much training speech; default: 2",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="determines all that is drawn, 0 or more; default: 1"
    )
    parser.add_argument(
        "--texts",
        nargs="+",
        type=share,
        default=[],
        metavar="KIND=SHARE",
        help=f"the share of training texts of a kind ({', '.join(TEXTS)}); default: none",
    )
    parser.add_argument(
        "--programs",
        nargs="+",
        choices=[*PROGRAMS],
        default=[*PROGRAMS],
        help="the synthesisers of the training set; default: all",
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
    """Parse ``KIND=SHARE``, with a kind of :data:`TEXTS` and a share from 0 to 1.

    Raises:
        ValueError: ``text`` is something else.
    """
    kind, _, value = text.partition("=")
    if kind not in TEXTS or not 0 <= float(value) <= 1:
        raise ValueError
    return kind, float(value)


@dataclass(frozen=True)
class Mix:
    """The mix of training clips.

    ``texts`` gives kinds of :data:`TEXTS`, each with its share of the clips that the kinds before
    it left. ``programs`` gives the synthesisers and their shares, which need not sum to 1.
    """

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
    print(
        f"{path}: {counted(len(items), 'utterance')}, {minutes:.2f} min, "
        f"{counted(voices, 'voice')}, {counted(words, 'word')}"
    )


def digest(clip: Clip | Noise) -> str:
    """Return a short name that differs where a field of ``clip`` differs."""
    return hashlib.sha256(repr(clip).encode()).hexdigest()[:10]


def make_clip(clip: Clip | Noise, path: Path) -> Utterance:
    """Synthesise ``clip`` unless ``path`` exists already, and return its line of a manifest."""
    if not path.exists():
        write_audio(path, render_noise(clip) if isinstance(clip, Noise) else render(clip))
    duration = read_audio(path, SAMPLE_RATE).duration
    if isinstance(clip, Noise):
        return Utterance(path, duration, "", path.stem, "noise")
    return Utterance(path, duration, clip.text, path.stem, clip.voice.label)


def plan_dev(seed: int, index: int, taken: set[str]) -> Clip:
    """Return the development clip number ``index``, whose text is not in ``taken``.

    It is never a single word, because single words all belong to the training set.
    """
    rng = np.random.default_rng([seed, 0, index])
    return plan_clip(rng, draw_words(rng, taken), PROGRAMS)


def plan_train(seed: int, index: int, taken: set[str], mix: Mix) -> Clip:
    """Return the training clip number ``index``: a single word, or a text outside ``taken``.

    Single words come in rounds. The programs change places from round to round, so that after some
    rounds each program has said each word.
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
    """Return the noise number ``index`` of the development set (``part`` 0) or training set (1)."""
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
    """Draw the words of an utterance that is not in ``taken`` and has 2 to ``MAX_WORDS`` words.

    ``templates`` are the kinds of utterances with their shares; by default, :data:`TEMPLATES`.
    """
    shares = TEMPLATES if templates is None else templates
    while True:
        template = tuple(shares)[rng.choice(len(shares), p=tuple(shares.values()))]
        words = template(rng)
        if 2 <= len(words) <= MAX_WORDS and " ".join(words) not in taken:
            return words


def plan_clip(rng: np.random.Generator, words: Words, programs: Mapping[str, float]) -> Clip:
    """Draw how ``words`` are said and recorded; each of ``programs`` is drawn by its share."""
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
    """Draw a voice of ``program`` by its share."""
    if program == "flite":
        return Voice(program, draw(rng, FLITE_VOICES))
    if program == "festival":
        return Voice(program, draw(rng, FESTIVAL_VOICES))
    return Voice(program, f"{draw(rng, ESPEAK_ACCENTS)}{rng.choice(ESPEAK_VARIANTS)}")


def draw(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """Draw a name by its share, where the values of ``shares`` need not sum to 1."""
    parts = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=parts / parts.sum()))


def spelled_name(rng: np.random.Generator) -> Words:
    """Draw the letters of a name or a city, and now and then those of a name like o'hara."""
    if rng.random() < 0.05:
        return ["o", "apostrophe", *rng.choice(NAMES)]
    return list(rng.choice(NAMES if rng.random() < 0.8 else CITIES))


@cache
def surnames() -> tuple[str, ...]:
    """Return the surnames of surnames.txt, the most frequent one first."""
    return tuple(SURNAMES.read_text().split())


def surname(rng: np.random.Generator) -> Words:
    """Draw the letters of a surname.

    There are many surnames, so that the model learns from many which letter may follow another.
    """
    return list(rng.choice(surnames()))


def lost_e(rng: np.random.Generator) -> Words:
    """Draw the letters of a surname in which an "e" follows a letter that rhymes with it.

    Said in one go, such an "e" only makes the vowel of that letter longer. Each of the letters that
    rhyme is drawn as often as the others.
    """
    pair = f"{rng.choice(list(BEFORE_E))}e"
    return list(rng.choice([name for name in surnames() if pair in name]))


def random_letters(rng: np.random.Generator) -> Words:
    """Draw letters that are no word, so that the model does not rely on the spellings of names."""
    return [str(letter) for letter in rng.choice(LETTERS, rng.integers(2, 9))]


def digit_string(rng: np.random.Generator) -> Words:
    """Draw the digits of a zip code, a telephone number, a part of one or an area code."""
    count = int(rng.choice([2, 3, 4, 5, 7, 10], p=[0.1, 0.15, 0.2, 0.25, 0.2, 0.1]))
    zero = str(rng.choice(["zero", "oh"]))
    digits = [zero, *DIGITS[1:]]
    words = [digits[digit] for digit in rng.integers(10, size=count)]
    return ["area", "code", *words] if count == 3 and rng.random() < 0.4 else words


def below_hundred(value: int) -> Words:
    """Return the words of a number from 0 to 99."""
    if value < 10:
        return [DIGITS[value]]
    if value < 20:
        return [TEENS[value - 10]]
    tens, ones = divmod(value, 10)
    return [TENS[tens - 2], DIGITS[ones]] if ones else [TENS[tens - 2]]


def pair(rng: np.random.Generator) -> Words:
    """Draw the latter half of a year or a house number, as "sixty four" or "oh five"."""
    value = int(rng.integers(1, 100))
    return ["oh", DIGITS[value]] if value < 10 else below_hundred(value)


def number(rng: np.random.Generator) -> Words:
    """Draw the words of a number from 1 to 99999, of short numbers as often as of long ones."""
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
    """Draw the words of two or three numbers below a hundred, as "twenty two oh six"."""
    first = below_hundred(int(rng.integers(1, 100)))
    return [*first, *(word for _ in range(rng.integers(1, 3)) for word in pair(rng))]


def amount(rng: np.random.Generator) -> Words:
    """Draw an amount of dollars, cents or both, as "six dollars and fifty cents"."""
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
    """Return the words of the ordinal of a number from 1 to 31."""
    if value <= 20:
        return [ORDINALS[value - 1]]
    return ["thirtieth"] if value == 30 else [TENS[value // 10 - 2], ORDINALS[value % 10 - 1]]


def date(rng: np.random.Generator) -> Words:
    """Draw a date, with or without a year, in one of the ways in which AN4 says dates."""
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
    """Draw a street that is spelled, with or without a house number, or a numbered street."""
    house = (number_pairs if rng.random() < 0.4 else digit_string)(rng)[:4]
    way = list(rng.choice(WAYS)) if rng.random() < 0.6 else []
    if rng.random() < 0.15:
        return [*ordinal(int(rng.integers(1, 32))), *way]
    return [*(house if rng.random() < 0.6 else []), *rng.choice(STREETS), *way]


def control(rng: np.random.Generator) -> Words:
    """Draw a control word, and random letters, a number or both to follow it."""
    letters = [str(letter) for letter in rng.choice(LETTERS, rng.integers(6))]
    return [str(rng.choice(EDITS)), *letters, *(number(rng) if rng.random() < 0.8 else [])]


def any_words(rng: np.random.Generator) -> Words:
    """Draw words in no order at all, so that rare words stand beside all others."""
    return [str(word) for word in rng.choice(WHOLE_WORDS, rng.integers(2, 6))]


def rhyming_letters(rng: np.random.Generator) -> Words:
    """Draw letters most of which rhyme.

    Said in one go, "p e t" differs from "p t" only by the length of a vowel.
    """
    letter = rng.choice(list("".join(RHYMES)))
    rhymes = next(letters for letters in RHYMES if letter in letters)
    return [
        str(rng.choice(list(rhymes if rng.random() < 0.7 else LETTERS)))
        for _ in range(rng.integers(2, 9))
    ]


def late_date(rng: np.random.Generator) -> Words:
    """Draw a date from the 20th of a month on, with or without a year."""
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
