"""``report.html``: an evaluation, or two side by side, as one file for a browser.

The payload goes in as JSON, packed with zlib and written in base64, and is unpacked by the page's
script; nothing in it is ever read as markup. Styles and scripts stand in ``assets``. The page
loads nothing but the recordings that lie beside it, and its policy forbids it.
"""

import base64
import hashlib
import html
import json
import math
import zlib
from importlib import resources
from string import Template
from typing import Any

SCRIPTS = (
    "dom",
    "data",
    "filters",
    "charts",
    "summary",
    "tables",
    "picture",
    "utterance",
    "browser",
    "main",
)
"""Joined in this order."""

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; "
    "media-src 'self' file: data: blob:; base-uri 'none'; form-action 'none'"
)
"""Content Security Policy, level 3, of the W3C: this script and this style and no others."""


def render(payload: dict[str, Any]) -> str:
    """The whole page.

    ``payload`` holds a ``title``, one or two ``systems`` (what ``results.json`` holds, without its
    utterances, and a ``name``), their ``comparison``, and the ``utterances``, each with one of
    ``outputs`` for each system; what is missing leaves its part of the page out. Numbers that are
    not finite, such as the rate of no words, count as missing.
    """
    style = _asset("report.css")
    script = "".join(_asset(f"{name}.js") for name in SCRIPTS)
    text = json.dumps(_finite(payload), separators=(",", ":"), allow_nan=False)
    return Template(_asset("report.html")).substitute(
        policy=POLICY.format(script=_source(script), style=_source(style)),
        title=html.escape(str(payload.get("title", "Evaluation"))),
        style=style,
        script=script,
        payload=base64.b64encode(zlib.compress(text.encode(), 9)).decode(),
    )


def _asset(name: str) -> str:
    return resources.files("asr.report").joinpath("assets", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """An inline script or style in a policy: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _finite(value: Any) -> Any:
    """JSON has no number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
