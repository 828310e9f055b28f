"""The settings of the server, with every limit that it keeps."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from asr.errors import ConfigError

SHORTEST_KEY = 16
"""The fewest characters of a key: shorter ones can be guessed."""


@dataclass(frozen=True)
class Settings:
    """The settings of one server; sizes are in bytes, times in seconds.

    ``keys`` are the SHA-256 digests of the keys of clients; without any, no key is asked for.
    ``hosts`` are the names that a client may call the server by, besides ``localhost`` and IP
    addresses; ``origins`` are the origins of pages that may use it besides its own.

    Raises:
        ConfigError: a value is out of range, or the address needs keys.
    """

    model: Path | None = None
    search: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    keys: tuple[bytes, ...] = ()
    no_auth: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    language: str | None = None
    max_upload: int = 512 << 20
    """The largest upload."""
    max_stored: int = 4 << 30
    """The size of all uploads that are kept at once."""
    max_seconds: float = 4 * 3600.0
    """The longest recording."""
    max_queue: int = 512
    """Recordings that are recognised or wait for it."""
    max_long: int = 2
    """Long recordings that are recognised at once; others wait."""
    max_connections: int = 1024
    max_live: int = 16
    """Live sessions at once."""
    live_seconds: float = 4 * 3600.0
    """The longest live session, in seconds that pass and in seconds of sound."""
    live_idle_seconds: float = 300.0
    """The longest time in which a live session may get no message."""
    max_message: int = 4 << 20
    """The largest message of a live session."""
    vosk_rate: int = 8000
    """The samples per second of clients of the Vosk protocol that name no rate."""
    batch_size: int = 16
    header_seconds: float = 10.0
    """The longest time in which the head of a request has to come."""
    idle_seconds: float = 30.0
    """The longest pause of an upload, and of a connection between two requests."""
    upload_seconds: float = 900.0
    """The longest time of one upload."""
    read_seconds: float = 20.0
    """The longest time that the decoder of a short recording may compute."""
    decode_seconds: float = 120.0
    """The longest time that the decoder of a long recording may compute, for each pass."""
    decode_memory: int = 2 << 30
    """The address space of a decoder."""
    stop_seconds: float = 30.0
    """The time that running work has to end in when the server is stopped."""

    def __post_init__(self) -> None:
        numbers = (
            "max_upload",
            "max_seconds",
            "max_queue",
            "max_connections",
            "batch_size",
            "live_seconds",
            "live_idle_seconds",
            "max_message",
            "vosk_rate",
        )
        for name in numbers:
            if not getattr(self, name) > 0:  # true for what is no number, too
                raise ConfigError(f"{name} is {getattr(self, name)}, needs more than 0")
        for name in self.hosts:
            if not re.fullmatch(r"[a-z0-9._-]+", name):
                raise ConfigError(f"host {name!r}: needs a name alone, such as asr.example.org")
        for origin in self.origins:
            if not re.fullmatch(r"https?://[a-z0-9._:\[\]-]+", origin):
                raise ConfigError(f"origin {origin!r}: needs the form https://example.org")
        if not self.keys and not self.no_auth and not self.is_local:
            raise ConfigError(
                f"{self.host} can be reached from other machines: give --api-key-file FILE with "
                "a key on each line, or --no-auth if everybody who reaches it may use it"
            )

    @property
    def is_local(self) -> bool:
        """True if only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def digest(key: str) -> bytes:
    """Return the digest by which a key is known: keys themselves are not kept."""
    return hashlib.sha256(key.encode()).digest()


def read_keys(path: Path) -> tuple[bytes, ...]:
    """Return the digests of the keys in a file, one on each line; lines with # are comments.

    Raises:
        ConfigError: the file cannot be read, holds no key, or one that is too short.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: the keys cannot be read ({reason})") from error
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise ConfigError(f"{path}: holds no key; put one on each line")
    for number, key in enumerate(keys, start=1):
        if len(key) < SHORTEST_KEY or not key.isascii() or " " in key:
            raise ConfigError(
                f"{path}: key {number} needs {SHORTEST_KEY} or more characters of ASCII without "
                'spaces; make one with: python3 -c "import secrets; print(secrets.token_urlsafe())"'
            )
    return tuple(digest(key) for key in keys)
