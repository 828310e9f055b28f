"""From audio to transcripts: windows, segments, words with times and confidences, formats."""
