"""Manifests for tests."""

import json

GOOD = {"audio_filepath": "a.wav", "duration": 1.0, "text": "Yes  NO", "id": "a", "lang": "en"}


def write(tmp_path, *entries):
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path
