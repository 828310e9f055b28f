"""Folders of recordings, each of which has its text in a ``.txt`` file of the same name beside
it."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from asr.audio.inputs import is_audio
from asr.counts import counted
from asr.data.audio_files import walk
from asr.data.formats.item import Item, Refuse, one_line
from asr.data.manifest import Problem
from asr.errors import DataError
from asr.files import name_as_text, read_text

TEXT = ".txt"

Files = dict[str, list[Path]]
"""Files by their path in the folder, without the suffix, in Unicode NFC."""


def read_folder(folder: Path, refuse: Refuse) -> list[Item]:
    """Read the utterances in ``folder`` and the folders below, sorted by their ids, which are their
    paths without the suffix. If several folders in ``folder`` hold utterances, the names of these
    folders are the speakers.

    ``refuse`` is called for a recording without a text or with two, for a text without a recording,
    and for a text that is empty or not UTF-8; they are left out.

    Raises:
        DataError: no recording has a text beside it.
    """
    recordings, texts = find_files(folder)
    items = []
    speakers = {key.split("/")[0] for key in recordings.keys() & texts.keys() if "/" in key}
    for key in sorted(recordings.keys() | texts.keys()):
        audio, text = recordings[key], texts[key]
        reason = _mismatch(audio, text)
        words = ""
        if not reason:
            try:
                words = one_line(read_text(text[0], "text"))
                reason = "" if words else "the text is empty"
            except DataError as error:
                reason = str(error).removeprefix(f"{text[0]}: ")
        if reason:
            refuse(Problem((text or audio)[0], 0, "text" if audio else "audio", reason, key))
            continue
        top = key.split("/")[0] if "/" in key and len(speakers) > 1 else None
        items.append(Item(where=str(text[0]), id=key, audio=audio[0], text=words, speaker=top))
    return items


def find_files(folder: Path) -> tuple[Files, Files]:
    """Return the recordings and the texts of a folder.

    Raises:
        DataError: no recording has a text beside it.
    """
    recordings: Files = defaultdict(list)
    texts: Files = defaultdict(list)
    for path in walk(folder):
        name = path.relative_to(folder)
        key = unicodedata.normalize("NFC", name_as_text(name.with_suffix("").as_posix()))
        if is_audio(name) and path.is_file():
            recordings[key].append(path)
        elif name.suffix.lower() == TEXT and not any(part[0] == "." for part in name.parts):
            texts[key].append(path)
    if not recordings.keys() & texts.keys():
        raise DataError(
            f"{folder}: no recording with its text beside it, such as a.wav and a{TEXT}; there are "
            f"{counted(len(recordings), 'recording')} and {counted(len(texts), 'file')} {TEXT}"
        )
    return recordings, texts


def _mismatch(audio: Sequence[Path], text: Sequence[Path]) -> str:
    """Return why these files are not one recording with one text; an empty text if they are."""
    if not audio:
        return "no recording of this name beside it"
    if not text:
        return f"no text: needs {audio[0].with_suffix(TEXT).name} beside it"
    for paths in (audio, text):
        if len(paths) > 1:
            return f"both {paths[0].name} and {paths[1].name}; remove one"
    return ""
