"""Bulk transcription: as many recordings as a cluster can take, on Ray Data (extra ``ray``).

    >>> import asr.bulk
    >>> asr.bulk.transcribe.__module__
    'asr.bulk.transcription'

The processes that recognise are in this package too, and start without what the extra brings.
"""

from typing import TYPE_CHECKING, Any

from asr.errors import needs_extra

if TYPE_CHECKING:
    from asr.bulk.transcription import transcribe

__all__ = ["transcribe"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'asr.bulk' has no attribute {name!r}")
    with needs_extra("asr.bulk needs", "ray"):
        from asr.bulk.transcription import transcribe
    return transcribe
