"""The plainest server of a Whisper model, which ``serving.py`` measures.

    PYTHON peer_server.py FOLDER

It needs faster-whisper, FastAPI, uvicorn and python-multipart, and nothing of this package.
"""

import socket
import sys

import uvicorn
from fastapi import FastAPI, UploadFile
from faster_whisper import WhisperModel

model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8")
app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    """Answer that the model is loaded."""
    return {"status": "ok"}


@app.post("/v1/audio/transcriptions")
def transcribe(file: UploadFile) -> dict[str, str]:
    """Transcribe a file, in one of FastAPI's threads."""
    segments, _ = model.transcribe(file.file, language="en", beam_size=1)
    return {"text": "".join(segment.text for segment in segments).strip()}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, access_log=False)).run([listener])
