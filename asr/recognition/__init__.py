"""Recognition: windows, words with times and confidences, segments, and the formats of
transcripts."""
