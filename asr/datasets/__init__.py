"""Data sets as others keep them (Kaldi, NeMo, lhotse, CSV) to manifests and back."""
