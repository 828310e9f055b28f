"""OpenAI's interface: transcriptions of files, and the list of models."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from asr.errors import AudioError
from asr.serving.engine import Engine
from asr.serving.errors import ApiError
from asr.serving.uploads import Store

router = APIRouter()


@router.post("/v1/audio/transcriptions")
async def transcriptions(request: Request) -> Response:
    """Transcribe the file of a form."""
    state = request.app.state
    engine: Engine = state.engine
    store: Store = state.store
    engine.check_room()
    async with store.receive(request) as form:
        if form.file is None:
            raise ApiError(400, "the form needs a field 'file' with a recording", param="file")
        try:
            transcript = await engine.transcribe(form.file)
        except AudioError as error:
            raise ApiError(400, str(error), code="invalid_audio", param="file") from error
    return JSONResponse({"text": transcript.text})
