"""The server of ``asr serve``: OpenAI's interface, live captions and a page, over one model."""
