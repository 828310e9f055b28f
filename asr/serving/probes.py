"""Probes: whether the server is ready, and what it measures."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asr.serving.metrics import CONTENT_TYPE


async def health(request: Request) -> Response:
    """Answer 200 if the model is loaded and requests are taken, else 503."""
    engine = request.app.state.engine
    if engine.is_ready:
        return JSONResponse({"status": "ok"})
    status = "stopping" if engine.is_stopping else "loading"
    return JSONResponse({"status": status}, 503, {"Retry-After": "1"})


async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)


ROUTES = [
    Route("/health", health),
    Route("/metrics", metrics),
]
