"""Settings that libraries under torch read when they are loaded; imports none of them."""

import os


def tune_libraries() -> None:
    """Set what suits training in the environment; what the user has set stays.

    Call it before anything imports torch.
    """
    # Idle threads spin for a moment and then sleep: beside other work on the machine, threads
    # that go on spinning starve the one they wait for.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Convolutions are prepared for one shape. Batches hardly ever have a shape twice: to keep a
    # thousand preparations, as oneDNN does, takes gigabytes and saves nothing.
    for capacity in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(capacity, "16")
