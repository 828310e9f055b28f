"""Files of uploads have no names, wherever they are."""

import errno
import os
import stat

import pytest
from servers import open_files

from asr.serving import uploads


@pytest.mark.parametrize("fallback", [False, True])
def test_unnamed_file(tmp_path, monkeypatch, fallback):
    """The kernel removes it when it is closed; some file systems need a moment with a name."""
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    if fallback:
        monkeypatch.setattr(uploads.os, "O_TMPFILE", 0)
    with uploads.unnamed_file() as file:
        file.write(b"voice")
        assert not list(tmp_path.iterdir())
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert any(name.startswith(str(tmp_path)) for name in open_files(os.getpid()))
        file.seek(0)
        assert file.read() == b"voice"
    assert not any(name.startswith(str(tmp_path)) for name in open_files(os.getpid()))


def test_no_room(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads.os, "open", full)
    with pytest.raises(OSError, match="No space left"):
        uploads.unnamed_file()
