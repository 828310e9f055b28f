"""Files and folders are written as a whole or not at all; digests are those of their content."""

import hashlib
import os
import signal

import pytest

from asr.errors import OutputError
from asr.files import sha256, write_atomically, write_folder


@pytest.mark.parametrize("content", [b"", b"a", bytes(range(256)) * 5000])
def test_sha256(tmp_path, content):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    assert sha256(path) == hashlib.sha256(content).hexdigest()


def test_write_and_replace(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_atomically(path, "one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt: No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_atomically(tmp_path / "a" / "b.txt", "x")


def tree(folder):
    """Return the contents of all files below a folder by their relative paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    write_folder(tmp_path / "a" / "model", {"x": b"1", "deep/y": b"2"})
    write_folder(tmp_path / "a" / "model", {"x": b"3"})
    assert tree(tmp_path) == {"a/model/x": b"3"}


def test_a_folder_is_whole_whenever_the_writer_is_killed(tmp_path):
    """The folder is whole if the writer is killed before any of its changes of names or folders.

    It is killed before each of them in turn, until nothing is left to kill.
    """
    folder = tmp_path / "model"
    old, new = {"x": b"old", "y": b"old"}, {"x": b"new", "z": b"new"}
    write_folder(folder, old)
    outcomes = []
    for count in range(1, 99):
        child = os.fork()
        if not child:
            left = count

            def die_first(function):
                def replaced(*arguments, **options):
                    nonlocal left
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*arguments, **options)

                return replaced

            for name in ("rename", "replace", "mkdir", "unlink", "rmdir", "fsync"):
                setattr(os, name, die_first(getattr(os, name)))
            write_folder(folder, new)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        whole = folder if folder.exists() else tmp_path / ".model.old"
        assert tree(whole) in (old, new)
        outcomes.append((status, folder.exists(), tree(whole) == new))
        if status == 0:
            break
        write_folder(folder, old)  # this mends whatever was left
        assert tree(tmp_path) == {"model/x": b"old", "model/y": b"old"}
    assert outcomes[0] == (-signal.SIGKILL, True, False) and outcomes[-1] == (0, True, True)
    assert len(outcomes) > 8
    assert sum(not named for _, named, _ in outcomes) == 1  # the kill between the two renames


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_folder(tmp_path / "file" / "model", {"x": b"1"})
