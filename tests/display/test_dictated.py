"""No mark stands inside a spelled name or a list of digits."""

import pytest

from asr.display.dictated import without_inner_marks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sixty two p. i n, e l a n e.", "sixty two p i n e l a n e."),
        ("rubout. q? x – j v.", "rubout. q x j v."),
        ("four one two. Five five five, oh one.", "four one two five five five oh one."),
        ("g m. Three nine", "g m three nine"),
        ("plan b. I go", "plan b. I go"),
        ("a. b", "a. b"),
        ("he has two. Three came", "he has two. Three came"),
        ("é. é. é.", "é. é. é."),
        ("x. y. z. Then he went.", "x y z. Then he went."),
        ("", ""),
    ],
)
def test_inner_marks(text, expected):
    parts = text.replace(" –", "–").split()
    words = [part.rstrip(".,?–").lower() for part in parts]
    marks = [part[len(part.rstrip(".,?–")) :] for part in parts]
    cases = ["capital" if part[0].isupper() else "lower" for part in parts]
    marks, cases = without_inner_marks(words, marks, cases)
    forms = [
        word.capitalize() if case == "capital" else word
        for word, case in zip(words, cases, strict=True)
    ]
    assert " ".join(form + mark for form, mark in zip(forms, marks, strict=True)) == expected
