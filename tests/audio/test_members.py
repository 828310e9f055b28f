"""Members of tar files are read as files are, with and without an index."""

import io
import os
import tarfile

import numpy as np
import pytest
import soundfile
from conftest import noise

from asr.audio import members
from asr.audio.inputs import Piece
from asr.audio.members import INDEX, MAX_OPEN, open_member, read_ahead, write_index
from asr.audio.read import read_audio
from asr.errors import AudioError


@pytest.fixture
def tar(tmp_path):
    """A tar file of two recordings, in which a folder stands too."""
    path = tmp_path / "000.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(_folder("./x"))
        for seed, name in enumerate(("./a.flac", "x/b c.wav")):
            file = io.BytesIO()
            kind = name.rpartition(".")[2].upper()
            soundfile.write(file, noise(8000 + seed, seed), 16000, format=kind)
            member = tarfile.TarInfo(name)
            member.size = len(file.getvalue())
            archive.addfile(member, io.BytesIO(file.getvalue()))
    return path


def _folder(name):
    folder = tarfile.TarInfo(name)
    folder.type = tarfile.DIRTYPE
    return folder


@pytest.mark.parametrize("indexed", [False, True])
def test_members_are_read_as_files(tar, tmp_path, indexed):
    if indexed:
        write_index(tar)
        assert len((tmp_path / f"000.tar{INDEX}").read_text().splitlines()) == 3
    with tarfile.open(tar) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    for name in ("a.flac", "x/b c.wav"):
        there = read_audio(tmp_path / "out" / name, 8000).samples
        np.testing.assert_array_equal(read_audio(tar / name, 8000).samples, there)
        piece, of_file = (Piece(path, 0.1, 0.2) for path in (tar / name, tmp_path / "out" / name))
        np.testing.assert_array_equal(
            read_audio(piece, 16000).samples, read_audio(of_file, 16000).samples
        )
        assert open_member(tar / name).read() == (tmp_path / "out" / name).read_bytes()
    read_ahead(tar)


def test_what_is_not_there_is_named(tar, tmp_path):
    with pytest.raises(AudioError, match=r"000\.tar has no member none\.wav"):
        read_audio(tar / "none.wav", 16000)
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "none.tar" / "a.wav", 16000)
    (tmp_path / "bad.tar").write_bytes(b"no tar file")
    with pytest.raises(AudioError, match=r"bad\.tar is no tar file without compression"):
        read_audio(tmp_path / "bad.tar" / "a.wav", 16000)
    (tmp_path / "a.wav").write_bytes(b"x")
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "a.wav" / "b.wav", 16000)
    read_ahead(tmp_path / "none.tar")


def test_an_index_of_another_file_is_not_believed(tar, tmp_path):
    write_index(tar)
    index = tmp_path / f"000.tar{INDEX}"
    index.write_text("7\n0 5 a.flac\n")
    assert len(read_audio(tar / "a.flac", 16000).samples) == 8000


def test_few_tar_files_stay_open(tar, tmp_path):
    for number in range(MAX_OPEN + 9):
        os.link(tar, tmp_path / f"copy-{number}.tar")
        assert len(read_audio(tmp_path / f"copy-{number}.tar" / "a.flac", 16000).samples) == 8000
    assert len(members._TARS._open) == MAX_OPEN
