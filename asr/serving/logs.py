"""The log of the server: a JSON object on each line of standard error."""

import json
import logging
import sys
import threading
import time
from typing import Any

_LOCK = threading.Lock()


def log(level: str, event: str, **fields: Any) -> None:
    """Write a line; fields that are None are left out.

    What was said, keys, file names and addresses of clients are no fields.
    """
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
    given = {name: value for name, value in fields.items() if value is not None}
    line = json.dumps({"time": stamp, "level": level, "event": event, **given})
    try:
        with _LOCK:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
    except OSError:
        pass  # nobody reads the log any more, and the server goes on


class Handler(logging.Handler):
    """A handler for the messages of uvicorn, which become lines like all others."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; of an exception, only its kind."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        message = str(record.msg) if record.args else record.getMessage()
        log(record.levelname.lower(), "server", message=message.strip(), kind=kind)


def take_over() -> None:
    """Send the warnings of the server's libraries to the log."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "websockets"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], False
        logger.setLevel(logging.WARNING)
        logger.addHandler(Handler())
    # It would tell of damaged forms in lines of its own; the answer tells the client.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
