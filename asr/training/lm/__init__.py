"""Recurrent language models: what of their training is not the engine's."""
