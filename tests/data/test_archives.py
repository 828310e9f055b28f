"""Archives of corpora: their download, which may be continued, and their unpacking."""

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from asr.data.archives import download, have_unpacked, unpack
from asr.errors import DataError

DATA = bytes(range(256)) * 40


@pytest.fixture
def serve():
    """A function that serves ``DATA``; it returns the URL and the ranges that are asked for."""
    servers = []

    def serve(ranges=True, cut=None):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers["Range"]
                asked.append(wanted)
                first = int(wanted[6:-1]) if wanted and ranges else 0
                self.send_response(206 if first else 200)
                self.send_header("Content-Length", str(len(DATA) - first))
                self.end_headers()
                self.wfile.write(DATA[first:cut])

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/a.tar.gz", asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_download(serve, tmp_path):
    """A download writes the archive alone, and is not repeated."""
    url, asked = serve()
    archive = download(url, tmp_path / "new" / "a.tar.gz")
    assert archive.read_bytes() == DATA
    assert download(url, archive) == archive and asked == [None]
    assert [path.name for path in archive.parent.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on(ranges, serve, tmp_path):
    """A download that ended early goes on where it stopped, if the server can."""
    url, _ = serve(cut=3000)
    with pytest.raises(DataError, match=r"ended early.*put it to .*/a\.tar\.gz"):
        download(url, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()
    url, asked = serve(ranges)
    assert download(url, tmp_path / "a.tar.gz").read_bytes() == DATA
    assert asked == ["bytes=3000-"]


def test_no_server(tmp_path):
    """A server that does not answer is an error."""
    with pytest.raises(DataError, match="cannot download"):
        download("http://127.0.0.1:1/a.tar.gz", tmp_path / "a.tar.gz")


def test_unpack(tmp_path):
    """An archive is unpacked if its digest is right and it is whole."""
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("corpus/a.txt")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"yes"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    unpack(archive, tmp_path / "out", digest)
    assert (tmp_path / "out" / "corpus" / "a.txt").read_text() == "yes"
    with pytest.raises(DataError, match=f"SHA-256 is {digest}, the official archive has 0"):
        unpack(archive, tmp_path / "out", "0")
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")
    with pytest.raises(DataError, match="no such archive"):
        unpack(tmp_path / "none", tmp_path)


def make_archive(path, text):
    """Write an archive of one file with this text and return its SHA-256."""
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("corpus/a.txt")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_is_unpacked_once(tmp_path):
    archive, folder = tmp_path / "a.tar.gz", tmp_path / "out"
    digest = make_archive(archive, b"yes")
    have_unpacked(archive, folder, digest)
    (folder / "corpus" / "a.txt").write_text("read")
    archive.unlink()
    have_unpacked(archive, folder, digest)
    assert (folder / "corpus" / "a.txt").read_text() == "read"
    with pytest.raises(DataError, match="no such archive"):
        have_unpacked(archive, folder, "of another archive")


def test_another_archive_of_the_same_name_is_unpacked(tmp_path):
    archive, folder = tmp_path / "a.tar.gz", tmp_path / "out"
    for text in (b"yes", b"or no"):
        make_archive(archive, text)
        have_unpacked(archive, folder)
        assert (folder / "corpus" / "a.txt").read_bytes() == text


def test_unpacking_that_was_stopped_is_done_again(tmp_path):
    archive, folder = tmp_path / "a.tar.gz", tmp_path / "out"
    make_archive(archive, b"yes")
    whole = archive.read_bytes()
    archive.write_bytes(whole[:60])
    with pytest.raises(DataError, match="cannot be unpacked"):
        have_unpacked(archive, folder)
    archive.write_bytes(whole)
    have_unpacked(archive, folder)
    assert (folder / "corpus" / "a.txt").read_text() == "yes"


def test_what_is_unpacked_is_not_fetched_again(serve, tmp_path, monkeypatch):
    make_archive(tmp_path / "a.tar.gz", b"yes")
    monkeypatch.setitem(globals(), "DATA", (tmp_path / "a.tar.gz").read_bytes())
    url, asked = serve()
    have_unpacked(url, tmp_path / "out")
    (tmp_path / "out" / "a.tar.gz").unlink()
    have_unpacked(url, tmp_path / "out")
    assert asked == [None] and (tmp_path / "out" / "corpus" / "a.txt").read_text() == "yes"
