"""The training floor: the only part of the package that imports torch, torchaudio or lightning."""
