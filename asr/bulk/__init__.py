"""Bulk transcription: as many recordings as a cluster can take, on Ray Data (extra ``ray``).

>>> import asr.bulk
>>> asr.bulk.transcribe.__module__
'asr.bulk.transcription'
"""

from asr.errors import needs_extra

with needs_extra("asr.bulk needs", "ray"):
    from asr.bulk.transcription import transcribe

__all__ = ["transcribe"]
