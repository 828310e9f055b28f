"""The GRU (Cho et al. 2014)."""
