"""Evaluation: a manifest and a model to results that can be checked."""
