"""Packets of live sound: bytes of any number become samples at the rate of a model."""

from functools import cache

import numpy as np
import soxr

from asr.audio.read import MAX_RATE, Samples
from asr.errors import AudioError

LOWEST_RATE = 4000
"""The lowest rate in Hz: less is no speech that could be recognised."""

ENCODINGS = ("pcm16", "mulaw", "alaw")


class PacketDecoder:
    """A stream of mono sound that comes in packets.

    A packet may end in the middle of a sample. The samples depend on all bytes that came, and not
    on how they were divided into packets. Resampling holds back 30 to 100 ms until more comes, or
    until :meth:`end`.

    Args:
        encoding: one of :data:`ENCODINGS`: 16 bits in little-endian order, or one byte a sample as
            G.711 has them.
        rate: samples per second of the packets.
        target: samples per second that are returned.

    Raises:
        AudioError: an encoding or a rate that cannot be used.

    >>> decoder = PacketDecoder("pcm16", 16000, 16000)
    >>> decoder.decode(bytes([0, 64, 0])), decoder.decode(bytes([192]))
    (array([0.5], dtype=float32), array([-0.5], dtype=float32))
    """

    def __init__(self, encoding: str, rate: float, target: int) -> None:
        if encoding not in ENCODINGS:
            raise AudioError(f"encoding {encoding!r}; needs one of {', '.join(ENCODINGS)}")
        if not LOWEST_RATE <= rate <= MAX_RATE:  # false for numbers that are not finite, too
            raise AudioError(f"sample rate {rate:g} Hz; needs {LOWEST_RATE} to {MAX_RATE} Hz")
        self.encoding, self.rate, self._target = encoding, rate, target
        self._rest = b""
        self._resampler: soxr.ResampleStream | None = None

    @property
    def bytes_per_second(self) -> float:
        """The bytes that a second of sound takes."""
        return self.rate * (2 if self.encoding == "pcm16" else 1)

    def decode(self, data: bytes) -> Samples:
        """Return the samples (n,) float32 that a packet completes."""
        samples = self._samples(data)
        if self.rate == self._target:
            return samples
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(self.rate, self._target, 1, dtype="float32")
        resampled: Samples = self._resampler.resample_chunk(samples)
        return resampled

    def end(self) -> Samples:
        """Return the samples (n,) that were held back. What comes later begins anew."""
        self._rest = b""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        samples: Samples = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        self._resampler = None
        return samples

    def _samples(self, data: bytes) -> Samples:
        if self.encoding != "pcm16":
            return g711(self.encoding)[np.frombuffer(data, np.uint8)]
        data = self._rest + data
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        return np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)


@cache
def g711(encoding: str) -> Samples:
    """Return the samples (256,) that the bytes of ITU-T G.711 stand for.

    >>> (g711("mulaw")[[0x00, 0x80, 0xFF]] * 32768).tolist()
    [-32124.0, 32124.0, 0.0]
    >>> (g711("alaw")[[0x2A, 0xAA, 0xD5]] * 32768).tolist()
    [-32256.0, 32256.0, 8.0]
    """
    codes = np.arange(256)
    if encoding == "mulaw":
        codes = ~codes & 0xFF
        exponent, mantissa = codes >> 4 & 7, codes & 15
        size = ((2 * mantissa + 33) << exponent) * 4 - 132
        positive = codes < 128
    else:
        codes = codes ^ 0x55
        exponent, mantissa = codes >> 4 & 7, codes & 15
        normal = (2 * mantissa + 33) << np.maximum(exponent - 1, 0)
        size = 8 * np.where(exponent, normal, 2 * mantissa + 1)
        positive = codes >= 128
    return (np.where(positive, size, -size) / 32768).astype(np.float32)
