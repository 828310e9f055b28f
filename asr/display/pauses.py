"""The classes of pauses by which the tagger knows them."""

from bisect import bisect_right

UNKNOWN = 0
"""The class of a pause that is not known."""

BOUNDS = (0.1, 0.2, 0.35, 0.6, 1.0, 2.0)
"""The seconds at which the classes 2, 3, … begin; class 1 is a shorter pause, or none."""

CLASSES = len(BOUNDS) + 2


def pause_class(seconds: float | None) -> int:
    """Return the class of a pause.

    >>> [pause_class(seconds) for seconds in (None, 0.0, 0.1, 5.0)]
    [0, 1, 2, 7]
    """
    return UNKNOWN if seconds is None else 1 + bisect_right(BOUNDS, seconds)
