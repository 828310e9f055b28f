"""The page at ``/``: a microphone with live captions, and transcripts of files.

Its parts stand in ``page``; elements, theme and base styles are those of the evaluation report. The
page loads nothing but what this module gives, and has no inline script or style, which the policy
of :mod:`asr.serving.security` forbids. Its scripts are joined to one, as those of the report are.
"""

import re
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asr.files import to_json
from asr.model.directory import CARD, ModelInfo, default_model
from asr.model.domain import Domain
from asr.report.page import common_script, common_style
from asr.serving.settings import Settings

SCRIPTS = (
    "server",
    "words",
    "formats",
    "sound",
    "microphone",
    "captions",
    "recorder",
    "transcript",
    "files",
    "main",
)
"""The scripts of the page, which are joined in this order after those of the report."""


async def page(_: Request) -> Response:
    """Return the page."""
    return _file(_part("index.html"), "text/html")


async def style(_: Request) -> Response:
    """Return the styles of the page."""
    return _file(common_style() + _part("page.css"), "text/css")


async def script(_: Request) -> Response:
    """Return the script of the page."""
    parts = "".join(_part(f"{name}.js") for name in SCRIPTS)
    return _file(common_script() + parts, "text/javascript")


async def worklet(_: Request) -> Response:
    """Return the script that takes samples from the microphone, in a thread of its own."""
    return _file(_part("worklet.js"), "text/javascript")


async def about(request: Request) -> Response:
    """Tell the page about the model and the server.

    The answer holds the ``model``'s name, its ``hash`` and sample ``rate`` (Hz), a sentence about
    its ``limits``, the ``settings`` of the decoder as ``asr transcribe`` writes them into JSON, the
    ``largest`` upload (bytes), and whether the server asks for a ``key``.
    """
    settings: Settings = request.app.state.settings
    transcriber = await request.app.state.engine.loaded()
    folder = settings.model or default_model()
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    return JSONResponse(
        {
            "model": request.app.state.models.name,
            "hash": transcriber.model.hash,
            "rate": transcriber.model.sample_rate,
            "limits": limits(text, transcriber.domain, transcriber.model),
            "settings": to_json({"decoder": transcriber.decoder, **settings.search}),
            "largest": settings.max_upload,
            "key": bool(settings.keys),
        }
    )


def limits(card: str, domain: Domain | None, model: ModelInfo) -> str:
    """Return one line on what the model is for and what it cannot do.

    It is what the model card says under "For" and "Not for"; else what the training domain tells,
    or the symbols of the vocabulary.

    >>> from asr.model.directory import read_model
    >>> model = read_model(default_model())
    >>> limits("- **For** digits: 0 to 9.\\n- **Not for** other words. Really.", None, model)
    'This model is for digits. It is not for other words.'
    >>> print(limits("", None, model))
    This model writes with the symbols a to z and ', and with no others.
    """
    purpose, misuse = _entry(card, "For"), _entry(card, "Not for")
    if misuse:
        sentence = re.split(r"(?<=[.;])\s", misuse)[0].rstrip(".;")
        intended = re.split(r"\s\(|:\s|\.(?:\s|$)", purpose)[0]
        first = f"This model is for {intended}. " if intended else "This model "
        return f"{first}{'It is' if intended else 'is'} not for {sentence}."
    if domain is not None:
        kind = "words" if model.vocabulary.spaced else "symbols"
        return (
            f"This model was trained on texts with {len(domain.words):,} different {kind}. Other "
            f"{kind}, languages and accents give more errors, however sure it seems."
        )
    return f"This model writes with the symbols {_symbols(model)}, and with no others."


def _entry(card: str, name: str) -> str:
    """Return the text of an entry such as ``- **For** …`` of a card, on one line."""
    found = re.search(rf"^- \*\*{name}\*\*\s+(.*?)(?=^\S|\Z)", card, re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def _symbols(model: ModelInfo) -> str:
    """Return the characters of the vocabulary, with runs of letters shortened."""
    tokens = [token for token in model.vocabulary.tokens if not re.fullmatch("<.+>", token)]
    letters = sorted({letter for token in tokens for letter in token})
    shown = [letter for letter in letters if not letter.isspace() and letter != "▁"]
    runs: list[list[str]] = []
    for letter in shown:
        if runs and ord(letter) == ord(runs[-1][-1]) + 1:
            runs[-1].append(letter)
        else:
            runs.append([letter])
    runs.sort(key=len, reverse=True)
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else " ".join(run) for run in runs]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


@cache
def _part(name: str) -> str:
    return resources.files("asr.serving").joinpath("page", name).read_text(encoding="utf-8")


def _file(text: str, kind: str) -> Response:
    """Return a file of the page; the browser asks for it anew each time, as the server may have
    been updated."""
    return Response(text, media_type=kind, headers={"Cache-Control": "no-cache"})


ROUTES = [
    Route("/", page),
    Route("/page/page.css", style),
    Route("/page/page.js", script),
    Route("/page/worklet.js", worklet),
    Route("/page/about", about),
]
