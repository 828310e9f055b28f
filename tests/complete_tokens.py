"""What holds for the tokens of any words."""

from asr.display.readings import readings


def assert_complete(words, marks, tokens):
    """Assert that the spans of tokens are all words once, and that each says its words."""
    assert_spans(len(words), tokens)
    for token in tokens:
        said = " ".join(words[token.first : token.last])
        forms = without_mark(token.text, marks[token.last - 1])
        same = token.last == token.first + 1 and any(
            form.casefold() == said.casefold() for form in forms
        )
        assert same or any(said in readings(form) for form in forms), (token, said)
        assert all(mark in ("", ",") for mark in marks[token.first : token.last - 1])


def assert_spans(count, tokens):
    """Assert that the spans of tokens are ``count`` words, each once and in order."""
    places = [place for token in tokens for place in range(token.first, token.last)]
    assert places == [*range(count)]
    assert all(token.first < token.last for token in tokens)


def without_mark(text, mark):
    """Return a token without its mark; a full stop may be one of an abbreviation's own."""
    if mark == "–":
        return [text.removesuffix(" –")]
    if mark == ".":
        return [text, text.removesuffix(".")]
    return [text.removesuffix(mark)]
