"""Help from the rest of the cluster: windows of long recordings, and second tries of recordings."""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from asr.bulk.shipping import Shipped
from asr.bulk.worker import START_SECONDS, Result, Worker, WorkerLost
from asr.model.directory import default_model
from asr.model.session import AcousticSession

FREE = 2
"""The processors of the cluster that must be free for windows to be computed elsewhere."""
LOOK_SECONDS = 2.0
"""The time for which is believed how many are free."""


class Helpers:
    """Has windows of long recordings computed by processors that nothing else keeps busy.

    A task waits until there is such a processor, and is taken back if its worker was faster.
    """

    def __init__(self, shipped: Shipped) -> None:
        import ray

        self._shipped = shipped
        self._task = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")(compute)
        self._looked, self._free = 0.0, False

    def __call__(
        self, header: dict[str, Any], payload: bytes, answer: Callable[[bytes], None]
    ) -> Callable[[], None]:
        """Ask for log-probs, as :data:`asr.bulk.worker.Help`."""
        import ray

        if not self._has_room():
            return lambda: None
        reference = self._task.remote(self._shipped, header["frames"], payload)

        def done(future: Any) -> None:
            answer(b"" if future.cancelled() or future.exception() else future.result())

        reference.future().add_done_callback(done)
        return lambda: ray.cancel(reference)

    def _has_room(self) -> bool:
        import ray

        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._free = ray.available_resources().get("CPU", 0) >= FREE
        return self._free


def compute(shipped: Shipped, frames: list[int], payload: bytes) -> bytes:
    """Return the log-probs of windows; ``payload`` holds their features, of so many ``frames``, as
    float32."""
    session = _session(shipped.here().model or default_model())
    mels = session.info.features.num_mels
    values = np.frombuffer(payload, np.float32).reshape(-1, mels)
    features = np.split(values, np.cumsum(frames)[:-1])
    return b"".join(rows.tobytes() for rows in session.log_probs_of_features(features))


@cache
def _session(model: Path) -> AcousticSession:
    return AcousticSession(model, threads=1)


def try_elsewhere(shipped: Shipped, row: dict[str, Any]) -> Result | str | None:
    """Recognise a recording on another machine, with a new worker.

    The result is the reason if the worker is lost, and None if there is no other machine that has
    the recording.
    """
    import ray

    here = ray.get_runtime_context().get_node_id()
    others = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]
    if not others or row["local"]:
        return None
    task = ray.remote(num_cpus=0, max_retries=0, label_selector={"ray.io/node-id": f"!{here}"})
    try:
        longest = START_SECONDS + shipped.options.limits.seconds
        found: Result | str = ray.get(task(try_once).remote(shipped, row), timeout=longest)
    except ray.exceptions.RayError:  # that machine was lost meanwhile, or has no time
        return None
    return found


def try_once(shipped: Shipped, row: dict[str, Any]) -> Result | str:
    """Recognise a recording with a new worker; return the reason if the worker is lost."""
    options = shipped.here()
    try:
        worker = Worker(options.of_worker(), options.limits.seconds)
    except WorkerLost as lost:
        return str(lost)
    try:
        ((_, result),) = worker.recognise([row])
    except WorkerLost as lost:
        return str(lost)
    finally:
        worker.close()
    return result
