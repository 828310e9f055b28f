"""The readable form of a transcript: punctuation, capitals, numbers.

Recognition gives words in lower case. Here a tagger says which mark follows each word and how it is
written (:mod:`asr.display.tagger`), rules write numbers, dates, times and the like in figures
(:mod:`asr.display.inverse`), and both together make tokens, each of which stands for a span of the
recognised words (:mod:`asr.display.tokens`).
"""
