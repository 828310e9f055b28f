"""Evaluation: error rates with their intervals, comparisons, and the causes of errors."""
