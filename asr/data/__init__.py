"""Data: manifests, what they hold, what is wrong with them, and other formats."""
