"""The names that clients may call the one model by, and its language."""

import re
from dataclasses import dataclass
from typing import Any

from asr.model.directory import default_model
from asr.serving.errors import ApiError
from asr.serving.settings import Settings

ALIASES = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe")
"""Names that clients of OpenAI send, often without a way to choose another one."""
DEFAULT_LANGUAGE = "en"
"""The language of the model in the package."""
_THREE_LETTERS = {"eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es"}
_NAMES = {"english": "en", "german": "de", "french": "fr", "spanish": "es"}


@dataclass(frozen=True)
class Models:
    """The model under its ``name`` and :data:`ALIASES`; ``spoken`` is the code of its language,
    None if that is not known."""

    name: str
    spoken: str | None
    created: int

    def all(self) -> list[dict[str, Any]]:
        """Return the model under each of its names."""
        return [self.one(name) for name in dict.fromkeys((self.name, *ALIASES))]

    def one(self, name: str) -> dict[str, Any]:
        """Return the model under the name that a client uses.

        Raises:
            ApiError: it is no name of the model.
        """
        if name not in (self.name, *ALIASES):
            raise ApiError(
                404,
                f"the model {name[:100]!r} does not exist; this server has {self.name}, also "
                f"called {', '.join(ALIASES)}",
                code="model_not_found",
                param="model",
            )
        return {"id": name, "object": "model", "created": self.created, "owned_by": "asr"}

    def language(self, wanted: str) -> str:
        """Return the code of the language of a transcript, for which a client ``wanted`` one.

        Raises:
            ApiError: the model does not recognise that language: its text would be worthless.
        """
        code = language_code(wanted)
        if code and self.spoken and code != self.spoken:
            raise ApiError(
                400,
                f"the model {self.name} recognises {self.spoken}, not {wanted[:20]!r}",
                code="unsupported_language",
                param="language",
            )
        return self.spoken or code


def language_code(language: str) -> str:
    """Return the code of a language that is given by a code, with or without a country, or a name.

    >>> language_code("de-AT"), language_code("eng"), language_code("French"), language_code("")
    ('de', 'en', 'fr', '')
    """
    code = re.split("[-_]", language.strip().lower())[0]
    return _NAMES.get(code, _THREE_LETTERS.get(code, code))


def name_models(settings: Settings, now: float) -> Models:
    """Return the names of the model of a server: that of its folder; its own one in the package."""
    folder = settings.model
    language = language_code(settings.language or "") or None
    if folder is None or folder.resolve() == default_model().resolve():
        return Models("default", language or DEFAULT_LANGUAGE, int(now))
    return Models(folder.resolve().name, language, int(now))
