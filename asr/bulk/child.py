"""The process that recognises for a worker of the cluster: ``python -m asr.bulk.child``.

A recording that crashes a decoder, takes all memory or never ends takes this process with it, and
neither the worker nor recordings that others recognise. It gets messages on standard input and
answers on standard output (:mod:`asr.bulk.frames`), and says now and then that it is alive. It ends
with its input.
"""

import gc
import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from asr.audio.inputs import Piece
from asr.audio.read import named
from asr.bulk.frames import receive, send
from asr.bulk.store import fetch, is_url, read_range
from asr.errors import AsrError, AudioError
from asr.model.normalization import Features
from asr.model.session import LogProbs, Session
from asr.recognition.batches import SHORT_SECONDS
from asr.recognition.recordings import Recording, ShortRecording, read_recording
from asr.recognition.subtitles import SubtitleOptions
from asr.recognition.transcriber import Transcriber
from asr.recognition.transcript import Transcript
from asr.recognition.writers import render

HEARD_SECONDS = 1.0
"""The shortest time between two messages that say that this process is alive."""
HELPERS = 8
"""The windows of a long recording that may be computed by others of the cluster at once."""
LOOK_SECONDS = 0.05
"""The time after which a window that waits for others is looked at again."""


class Link:
    """The link to the worker: answers, and questions for log-probs that others compute."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self.requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._source, self._target = source, target
        self._lock = threading.Lock()
        self._heard = 0.0
        self._asked: dict[int, SimpleQueue[bytes]] = {}
        self._count = 0

    def listen(self) -> None:
        """Take messages until there are no more, and end the process."""
        with suppress(EOFError, OSError):
            while True:
                header, payload = receive(self._source)
                if header["kind"] == "computed":
                    if answer := self._asked.get(header["ticket"]):
                        answer.put(payload)
                else:
                    self.requests.put(header)
        os._exit(0)

    def say(self, kind: str, payload: bytes = b"", **values: Any) -> None:
        """Send a message to the worker."""
        with self._lock:
            self._heard = time.monotonic()
            send(self._target, {"kind": kind, **values}, payload)

    def heard(self) -> None:
        """Say that this process is alive, unless it has said something a moment ago."""
        if time.monotonic() - self._heard > HEARD_SECONDS:
            self.say("heard")

    def ask(self, features: list[Features]) -> "tuple[int, SimpleQueue[bytes]]":
        """Ask for the log-probs of features; return the number of the question and where the
        answer comes, an empty one if nobody has time."""
        with self._lock:
            self._count += 1
            ticket = self._count
            self._asked[ticket] = SimpleQueue()
        self.say(
            "compute",
            b"".join(item.tobytes() for item in features),
            ticket=ticket,
            frames=[len(item) for item in features],
        )
        return ticket, self._asked[ticket]

    def forget(self, ticket: int) -> None:
        """Take no answer to a question any more."""
        self._asked.pop(ticket, None)
        self.say("computed", ticket=ticket)


class WatchedSession(Session):
    """A session that says that it is alive, and lets others compute windows of long recordings
    while all of its own threads are busy.

    Args:
        session: computes what others do not.
        link: to the worker.
        helped: true if others may compute windows.
    """

    def __init__(self, session: Session, link: Link, helped: bool) -> None:
        self.info, self.at_once, self.encodes = session.info, session.at_once, session.encodes
        self._session, self._link = session, link
        # Others compute no encodings.
        self._helpers = HELPERS if helped and not session.encodes else 0
        self._free = threading.Semaphore(session.at_once)

    @property
    def windows_at_once(self) -> int:
        """The number of threads that should compute windows at the same time."""
        return self.at_once + self._helpers

    @property
    def encoding_size(self) -> int:
        """The width E of the encodings."""
        return self._session.encoding_size

    def log_probs_of_features(self, features: Any) -> list[LogProbs]:
        """Compute the log-probabilities of windows here or, if others are faster, there."""
        if not self._helpers:
            return super().log_probs_of_features(features)
        features, ticket, answer = list(features), None, None
        try:
            while not self._free.acquire(blocking=False):
                if answer is None:
                    ticket, answer = self._link.ask(features)
                with suppress(Empty):
                    if payload := answer.get(timeout=LOOK_SECONDS):
                        return self._unpacked(features, payload)
                    self._free.acquire()
                    break
            try:
                return super().log_probs_of_features(features)
            finally:
                self._free.release()
        finally:
            if ticket is not None:
                self._link.forget(ticket)

    def _unpacked(self, features: list[Features], payload: bytes) -> list[LogProbs]:
        symbols = len(self.info.vocabulary)
        rows = np.frombuffer(payload, np.float32).reshape(-1, symbols)
        lengths = [
            self.info.num_frames((len(x) - 1) * self.info.features.hop_length) for x in features
        ]
        return np.split(rows, np.cumsum(lengths)[:-1])

    def features(self, samples: npt.NDArray[np.float32]) -> Features:
        """Compute the features of samples."""
        self._link.heard()
        return self._session.features(samples)

    def _run(self, batch: Any, lengths: Any) -> Any:
        self._link.heard()
        return self._session._run(batch, lengths)

    def _run_features(self, batch: Any, lengths: Any) -> Any:
        self._link.heard()
        return self._session._run_features(batch, lengths)


class Reader:
    """Reads recordings, of which those that lie elsewhere are copied to ``folder`` first."""

    def __init__(self, transcriber: Transcriber, folder: Path, link: Link) -> None:
        self._transcriber, self._folder, self._link = transcriber, folder, link

    def read(self, row: dict[str, Any]) -> Recording:
        """Read a recording as far as :func:`asr.recognition.recordings.read_recording` does.

        Raises:
            AudioError: it is not usable as audio, or cannot be had.
        """
        path = Path(self._local(row))
        source = path if row["offset"] is None else Piece(path, row["offset"], row["duration"])
        recording = read_recording(source, self._transcriber.model, SHORT_SECONDS)
        if isinstance(recording, ShortRecording):
            self.forget(row)
        self._link.heard()
        return recording

    def forget(self, row: dict[str, Any]) -> None:
        """Remove the copy of a recording, if there is one."""
        self._copy(row).unlink(missing_ok=True)

    def named(self, row: dict[str, Any], message: str) -> str:
        """Return an error's message with the name of the recording in place of its copy's."""
        if row["offset"] is not None:
            message = message.replace(str(self._copy(row)), row["audio"])
        return message.replace(str(self._copy(row)), row["audio"]).replace(
            f"{row['place']}:", f"{row['audio']}:", 1
        )

    def _copy(self, row: dict[str, Any]) -> Path:
        return self._folder / f"{row['index']}{Path(row['audio']).suffix}"

    def _local(self, row: dict[str, Any]) -> str:
        """Return the path of a recording, or that of a copy of it."""
        place: str = row["place"]
        if row["begin"] is None and not is_url(place):
            return place
        copy = self._copy(row)
        try:
            with named(row["audio"]):
                if row["begin"] is None:
                    fetch(place, copy, self._link.heard)
                else:
                    copy.write_bytes(read_range(place, row["begin"], row["size"]))
        except AsrError:
            raise
        except Exception as error:  # the clients of stores share no base class of their errors
            raise AudioError(f"{row['audio']}: cannot be fetched ({error})") from error
        return str(copy)


class Child:
    """The recogniser of this process, which is made as its first message says."""

    def __init__(self, settings: dict[str, Any], link: Link) -> None:
        module, _, name = settings["loader"].partition(":")
        load = getattr(import_module(module), name)
        transcriber: Transcriber = load(
            model=settings["model"],
            device=settings["device"],
            threads=settings["threads"],
            display=settings["display"],
            **settings["search"],
        )
        session = WatchedSession(transcriber.session, link, settings["helped"])
        self._transcriber = transcriber.using(session, transcriber.search)
        self._link, self._settings = link, settings
        self._subtitles = SubtitleOptions(**settings["subtitles"])

    def recognise(self, rows: list[dict[str, Any]]) -> None:
        """Recognise recordings and send the transcript or the error of each, in their order."""
        with tempfile.TemporaryDirectory(prefix="asr-bulk-") as folder:
            reader = Reader(self._transcriber, Path(folder), self._link)
            results = self._transcriber.transcribe_read(
                rows, reader.read, self._settings["batch_size"], lambda _: self._link.heard()
            )
            for row, result in zip(rows, results, strict=True):
                reader.forget(row)
                if isinstance(result, AsrError):
                    text = reader.named(row, str(result))
                    self._link.say("failed", index=row["index"], error=text)
                else:
                    self._say(row, result)
        self._link.say("done")

    def _say(self, row: dict[str, Any], transcript: Transcript) -> None:
        source: Any = row["audio"]
        if row["offset"] is not None:
            # A URL would not survive being a Path; the writers take its text as well.
            source = Piece(cast(Path, row["audio"]), row["offset"], row["duration"])
        texts = {
            format: render(
                format,
                source,
                transcript,
                self._subtitles,
                self._settings["settings"],
                id=row["id"],
                name=row["id"],
            )
            for format in ("json", *self._settings["formats"])
        }
        self._link.say("transcript", index=row["index"], seconds=transcript.duration, texts=texts)


def main() -> None:
    """Answer messages until there are no more."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(50_000)  # imports and transcripts make many objects, of which few are garbage
    stack = ExitStack()
    target = stack.enter_context(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what libraries print is no message
    source = stack.enter_context(os.fdopen(os.dup(0), "rb", buffering=0))
    link = Link(source, target)
    settings, _ = receive(source)
    _limit_memory(settings["memory"])
    try:
        child = Child(settings, link)
    except AsrError as error:
        link.say("refused", error=str(error))
        os._exit(1)
    threading.Thread(target=link.listen, daemon=True).start()
    link.say("ready")
    while True:
        request = link.requests.get()
        try:
            child.recognise(request["rows"])
        except MemoryError:
            _lost(link, "it takes more memory than a worker may have")
        except Exception as error:
            _lost(link, f"unexpected {type(error).__name__}: {error}")


def _lost(link: Link, reason: str) -> None:
    link.say("lost", reason=reason)
    os._exit(1)


def _limit_memory(size: int) -> None:
    """Make this process get no more than ``size`` bytes of memory; 0 stands for any number."""
    if size and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    main()
