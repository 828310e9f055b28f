"""Manifests that tests write, and an entry that is sound."""

import json

GOOD = {"audio_filepath": "a.wav", "duration": 1.0, "text": "Yes  NO", "id": "a", "lang": "en"}


def write(tmp_path, *entries):
    """Write a manifest with these entries and return its path."""
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path
