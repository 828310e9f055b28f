"""A stream of bytes read forwards, each byte as soon as it has come."""

from collections.abc import Callable

from asr.errors import AudioError

MAX_KEPT = 1 << 26
"""Bytes before the first sample."""
_ENDLESS, _FAR = 1 << 62, 1 << 61

Read = Callable[[int], bytes]
"""Up to n bytes, as soon as there are any; none at the end."""


class Pipe:
    """The bytes that ``read`` gives.

    Until :meth:`commit` all of them are kept, and :meth:`seek` goes back. It passes for a file of
    unknown, very large size, so that libsndfile decodes it as it comes.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept = bytearray()
        self._begin = 0  # position of what is kept
        self._at = 0
        self._committed = False
        self._failure: BaseException | None = None

    @property
    def ahead(self) -> bool:
        """The next bytes have come already."""
        return self._begin <= self._at < self._begin + len(self._kept)

    def some(self, count: int) -> bytes:
        """Up to ``count`` bytes, as soon as there are any; none at the end.

        Raises:
            AudioError: over ``MAX_KEPT`` bytes, and :meth:`commit` was not called.
        """
        while not self.ahead and self._begin <= self._at < _FAR:
            if self._committed:
                self._begin, self._kept = self._begin + len(self._kept), bytearray()
            elif len(self._kept) > MAX_KEPT:
                raise AudioError(f"no samples within the first {MAX_KEPT >> 20} MiB")
            came = self._read(count)
            if not came:
                break
            self._kept += came
        if not self.ahead:
            return b""
        first = self._at - self._begin
        data = bytes(self._kept[first : first + count])
        self._at += len(data)
        return data

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer at the end."""
        parts = []
        while count and (part := self.some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def commit(self) -> None:
        """From here on, forget what was read."""
        self._committed = True

    def readinto(self, buffer: memoryview) -> int:
        """Fill the beginning of ``buffer``; the number of its bytes, 0 after a failure."""
        try:
            # What libsndfile looks for at the end, such as tags, is not there.
            data = bytes(len(buffer)) if self._at >= _FAR else self.some(len(buffer))
        except BaseException as failure:  # which would be lost on its way through libsndfile
            self._failure = failure
            return 0
        buffer[: len(data)] = data
        return len(data)

    def check(self) -> None:
        """Raise what :meth:`readinto` could not."""
        if self._failure is not None:
            raise self._failure

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte that is kept; behind the end nothing can be read."""
        self._at = offset + (0, self._at, _ENDLESS)[whence]
        return self._at

    def tell(self) -> int:
        """The position of the next byte."""
        return self._at

    def write(self, _: bytes) -> int:
        """Part of what libsndfile wants of a file; nothing is written."""
        return 0
