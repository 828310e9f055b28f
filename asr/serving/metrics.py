"""What the server counts and measures, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The content type of :meth:`Metrics.text`."""


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "asr_requests", "Requests that were answered", ["route", "status"], registry=registry
        )
        self.latency = Histogram(
            "asr_request_seconds",
            "Seconds from the head of a request to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.waited = Histogram(
            "asr_queue_seconds",
            "Seconds that short recordings waited for the network",
            buckets=_SECONDS,
            registry=registry,
        )
        self.real_time_factor = Histogram(
            "asr_real_time_factor",
            "Seconds from the upload to the transcript for each second of audio",
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
            registry=registry,
        )
        self.audio = Counter("asr_audio_seconds", "Seconds of audio recognised", registry=registry)
        self.uploaded = Counter("asr_upload_bytes", "Bytes of files received", registry=registry)
        self.batches = Histogram(
            "asr_batch_recordings",
            "Short recordings that were computed at once",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.refused = Counter(
            "asr_refused", "Requests that were refused", ["reason"], registry=registry
        )
        self.decoders_died = Counter(
            "asr_decoders_died", "Decoders that a file made crash or hang", registry=registry
        )
        self.queue = Gauge(
            "asr_queue_recordings", "Recordings that wait or are recognised", registry=registry
        )
        self.live = Gauge("asr_live_sessions", "Live sessions at present", registry=registry)
        self.live_ended = Counter(
            "asr_live_ended", "Live sessions that ended", ["protocol", "code"], registry=registry
        )
        self.live_audio = Counter(
            "asr_live_audio_seconds", "Seconds of sound in live sessions", registry=registry
        )
        self.live_step = Histogram(
            "asr_live_step_seconds",
            "Seconds from the packet that asked for a live step to its result",
            buckets=_SECONDS,
            registry=registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
