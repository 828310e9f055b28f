"""The LSTM (Hochreiter & Schmidhuber 1997)."""
