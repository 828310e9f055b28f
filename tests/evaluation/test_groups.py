"""Groups of utterances by their fields, by hand."""

from asr.evaluation.groups import group_fields
from asr.evaluation.scoring import ErrorCounts


def test_groups_by_hand():
    """Groups and their counts are those that were computed by hand."""
    rows = [
        ("ann", 0.5, 12.0, {"room": "hall", "take": 1}),
        ("bob", 2.0, 31.0, {"room": "lab", "take": 2}),
        ("ann", 3.9, None, {"room": "hall"}),
        ("bob", 40.0, 70.0, {"speaker": "a field of the same name"}),
    ]
    utterances = [
        {"speaker": speaker, "duration": duration, "noise": noise, "fields": fields}
        for speaker, duration, noise, fields in rows
    ]
    counts = [ErrorCounts(hits, 1) for hits in (1, 2, 3, 4)]
    found = group_fields(utterances, counts)
    short = {
        name: [(item.value, item.utterances, item.counts) for item in groups]
        for name, groups in found.items()
    }
    assert short == {
        "speaker": [("ann", 2, ErrorCounts(4, 2)), ("bob", 2, ErrorCounts(6, 2))],
        "duration": [
            ("below 1 s", 1, counts[0]),
            ("2 to 4 s", 2, ErrorCounts(5, 2)),
            ("30 s and more", 1, counts[3]),
        ],
        "noise": [
            ("10 to 20 dB", 1, counts[0]),
            ("30 to 40 dB", 1, counts[1]),
            ("50 dB and more", 1, counts[3]),
        ],
        "room": [("hall", 2, ErrorCounts(4, 2)), ("lab", 1, counts[1])],
        "take": [("1", 1, counts[0]), ("2", 1, counts[1])],
    }
    assert [group.interval for group in found["room"]] == [None, None]


def test_a_group_of_four_has_an_interval():
    utterances = [{"fields": {"room": room}} for room in ["hall", "lab"] * 3 + ["hall"]]
    counts = [ErrorCounts(hits, 1) for hits in range(7, 14)]
    hall, lab = group_fields(utterances, counts)["room"]
    assert (hall.utterances, lab.utterances) == (4, 3)
    assert lab.interval is None and hall.interval.over == "utterances"
    assert hall.interval.low < hall.counts.rate < hall.interval.high


def test_fields_that_name_utterances_are_left_out():
    utterances = [{"fields": {"file": str(i), "same": "x"}} for i in range(60)]
    assert group_fields(utterances, [ErrorCounts(1)] * 60) == {}
