"""Readers and writers of other formats: Kaldi, NeMo, lhotse, tables, texts beside recordings."""
