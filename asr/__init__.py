"""Speech recognition with bidirectional GRUs: audio in, transcripts and word error rates out."""

__version__ = "0.1.0"
