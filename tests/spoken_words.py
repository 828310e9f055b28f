"""Words with times, in the form in which recognition gives them."""

from hypothesis import strategies as st

from asr.recognition.words import Word


def spoken(*gaps_and_lengths):
    """Return words a, b, c, … made from the pauses before them and their lengths, both in ms."""
    words, time = [], 0
    for index, (gap, length) in enumerate(gaps_and_lengths):
        start = time + gap
        time = start + length
        words.append(Word(chr(ord("a") + index % 26), start / 1000, time / 1000, 0.9))
    return words


@st.composite
def recordings(draw):
    """Draw words in order, some of them without length, some that touch."""
    gap = st.sampled_from([0, 1, 40, 300, 500, 799, 800, 801, 2000])
    length = st.sampled_from([0, 1, 80, 500, 2000, 16000])
    return spoken(*draw(st.lists(st.tuples(gap, length), max_size=40)))
