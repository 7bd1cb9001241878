"""Downloads from a server that drops connections, ignores ranges, or has another file; by two processes at once."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from otviz.cli.main import main
from otviz.data.datasets import cifar, download, mnist, named
from otviz.data.datasets.download import Pace, RemoteFile, fetch, present, tell
from otviz.data.datasets.download_job import DownloadDesk
from tests.waiting import PATIENCE

SIZE = 400_000
CONTENT = np.random.default_rng(0).bytes(SIZE)


class Server(ThreadingHTTPServer):
    """Serves files from memory.

    Attributes:
        files: content by path.
        asked: path and Range of each request.
        drop_after: bytes after which connections are closed, one number for each request; afterwards none is.
        ranges: whether it can continue.
        shift: added to the first byte that is sent when continuing.
        stop_at, go: where the first answer waits for `go`, if `stop_at` is set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/file": CONTENT}
        self.asked: list[tuple[str, str | None]] = []
        self.drop_after: list[int] = []
        self.ranges, self.shift, self.stop_at = True, 0, 0
        self.go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers GET with or without Range."""

    server: Server

    def do_GET(self) -> None:
        server, data, wanted = self.server, self.server.files.get(self.path), self.headers.get("Range")
        server.asked.append((self.path, wanted))
        if data is None:
            return self.send_error(404)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) + server.shift if wanted and server.ranges else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        end = server.drop_after.pop(0) if server.drop_after else len(data)
        if server.stop_at:
            self.wfile.write(data[first : server.stop_at])
            first, server.stop_at = server.stop_at, 0
            server.go.wait(30)
        self.wfile.write(data[first : first + end])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "urlopen", urllib.request.urlopen)
    with Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.go.set()
        made.shutdown()


def remote(server: Server, *paths: str) -> RemoteFile:
    urls = tuple(server.url + path for path in paths or ("/file",))
    return RemoteFile("it", SIZE, hashlib.sha256(CONTENT).hexdigest(), urls)


def got(file: RemoteFile, folder: Path) -> list[int]:
    return list(fetch([file], folder, lambda: (folder / "it").is_file(), lambda _: None))


def test_it_is_fetched_once_and_the_progress_ends_at_its_size(server: Server, tmp_path: Path) -> None:
    told = got(remote(server), tmp_path / "new")
    assert told == sorted(told)
    assert told[-1] == SIZE
    assert (tmp_path / "new" / "it").read_bytes() == CONTENT
    assert got(remote(server), tmp_path / "new") == []
    assert server.asked == [("/file", None)]


def test_a_lost_connection_is_continued_at_once(server: Server, tmp_path: Path) -> None:
    server.drop_after = [100_000, 150_000]
    got(remote(server), tmp_path)
    assert (tmp_path / "it").read_bytes() == CONTENT
    assert server.asked == [("/file", None), ("/file", "bytes=100000-"), ("/file", "bytes=250000-")]
    assert not (tmp_path / "it.part").exists()


def test_what_was_left_is_continued_later_also_from_another_address(server: Server, tmp_path: Path) -> None:
    coming = fetch([remote(server)], tmp_path, lambda: False, lambda _: None)
    while next(coming) < SIZE // 2:
        pass
    coming.close()  # cancelled
    kept = present([remote(server)], tmp_path)
    assert SIZE // 2 <= kept < SIZE
    server.files["/mirror"] = CONTENT
    told = got(remote(server, "/mirror"), tmp_path)
    assert told[0] > kept
    assert server.asked[-1] == ("/mirror", f"bytes={kept}-")
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "it.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    got(remote(server), tmp_path)
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_server_that_sends_another_part_is_not_believed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "it.part").write_bytes(CONTENT[:1000])
    server.shift = 10
    with pytest.raises(OSError, match=r"sent 'bytes 1010-399999/400000' when it was asked for what follows byte 1,000"):
        got(remote(server), tmp_path)
    assert (tmp_path / "it.part").read_bytes() == CONTENT[:1000]


def test_a_part_of_another_file_is_fetched_anew_once(server: Server, tmp_path: Path) -> None:
    """The file on the server was another one, of the same size, when the first part came."""
    (tmp_path / "it.part").write_bytes(bytes(1000))
    got(remote(server), tmp_path)
    assert server.asked == [("/file", "bytes=1000-"), ("/file", None)]
    assert (tmp_path / "it").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CONTENT[:-1] + b"?", r"/file is not the published file \(another SHA-256\), so it was deleted"),
        (CONTENT + b"?", "/file is not the published file: it has 400,001 bytes instead of 400,000"),
    ],
    ids=["hash", "size"],
)
@pytest.mark.parametrize("begun", [0, 1000])
def test_another_file_is_not_kept(server: Server, tmp_path: Path, content: bytes, words: str, begun: int) -> None:
    if begun:
        (tmp_path / "it.part").write_bytes(CONTENT[:begun])
    server.files["/file"] = content
    with pytest.raises(ValueError, match=words):
        got(remote(server), tmp_path)
    assert not (tmp_path / "it").exists()
    assert len(server.asked) <= 2


def test_the_next_address_is_asked_when_one_fails(server: Server, tmp_path: Path) -> None:
    server.files["/bad"] = b"?" * SIZE
    got(remote(server, "/none", "/bad", "/file"), tmp_path)
    assert [path for path, _ in server.asked] == ["/none", "/bad", "/file"]
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_server_that_always_drops_is_given_up(server: Server, tmp_path: Path) -> None:
    server.ranges, server.drop_after = False, [1000] * 50
    with pytest.raises(OSError, match="the connection was lost after 1,000 of 400,000 bytes, which are kept"):
        got(remote(server), tmp_path)
    assert len(server.asked) == 2


FETCHING = """
import json, sys
from pathlib import Path
from otviz.data.datasets.download import RemoteFile, fetch
url, sha256, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
file = RemoteFile("it", int(sys.argv[4]), sha256, (url,))
print(json.dumps(list(fetch([file], folder, (folder / "it").is_file, lambda _: None))))
"""


def test_of_two_processes_one_downloads_and_the_other_waits(server: Server, tmp_path: Path) -> None:
    server.stop_at, file = 100_000, remote(server)
    words = [sys.executable, "-c", FETCHING, file.urls[0], file.sha256, str(tmp_path), str(SIZE)]
    first = fetch([file], tmp_path, (tmp_path / "it").is_file, lambda _: None)
    assert next(first) > 0
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        try:
            other.wait(3)
        except subprocess.TimeoutExpired:
            server.go.set()
        list(first)
        told = json.loads(other.communicate(timeout=60)[0])
    assert server.asked == [("/file", None)]
    assert all(0 < done <= SIZE for done in told)
    assert told
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_set_is_downloaded_by_whoever_reads_it_first(
    server: Server,
    tiny_mnist: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _serve(server, mnist.Mnist, {path.name: path.read_bytes() for path in tiny_mnist.iterdir()}, monkeypatch)
    images = named("mnist")()
    assert images.to_download() == sum(len(data) for path, data in server.files.items() if path != "/file")
    assert named("mnist8")().to_download() == images.to_download()
    found: dict[str, int] = {}
    threads = [
        threading.Thread(target=lambda w=w: found.update({w: len(images.split(w).labels)})) for w in ("train", "test")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"train": 450, "test": 50}
    assert len(server.asked) == 4
    assert images.to_download() == 0
    assert "MNIST is downloaded, " in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "home" / "data" / "mnist").iterdir()) == sorted(
        path.name for path in tiny_mnist.iterdir()
    )


def test_the_command_line_downloads_a_set_once(
    server: Server, tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _serve(server, mnist.Mnist, {path.name: path.read_bytes() for path in tiny_mnist.iterdir()}, monkeypatch)
    assert main(["download", "mnist", "digits", "mnist8"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"{named(name).title} is on this computer" for name in ("mnist", "digits", "mnist8")
    ]
    assert said.err.count("is downloaded, ") == 1
    assert len(server.asked) == 4
    assert main(["download", "mnist9"]) == 2
    assert "data set to download must be one of " in capsys.readouterr().err
    monkeypatch.setattr(mnist.FashionMnist, "remote", (remote(server, "/none"),))
    assert main(["download", "fashion-mnist"]) == 2
    assert (
        "Fashion-MNIST is not on this computer and could not be downloaded (Not Found): put " in capsys.readouterr().err
    )


def test_cifar_is_unpacked_from_the_archive_of_its_authors(
    server: Server, tiny_cifar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tiny_cifar, "cifar-10-batches-bin")
        for name in ("../evil.bin", "cifar-10-batches-bin/readme.html"):
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"hello"))
    expected = {path.name: path.read_bytes() for path in tiny_cifar.iterdir()}
    _serve(server, cifar.Cifar10, {cifar.ARCHIVE.name: packed.getvalue()}, monkeypatch)
    assert len(named("cifar10")().split("train").labels) == 250
    kept = tmp_path / "home" / "data" / "cifar-10-batches-bin"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == expected


def _serve(
    server: Server, kind: type[mnist.Mnist | cifar.Cifar10], files: dict[str, bytes], patch: pytest.MonkeyPatch
) -> None:
    """Let a small set be downloaded from this server, and take away where it lies."""
    patch.setenv("OTVIZ_DATA", "")
    server.files |= {f"/{name}": data for name, data in files.items()}
    remotes = [
        RemoteFile(name, len(data), hashlib.sha256(data).hexdigest(), (f"{server.url}/{name}",))
        for name, data in files.items()
    ]
    patch.setattr(kind, "remote", tuple(remotes))


def test_a_download_in_a_thread_is_cancelled_and_continued(
    server: Server, tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(server, mnist.Mnist, {path.name: path.read_bytes() for path in tiny_mnist.iterdir()}, monkeypatch)
    images, desk, server.stop_at = named("mnist")(), DownloadDesk(), 4000
    desk.start(images)
    job = desk.jobs["mnist"]
    desk.start(images)  # it is in progress
    assert desk.jobs["mnist"] is job
    job.cancel()
    server.go.set()
    job.wait(PATIENCE)
    assert (job.over, job.error, images.is_at_hand()) == (True, "", False)
    assert 4000 <= images.downloaded() < images.to_download()
    desk.start(images)
    desk.jobs["mnist"].wait(PATIENCE)
    assert images.is_at_hand()
    assert desk.jobs["mnist"].pace.share == 1
    assert len(named("mnist")().split("train").labels) == 450


def test_the_progress_says_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("otviz.data.datasets.download.time.monotonic", lambda: now[0])
    pace = Pace(4_000_000, 10_000_000)
    assert pace.words == "4.0 of 10.0 MB"
    now[0], pace.done = 110.0, 6_000_000
    assert pace.words == "6.0 of 10.0 MB, about 20 s left"  # 2 MB in 10 s, 4 MB to come
    assert pace.share == 0.6


def test_a_terminal_has_one_line_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    tell("MNIST", iter([1_000_000, 2_000_000]), Pace(0, 2_000_000))
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().rstrip().endswith("MNIST: 2.0 of 2.0 MB")
