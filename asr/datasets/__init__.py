"""Data sets as others keep them (Kaldi, NeMo, lhotse, tables, texts beside recordings) to manifests
and back."""
