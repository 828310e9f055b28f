"""Notes of attempts at a unit, for recordings that end not their worker alone but its actor.

The kernel or Ray may end an actor when a machine has no memory left. Ray then has the unit done
again, without an end if nobody counts.
"""

import json

from asr.bulk.store import Folder

FOLDER = "_attempts"
TOGETHER, ALONE = 2, 2
"""The attempts at all recordings of a unit, and then at each by itself."""


class Attempts:
    """The attempts at a unit, noted in the destination until the unit is done.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     for _ in range(3):
    ...         attempts = Attempts(Folder(place), "a1")
    ...         attempts.begin()
    ...     together = attempts.together
    ...     tried = [attempts.begin_alone(0) for _ in range(3)]
    ...     attempts.end()
    >>> together, tried
    (False, [True, True, False])
    """

    def __init__(self, folder: Folder, unit: str) -> None:
        self._folder, self._name = folder, f"{FOLDER}/{unit}.json"
        found = json.loads(folder.read(self._name) or b"{}")
        self._begun: int = found.get("begun", 0)
        self._alone: dict[str, int] = found.get("alone", {})

    @property
    def together(self) -> bool:
        """True if the recordings of the unit are to be recognised together."""
        return self._begun <= TOGETHER

    def begin(self) -> None:
        """Note that an attempt at the unit begins."""
        self._begun += 1
        self._write()

    def begin_alone(self, index: int) -> bool:
        """Note that one recording of the unit is tried by itself; return False if it has ended too
        many actors for that."""
        count = self._alone.get(str(index), 0)
        if count >= ALONE:
            return False
        self._alone[str(index)] = count + 1
        self._write()
        return True

    def passed(self, index: int) -> None:
        """Forget the attempts at a recording, which has ended no actor."""
        self._alone.pop(str(index), None)

    def end(self) -> None:
        """Forget the unit, which is done."""
        self._folder.remove(self._name)

    def _write(self) -> None:
        content = json.dumps({"begun": self._begun, "alone": self._alone})
        self._folder.write(self._name, content.encode())
