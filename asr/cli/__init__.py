"""The command ``asr``: one file a command; each parses, calls and prints."""
