"""Names that tell recordings apart, made of their paths."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from asr.files import name_as_text

_UNSAFE = re.compile(r'[\x00-\x1f%/\\:*?"<>|]')


def distinct_names(paths: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Return a name for each of ``paths``, all different and none of them in ``taken``.

    A name is the last part of the path. Where several paths have the same, the folders are added
    that tell them apart; to equal paths and to names that are taken, a number is added. The names
    of other paths stay what they are.

    >>> distinct_names(["in/a", "in/x/b", "in/y/b", "in/a"], taken=["c"])
    ['a', 'x/b', 'y/b', 'a#2']
    """
    names = [_parts(path)[-1] for path in paths]
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for name, path in zip(names, paths, strict=True):
        groups[name].add(path)
    longer: dict[str, str] = {}
    for group in groups.values():
        if len(group) > 1:
            longer |= _told_apart(group)
    names = [longer.get(path, name) for path, name in zip(paths, names, strict=True)]
    return numbered(names, taken)


def default_name(path: str, offset: float | None, duration: float | None) -> str:
    """Return the path of a recording without its suffix, for a piece of it with the milliseconds
    between which it lies.

    >>> default_name("x/talk.wav", None, 2.5), default_name("x/talk.wav", 12.5, 2.75)
    ('x/talk', 'x/talk-0012500-0015250')
    """
    name = name_as_text(os.path.splitext(path)[0])
    if offset is None:
        return name
    name += f"-{round(1000 * offset):07}"
    if duration:
        name += f"-{round(1000 * (offset + duration)):07}"
    return name


def numbered(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Return ``names``, with a number behind each that is in ``taken`` or came before.

    >>> numbered(["a", "b", "a", "c"], taken=["c"])
    ['a', 'b', 'a#2', 'c#2']
    """
    used, given, counts = set(taken), set(names), Counter[str]()
    result = []
    for name in names:
        new = name
        while new in used:
            counts[name] += 1
            candidate = f"{name}#{counts[name] + 1}"
            new = new if candidate in given else candidate
        used.add(new)
        result.append(new)
    return result


def _told_apart(paths: Collection[str]) -> dict[str, str]:
    """Return, for each of these different paths, as many of its last parts as no other has."""
    left, names, count = set(paths), dict[str, str](), 2
    while left:
        tails = {path: "/".join(_parts(path)[-count:]) for path in paths}
        often = Counter(tails.values())
        for path in sorted(left):
            if often[tails[path]] == 1 or count >= len(_parts(path)):
                names[path] = tails[path].lstrip("/")
                left.remove(path)
        count += 1
    return names


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").rstrip("/").split("/")


def safe_name(id: str) -> str:
    """Return the name of a file for an id, with the characters escaped that no file can have.

    >>> safe_name("ann/what?")
    'ann%2Fwhat%3F'
    """
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", id)
