"""Errors that clients get, in the form of OpenAI's interface."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response


class ApiError(Exception):
    """An error with its status code and the fields of OpenAI's error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The body of the response."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        """Return the response that tells a client of it."""
        return JSONResponse(self.body, self.status, self.headers)


def busy(reason: str, seconds: int = 5) -> ApiError:
    """Return the error of a server that has no room now, but may have in ``seconds``."""
    return ApiError(503, reason, code="server_busy", headers={"Retry-After": str(seconds)})
