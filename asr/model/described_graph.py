"""Graphs in ONNX Runtime, and those whose files say what they are: taggers, language models."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from asr.errors import DataError
from asr.files import parse_json


def load_graph(
    source: str | bytes, weights: Mapping[str, Any] | None = None, arena: bool = True
) -> Any:
    """Return an ``onnxruntime.InferenceSession`` that computes with one thread.

    Args:
        source: the path of the graph's file, or its contents.
        weights: values that the graph lacks (``onnxruntime.OrtValue``), by their names.
        arena: keep memory from one run to the next.

    Raises:
        Exception: ONNX Runtime cannot load it; its exceptions share no public base class.
    """
    import onnxruntime  # loads of a model are begun before it is imported

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False  # it helps only inputs of one shape, and takes memory
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 3
    if weights:
        options.add_external_initializers(list(weights), list(weights.values()))
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class DescribedGraph:
    """A file of ONNX whose metadata say, as JSON, what the graph is.

    ``source`` is the path of the file, or its contents, which are loaded when they are first
    needed; error messages call it ``name``, and what it should be ``what``. The description stands
    under ``key`` and holds ``fields`` and ``schema_version``, which has to be ``version``.
    ``arena`` is that of :func:`load_graph`.
    """

    def __init__(
        self,
        source: str | bytes,
        name: str,
        what: str,
        key: str,
        version: int,
        fields: Sequence[str],
        arena: bool = True,
    ) -> None:
        self.name = name
        self._source, self._what, self._arena = source, what, arena
        self._key, self._version, self._fields = key, version, fields

    @cached_property
    def session(self) -> Any:
        """The session that computes the graph.

        Raises:
            DataError: the file cannot be read, or ONNX Runtime cannot load it.
        """
        try:
            if isinstance(self._source, str):
                open(self._source, "rb").close()  # whose error says more than ONNX Runtime's
            return load_graph(self._source, arena=self._arena)
        except OSError as error:
            raise DataError(f"cannot read {self.name}: {error.strerror}") from error
        except Exception as error:
            raise self._fault(error) from error

    @cached_property
    def description(self) -> dict[str, Any]:
        """The description in the metadata.

        Raises:
            DataError: there is none, it lacks a field, or its schema is of another version.
        """
        metadata = self.session.get_modelmeta().custom_metadata_map
        try:
            values: dict[str, Any] = parse_json(metadata[self._key])
            version, *_ = (values[name] for name in ("schema_version", *self._fields))
        except (DataError, KeyError, TypeError, ValueError) as error:
            raise self._fault(error) from error
        if version != self._version:
            raise DataError(
                f"{self.name}: schema_version is {version!r}, this version of asr reads "
                f"{self._version}"
            )
        return values

    def _fault(self, error: Exception) -> DataError:
        reason = str(error).partition("\n")[0]
        return DataError(f"{self.name}: not {self._what} ({reason})")
