"""The tagger of marks and cases: what of its training is not the engine's."""
