"""This module calls the speech synthesisers, and spells words as each of them must read them."""

import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from asr.errors import AsrError

# These spellings make the programs say what the transcript means. Without them "a" between words
# is the article, espeak-ng's British "z" is "zed", and its "rubout" starts like "rubric".
SPELLINGS = {
    "flite": {"a": "ay"},
    "espeak-ng": {"a": "[['eI]]", "z": "[[z'i:]]", "rubout": "[[r'VbaUt]]"},
    "festival": {"a": "ay"},
}
# The mean f0 of voices in Hz. flite's rms and festival's cmu_us_slt_arctic_hts are missing, because
# they ignore every f0 setting.
PITCH = {
    "flite": {"kal16": 95.0, "awb": 120.0, "slt": 167.0},
    "festival": {"kal_diphone": 105.0, "ked_diphone": 105.0},
}
ESPEAK_WORDS_PER_MINUTE = 160
FESTIVAL_STRETCH = 1.1  # the diphone voices set this stretch for themselves
FESTIVAL_CELLS = 1_000_000  # the size of its heap; to fill the default takes longer than to speak
PACKAGES = "flite espeak-ng festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts"


class SynthesisError(AsrError):
    """An error of a speech synthesiser, which is missing or fails."""


def require_programs(programs: Collection[str] = tuple(SPELLINGS)) -> None:
    """Check that ``programs`` are installed.

    Raises:
        SynthesisError: one of them is missing.
    """
    for program in programs:
        if shutil.which(program) is None:
            raise SynthesisError(f"{program} is not installed; try apt install {PACKAGES}")


def speak(program: str, name: str, said: str, rate: float, pitch: float, path: Path) -> None:
    """Have ``program`` say ``said`` with its voice ``name`` into the WAV file ``path``.

    ``rate`` and ``pitch`` are factors on the voice's own.

    Raises:
        SynthesisError: the program fails.
    """
    command = COMMANDS[program](name, said, rate, pitch, path)
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode or not path.exists():
        reason = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
        raise SynthesisError(f"{program} failed on {said!r} with voice {name}: {reason}")


def spelling(words: Sequence[str], pauses: Collection[int], program: str) -> str:
    """Spell ``words`` as ``program`` must read them; the words with a pause get a comma.

    ``pauses`` holds the indices of the words that a pause follows.
    """
    respelled = SPELLINGS[program]
    return " ".join(
        respelled.get(word, word) + ("," if index in pauses else "")
        for index, word in enumerate(words)
    )


def _flite(name: str, said: str, rate: float, pitch: float, path: Path) -> list[str]:
    command = ["flite", "-voice", name, "--setf", f"duration_stretch={1 / rate:.3f}"]
    if name in PITCH["flite"]:
        command += ["--setf", f"int_f0_target_mean={PITCH['flite'][name] * pitch:.1f}"]
    return [*command, "-t", said, "-o", str(path)]


def _espeak(name: str, said: str, rate: float, pitch: float, path: Path) -> list[str]:
    speed = round(ESPEAK_WORDS_PER_MINUTE * rate)
    height = round(50 + 100 * (pitch - 1))  # the scale is 0 to 99, and 50 is each voice's own pitch
    command = ["espeak-ng", "-v", name, "-s", str(speed), "-p", str(height)]
    return [*command, "-w", str(path), said]


def _festival(name: str, said: str, rate: float, pitch: float, path: Path) -> list[str]:
    if name in PITCH["festival"]:
        hertz = PITCH["festival"][name] * pitch
        settings = [
            f"(Parameter.set 'Duration_Stretch {FESTIVAL_STRETCH / rate:.3f})",
            f"(set! int_lr_params (cons '(target_f0_mean {hertz:.1f}) (cdr int_lr_params)))",
        ]
    else:  # this voice has no diphones, and an engine of its own
        settings = [f'(set! hts_engine_params (cons \'("-r" {rate:.3f}) hts_engine_params))']
    return [
        *("festival", "--heap", str(FESTIVAL_CELLS), "--batch", f"(voice_{name})"),
        *settings,
        # Phrases end at commas alone: by its probabilities it would make no pause in a few words.
        "(set! phrase_cart_tree simple_phrase_cart_tree)",
        "(Parameter.set 'Phrase_Method 'cart_tree)",
        f'(set! utterance (utt.synth (Utterance Text "{said}")))',
        f'(utt.save.wave utterance "{path}" \'riff)',
    ]


COMMANDS = {"flite": _flite, "espeak-ng": _espeak, "festival": _festival}
