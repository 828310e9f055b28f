"""Uploads: forms whose file goes straight to the disk, into a file without a name.

A file without a name (``O_TMPFILE``) is gone when it is closed or when the process ends, however
that happens. What a client calls its file is not even read.
"""

import asyncio
import errno
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from asr.serving.errors import ApiError, busy
from asr.serving.logs import log
from asr.serving.settings import Settings

MAX_FIELDS = 64
MAX_FIELD_BYTES = 64 << 10
"""The most bytes of all fields but the file."""
_LONG_FIELDS = f"the fields of the form have over {MAX_FIELD_BYTES >> 10} KiB without the file"
_IN_PASSING = 1 << 20
"""Bytes up to which writing to a file takes no time worth a thread."""


@dataclass
class Form:
    """A form that was received: its ``file`` of ``size`` bytes, None without one, and the values of
    its other ``fields`` by their names."""

    file: BinaryIO | None = None
    size: int = 0
    fields: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a field."""
        return self.fields.get(name, [default])[-1]


class Store:
    """The room for uploads: no more than ``max_stored`` bytes are kept at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stored = 0

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Form]:
        """Receive the form of a request, and keep its file until the end of the block.

        Raises:
            ApiError: it is no form, is too large or too slow, or there is no room for it.
        """
        form = Form()
        try:
            reader = _Reader(request, form, self)
            try:
                async with asyncio.timeout(self.settings.upload_seconds):
                    await reader.read()
            except TimeoutError as error:
                raise ApiError(408, "the upload took too long", code="timeout") from error
            yield form
        finally:
            self.stored -= form.size
            if form.file is not None:
                form.file.close()

    def take(self, form: Form, count: int) -> None:
        """Count ``count`` more bytes of the file of a form."""
        form.size += count
        self.stored += count
        if form.size > self.settings.max_upload:
            raise too_large(self.settings)
        if self.stored > self.settings.max_stored:
            raise busy("the server has no room for more uploads at present")


def too_large(settings: Settings) -> ApiError:
    """Return the error about an upload that is too large."""
    return ApiError(
        413,
        f"the file is too large; at most {settings.max_upload >> 20} MiB are taken",
        code="file_too_large",
        param="file",
    )


def unnamed_file() -> BinaryIO:
    """Open a new file without a name in the folder of temporary files."""
    folder = tempfile.gettempdir()
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (AttributeError, IsADirectoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return cast(
            BinaryIO, tempfile.TemporaryFile(buffering=0)
        )  # its name is taken away as it is opened
    return cast(BinaryIO, os.fdopen(descriptor, "w+b", buffering=0))


class _Reader:
    """The reader of one form: the parser calls its methods for what it finds."""

    def __init__(self, request: Request, form: Form, store: Store) -> None:
        self._request, self._form, self._store = request, form, store
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise ApiError(
                415, "the body needs to be multipart/form-data", code="unsupported_media_type"
            )
        encoding = request.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            message = "the body needs to be sent without Content-Encoding; files may be compressed"
            raise ApiError(415, message, code="unsupported_media_type")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > store.settings.max_upload + MAX_FIELD_BYTES:
            raise too_large(store.settings)
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)
        except FormParserError as error:
            raise ApiError(400, "the boundary is too long", code="invalid_form") from error
        self._name, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._field: str | None = None
        self._content = bytearray()
        self._count = self._bytes = 0
        self._pending = list[bytes]()
        self._complete = False

    async def read(self) -> None:
        """Read the whole form, and go to the beginning of its file."""
        chunks = self._request.stream().__aiter__()
        written = 0
        while True:
            try:
                async with asyncio.timeout(self._store.settings.idle_seconds):
                    chunk = await anext(chunks, None)
            except ClientDisconnect as error:
                raise ApiError(499, "the client has gone", code="client_gone") from error
            if chunk is None:
                break
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                message = "the form is damaged, or the head of one of its parts is too long"
                raise ApiError(400, message, code="invalid_form") from error
            if self._pending:
                data, self._pending = b"".join(self._pending), []
                written += len(data)
                await self._write(data, in_passing=written <= _IN_PASSING)
        if not self._complete:
            raise ApiError(400, "the form is damaged: it has no end", code="invalid_form")
        if self._form.file is not None:
            self._form.file.seek(0)

    async def _write(self, data: bytes, in_passing: bool) -> None:
        try:
            if self._form.file is None:
                self._form.file = unnamed_file()
            if in_passing:
                _write_all(self._form.file, data)
            else:
                await asyncio.to_thread(_write_all, self._form.file, data)
        except OSError as error:
            log("warning", "an upload cannot be stored", reason=error.strerror)
            raise busy("the server cannot store uploads at present", 30) from error

    def _begin(self) -> None:
        self._disposition, self._field = b"", None
        self._count += 1
        if self._count > MAX_FIELDS:
            raise ApiError(400, f"the form has over {MAX_FIELDS} fields", code="invalid_form")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._content.clear()
        if self._field == "file":
            if self._form.size:
                raise ApiError(400, "the form has two files", code="invalid_form", param="file")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field == "file":
            self._store.take(self._form, end - start)
            self._pending.append(data[start:end])
            return
        self._bytes += end - start
        if self._bytes > MAX_FIELD_BYTES:
            raise ApiError(400, _LONG_FIELDS, code="invalid_form")
        self._content += data[start:end]

    def _end(self) -> None:
        if self._field is not None and self._field != "file":
            value = self._content.decode("utf-8", "replace")
            self._form.fields.setdefault(self._field, []).append(value)

    def _finish(self) -> None:
        self._complete = True


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
