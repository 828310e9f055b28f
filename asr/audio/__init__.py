"""Audio: files, bytes and pipes as mono float32 samples at the rate that a model wants."""
