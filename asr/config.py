"""Configuration: frozen dataclasses whose fields state what they allow, strict TOML, overrides.

A section of the configuration is a subclass of :class:`Section`; each of its fields is an
:func:`option`. Values are checked once, when a section is made. The sections themselves stand
where they are used: :mod:`asr.model.config` (features and encoder), :mod:`asr.decoding.config`,
:mod:`asr.training.config` and :mod:`asr.training.lm.config`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, get_origin, get_type_hints

from asr.errors import ConfigError, DataError
from asr.files import check_text, decode_text

T = TypeVar("T")
RULE, HELP = "rule", "help"
"""Keys of a field's metadata."""


def require(condition: bool, message: str) -> None:
    """Raise a ConfigError with ``message`` unless the condition holds."""
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True)
class Rule:
    """The values that an option allows; for a list, those that each of its items may have."""

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()
    interval: bool = False

    def allows(self, value: Any) -> bool:
        """Tell whether ``value`` is allowed."""
        if isinstance(value, tuple | list):
            if self.interval and not (len(value) == 2 and value[0] <= value[1]):
                return False
            return len(value) > 0 and all(map(self._allows_one, value))
        return self._allows_one(value)

    def _allows_one(self, value: Any) -> bool:
        return (
            (not self.choices or value in self.choices)
            and (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def needs(self, many: bool) -> str:
        """Return the rule in words, for a list if ``many``.

        >>> Rule(at_least=0, below=1).needs(many=False)
        '0 <= x < 1'
        >>> Rule(choices=("white", "pink")).needs(many=True)
        "some of ('white', 'pink')"
        """
        if self.choices:
            return f"{'some' if many else 'one'} of {self.choices}"
        low = self.above if self.at_least is None else self.at_least
        high = self.below if self.at_most is None else self.at_most
        if self.interval:
            return f"[lowest, highest] between {low:g} and {high:g}"
        more = ">" if self.at_least is None else ">="
        less = "<" if self.at_most is None else "<="
        if high is None:
            text = f"{more} {low:g}"
        elif low is None:
            text = f"{less} {high:g}"
        else:
            text = f"{low:g} {more.replace('>', '<')} x {less} {high:g}"
        return f"one number or more, each {text}" if many else text


def option(
    default: Any,
    help: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    choices: Sequence[str] = (),
    interval: bool = False,
) -> Any:
    """Declare a field of a :class:`Section`: its default, what it means in one line, its range.

    The bounds and ``choices`` hold for every item of a list; an ``interval`` is a list of its
    lowest and its highest value.
    """
    rule = Rule(above, at_least, below, at_most, tuple(choices), interval)
    return field(default=default, metadata={HELP: help, RULE: None if rule == Rule() else rule})


class Section:
    """A section of the configuration, whose :func:`option` fields are checked when it is made.

    >>> @dataclass(frozen=True)
    ... class Network(Section, name="network"):
    ...     layers: int = option(3, "recurrent layers", above=0)
    >>> Network(layers=0)
    Traceback (most recent call last):
    asr.errors.ConfigError: network.layers is 0, needs > 0 (recurrent layers)
    """

    section: ClassVar[str] = ""
    retired: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init_subclass__(
        cls, name: str | None = None, retired: Mapping[str, Any] | None = None
    ) -> None:
        """Name the section, and the options that it had once, each with the value that is still
        what happens: files that give that value are read as if they did not name the option."""
        super().__init_subclass__()
        if name is not None:
            cls.section = name
        if retired is not None:
            cls.retired = retired

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value, rule = getattr(self, item.name), item.metadata.get(RULE)
            if rule is not None and not rule.allows(value):
                many = isinstance(value, tuple)
                raise ConfigError(
                    f"{self.key(item.name)} is {list(value) if many else repr(value)}, "
                    f"needs {rule.needs(many)} ({item.metadata[HELP]})"
                )

    @classmethod
    def key(cls, name: str) -> str:
        """Return the name of an option as ``--set`` takes it, ``section.name``."""
        return f"{cls.section}.{name}" if cls.section else name


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Build the dataclass ``cls`` from nested mappings.

    Raises:
        ConfigError: an unknown key, a wrong type or a value out of range; the message names
            the key and lists the known ones.
    """
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    retired = cls.retired if issubclass(cls, Section) else {}
    arguments = {}
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key in retired:
            require(
                value == retired[key],
                f"{name} is {value!r}, which is no longer supported; it is always "
                f"{retired[key]!r}: take the option out",
            )
            continue
        if key not in known:
            raise ConfigError(f"unknown key {name}; known here: {', '.join(known)}")
        arguments[key] = _convert(hints[key], value, name)
    return cls(**arguments)


def _convert(kind: Any, value: Any, name: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name} is a section, got {value!r}")
        return from_mapping(kind, value, name)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ConfigError(f"{name} needs a list, got {value!r}")
        return tuple(_convert(kind.__args__[0], item, name) for item in value)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise ConfigError(f"{name} is a number of {len(hex(value)) * 4} bits, needs one of 64")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{name} needs {kind.__name__}, got {value!r}")
    return value


def to_mapping(config: Any) -> dict[str, Any]:
    """Return plain dictionaries, lists and scalars: the inverse of :func:`from_mapping`."""
    plain: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            plain[item.name] = to_mapping(value)
        else:
            plain[item.name] = list(value) if isinstance(value, tuple) else value
    return plain


def read_values(path: str | Path | None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a TOML file, if one is given, and apply ``section.key=value`` overrides.

    The values of overrides are TOML; one that is not TOML is taken as a string.

    >>> read_values(None, ["encoder.cell=lstm", "encoder.layers=2"])
    {'encoder': {'cell': 'lstm', 'layers': 2}}

    Raises:
        ConfigError: the file is missing or not TOML, or an override has no key.
    """
    import tomllib  # recognition starts without it

    try:
        values = tomllib.loads(_read(path)) if path else {}
    except DataError as error:
        raise ConfigError(str(error)) from error
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for override in overrides:
        _apply(values, override)
    return values


def _read(path: str | Path) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    return decode_text(data, path, "configuration")


def _apply(values: dict[str, Any], override: str) -> None:
    import tomllib  # recognition starts without it

    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override!r}: needs section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text
    try:
        check_text(override)
    except DataError as error:
        raise ConfigError(f"--set {error}") from error
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {override!r}: {section} is not a section")
    values[last] = value
