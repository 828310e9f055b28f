"""What a pass has made is kept for the next one, if there is room for it."""

import errno
import os

import numpy as np
import pytest

from asr.recognition import passes as module
from asr.recognition.passes import Passes

VALUES = np.random.default_rng(0).normal(size=320_000).astype(np.float32)


class Maker:
    """Makes the values in blocks of uneven lengths, and counts how often it is asked to."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        begin = 0
        for size in (1, 70_000, 30_000, 4096, 100_000, 320_000):
            yield VALUES[begin : begin + size]
            begin += size


@pytest.fixture
def make():
    """A maker of the values."""
    return Maker()


@pytest.fixture
def no_files_left():
    """A check that every file that the test opens is closed."""
    before = len(os.listdir("/dev/fd"))
    yield
    assert len(os.listdir("/dev/fd")) == before


def check(blocks):
    """Assert that blocks, joined, are the values."""
    np.testing.assert_array_equal(np.concatenate([*blocks]), VALUES)


@pytest.mark.parametrize("in_memory", [0, 300_000, 4 * 160_000, 1 << 30])
def test_the_second_pass_gets_what_the_first_one_made(monkeypatch, make, no_files_left, in_memory):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", in_memory)
    passes = Passes(make)
    check(passes())
    check(passes())
    assert make.count == 1
    # Nothing is kept for a third pass.
    check(passes())
    assert make.count == 2


def test_a_pass_goes_on_where_another_has_ended(monkeypatch, make, no_files_left):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 500_000)
    passes = Passes(make)
    for count in (1, 3, 2, 4):
        begun = passes()
        for _ in range(count):
            next(begun)
        begun.close()
    check(passes())
    check(passes())
    assert make.count == 1


def no_room(count, error):
    """Return a class of temporary files that have room for ``count`` writes.

    The write that follows is cut short, or raises ``error`` if there is one.
    """

    class Full:
        def __init__(self):
            self.left = count

        def write(self, data):
            self.left -= 1
            if self.left < 0:
                if error:
                    raise error
                return len(data) // 2
            return len(data)

        def seek(self, offset):
            return offset

        def close(self):
            pass

    return Full


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("error", [None, OSError(errno.ENOSPC, "No space left on device")])
def test_no_room_for_temporary_files(monkeypatch, make, no_files_left, count, error):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(module, "_temporary_file", no_room(count, error))
    passes = Passes(make)
    for _ in range(3):
        check(passes())
    assert make.count == 3


def test_more_than_is_kept(monkeypatch, make, no_files_left):
    """Values that take more than the limits are made in each pass."""
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(module, "MAX_ON_DISK", 300_000)
    passes = Passes(make)
    for _ in range(2):
        check(passes())
    assert make.count == 2


def test_no_folder_for_temporary_files(monkeypatch, tmp_path, make):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 300_000)
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path / "none"))
    passes = Passes(make)
    for _ in range(2):
        check(passes())
    assert make.count == 2
