"""Counts in messages: a number and its noun, in the singular or the plural."""


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, which takes the plural unless the number is 1.

    >>> counted(1, "speaker"), counted(0, "speaker")
    ('1 speaker', '0 speakers')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
