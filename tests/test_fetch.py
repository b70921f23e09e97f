from __future__ import annotations

import contextlib
import errno
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

from crampstudy.cli import app
from crampstudy.errors import OutputError, SourceError, UsageError
from crampstudy.sources import download, fetch, web_address
from crampstudy.sources.readers.nhanes import codes as nc

EXPECTED_D = (
    *("DEMO", "SLQ", "BMX", "BIOPRO", "VID", "B12", "GHB", "CRP", "CBC", "BPQ", "MCQ", "KIQ_U", "DIQ", "PAQ"),
    *("DR1TOT", "DPQ", "SMQ", "RHQ", "RXQ_RX"),
)


@dataclass
class Site:
    """A publisher on this machine; ``cut`` ends so many answers early, ``status`` fails so many requests."""

    files: dict[str, bytes]
    address: str = ""
    version: str = '"v1"'
    ranges: bool = True
    cut: int = 0
    status: int = 200
    fails: int = 0
    wrong_place: bool = False
    pieces: bool = False
    lengths: bool = True
    length: str | None = None
    elsewhere: str = ""
    stall: threading.Event | None = None
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)
    authorized: list[str | None] = field(default_factory=list)

    def sent(self, name: str) -> list[int]:
        return [n for path, _, n in self.asked if path.endswith(name)]


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.authorized.append(self.headers.get("Authorization"))
            if site.elsewhere and not self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", site.elsewhere + self.path)
                self.end_headers()
                return
            self.path = self.path.removeprefix("/moved").partition("?")[0]
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            if site.fails:
                site.fails -= 1
                self.send_error(site.status)
                return
            start = 0
            if wanted and site.ranges and self.headers.get("If-Range") == site.version:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start and start >= len(content):
                self.send_error(416)
                return
            body = content[start : start + 50_000 if start and site.pieces else None]
            self.send_response(206 if start else 200)
            if site.lengths:
                self.send_header("Content-Length", site.length or str(len(body)))
            if site.version:
                self.send_header("ETag", site.version)
            if start:
                place = 0 if site.wrong_place else start
                self.send_header("Content-Range", f"bytes {place}-{start + len(body) - 1}/{len(content)}")
            self.end_headers()
            if site.cut:
                site.cut -= 1
                body = body[: len(body) // 2]
            site.asked.append((self.path, wanted, len(body)))
            half = len(body) // 2
            self.wfile.write(body[:half])
            if site.stall:
                site.stall.wait(60)
            self.wfile.write(body[half:])

    return Handler


def _transport(rows: int = 12_000) -> bytes:
    """A transport file large enough to be cut in two."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.xpt"
        frame = pd.DataFrame({"SEQN": range(rows), "X": [i % 7 for i in range(rows)]}).astype(float)
        pyreadstat.write_xport(frame, str(path), table_name="X", file_format_version=5)
        return path.read_bytes()


TRANSPORT = _transport()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {}
    for cycle, year in (("D", "2005"), ("E", "2007")):
        for number, table in enumerate(fetch.tables(cycle)):
            # Each file its own content, so that no two can be mixed up.
            files[f"/{year}/DataFiles/{table}_{cycle}.xpt"] = TRANSPORT + b" " * 80 * number
    made = Site(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def get(site: Site, folder: Path, refresh: bool = False) -> tuple[fetch.Fetched, ...]:
    return fetch.nhanes(folder, ["D"], base_url=site.address, refresh=refresh, wait_s=0)


def test_the_tables_of_a_cycle_are_those_that_the_source_reads() -> None:
    assert fetch.tables("D") == EXPECTED_D
    assert set(EXPECTED_D) - set(fetch.tables("E")) == {"B12"}
    assert set(fetch.tables("E")) - set(EXPECTED_D) == {"THYROD"}


def test_the_publishers_address_is_that_of_the_first_year() -> None:
    assert [c.years[:4] for c in nc.CYCLES.values()] == ["2005", "2007"]
    assert fetch.PUBLISHER == "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"


def test_files_arrive_whole_with_their_digests_on_record(site: Site, tmp_path: Path) -> None:
    files = fetch.nhanes(tmp_path / "n", base_url=site.address, wait_s=0)
    assert len(files) == 38
    assert all(file.downloaded for file in files)
    record = json.loads((tmp_path / "n" / fetch.RECORD).read_text())["files"]
    for path, content in site.files.items():
        name = path.rpartition("/")[2]
        assert (tmp_path / "n" / name).read_bytes() == content
        assert record[name] == {
            "sha256": sha256(content).hexdigest(),
            "size_bytes": len(content),
            "address": site.address + path,
        }
    assert sorted(p.name for p in (tmp_path / "n").iterdir()) == sorted([*record, fetch.RECORD])


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    asked = len(site.asked)
    (tmp_path / "BMX_D.xpt").unlink()
    again = get(site, tmp_path)
    assert [file.path.name for file in again if file.downloaded] == ["BMX_D.xpt"]
    assert len(site.asked) == asked + 1


def test_a_cut_connection_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    site.cut = 2
    get(site, tmp_path)
    total = len(TRANSPORT)
    sent = site.sent("DEMO_D.xpt")
    assert len(sent) == 3
    assert total <= sum(sent) < total + 2 * download.CHUNK
    assert [wanted is None for path, wanted, _ in site.asked if path.endswith("DEMO_D.xpt")] == [True, False, False]
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT


def test_a_download_that_was_given_up_is_gone_on_with_by_the_next_call(site: Site, tmp_path: Path) -> None:
    site.cut = 3
    with pytest.raises(SourceError, match=r"broke off, in 3 attempts at DEMO_D\.xpt"):
        get(site, tmp_path)
    assert not (tmp_path / "DEMO_D.xpt").exists()
    half = (tmp_path / ".DEMO_D.xpt.part").stat().st_size
    assert 0 < half < len(TRANSPORT)
    site.asked.clear()
    get(site, tmp_path)
    assert site.asked[0][1:] == (f"bytes={half}-", len(TRANSPORT) - half)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT
    assert not list(tmp_path.glob(".*"))


def test_a_killed_download_leaves_no_half_file_and_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    site.stall = threading.Event()
    code = f"from pathlib import Path; from crampstudy.sources import fetch; fetch.nhanes(Path({str(tmp_path)!r}), "
    process = subprocess.Popen([sys.executable, "-c", f"{code}['D'], base_url={site.address!r})"])
    part = tmp_path / ".DEMO_D.xpt.part"
    try:
        end = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
        site.stall.set()
    held = part.stat().st_size
    assert 0 < held < len(TRANSPORT)
    assert not list(tmp_path.glob("*.xpt"))
    site.asked.clear()
    get(site, tmp_path)
    assert site.asked[0][1] == f"bytes={held}-"
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT


def test_a_server_that_gives_the_rest_in_pieces_is_asked_for_all_of_them(site: Site, tmp_path: Path) -> None:
    site.cut, site.pieces = 1, True
    with pytest.raises(SourceError, match="broke off"):
        get(site, tmp_path)
    for _ in range(3):
        if not (tmp_path / "DEMO_D.xpt").exists():
            with contextlib.suppress(SourceError):
                get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT


def test_a_new_version_that_is_shorter_than_what_was_held_replaces_it(site: Site, tmp_path: Path) -> None:
    site.cut = 3
    with pytest.raises(SourceError, match="broke off"):
        get(site, tmp_path)
    site.version = '"v2"'
    site.files["/2005/DataFiles/DEMO_D.xpt"] = TRANSPORT[:8000]
    get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT[:8000]


@pytest.mark.parametrize("how", ["no ranges", "another version", "no version", "another place"])
def test_a_server_that_cannot_go_on_sends_the_whole_file(site: Site, tmp_path: Path, how: str) -> None:
    site.version = "" if how == "no version" else site.version
    site.cut = 3
    with pytest.raises(SourceError, match="broke off"):
        get(site, tmp_path)
    site.ranges = how != "no ranges"
    site.version = '"v2"' if how == "another version" else site.version
    site.wrong_place = how == "another place"
    new = TRANSPORT.replace(b"SEQN", b"SEQM", 1)
    site.files["/2005/DataFiles/DEMO_D.xpt"] = new
    get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == new


def test_a_part_that_was_whole_already_is_not_trusted(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".DEMO_D.xpt.part").write_bytes(b"x" * len(TRANSPORT))
    (tmp_path / ".DEMO_D.xpt.part.version").write_text(site.version)
    get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT


def test_a_server_that_does_not_say_the_length_is_read_to_the_end(site: Site, tmp_path: Path) -> None:
    site.lengths = False
    get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == TRANSPORT


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(site: Site, tmp_path: Path, status: int) -> None:
    site.status, site.fails = status, 2
    get(site, tmp_path)
    site.fails = 3
    with pytest.raises(SourceError, match=f"answered with status {status} in 3 attempts"):
        get(site, tmp_path / "other")


def test_a_table_that_is_not_there_is_named_and_what_came_before_is_kept(site: Site, tmp_path: Path) -> None:
    del site.files["/2005/DataFiles/BMX_D.xpt"]
    with pytest.raises(SourceError, match=r"BMX_D\.xpt is not there: no table BMX of cycle D"):
        get(site, tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.xpt")) == ["DEMO_D.xpt", "SLQ_D.xpt"]


def test_a_refusal_is_not_tried_again(site: Site, tmp_path: Path) -> None:
    site.status, site.fails = 403, 2
    with pytest.raises(SourceError, match="refused with status 403"):
        get(site, tmp_path)
    assert site.fails == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>Page not found</html>", "a web page"),
        (b"PK\x03\x04", "something else"),
        (b"", "something"),
    ],
)
def test_something_else_than_a_transport_file_is_refused(site: Site, tmp_path: Path, content: bytes, what: str) -> None:
    site.files["/2005/DataFiles/DEMO_D.xpt"] = content
    with pytest.raises(SourceError, match=f"no transport file: the server sent {what}"):
        get(site, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_transport_file_of_a_broken_length_is_refused(site: Site, tmp_path: Path) -> None:
    site.files["/2005/DataFiles/DEMO_D.xpt"] = TRANSPORT[:-1]
    with pytest.raises(SourceError, match="no transport file"):
        get(site, tmp_path)


def test_a_changed_file_is_refused_until_refreshed(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    new = TRANSPORT.replace(b"SEQN", b"SEQM", 1)
    site.files["/2005/DataFiles/DEMO_D.xpt"] = new
    (tmp_path / "DEMO_D.xpt").unlink()
    with pytest.raises(SourceError, match=r"is not the file that .*digests\.json records .*--refresh"):
        get(site, tmp_path)
    assert not (tmp_path / "DEMO_D.xpt").exists()
    get(site, tmp_path, refresh=True)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == new
    record = json.loads((tmp_path / fetch.RECORD).read_text())["files"]
    assert record["DEMO_D.xpt"]["sha256"] == sha256(new).hexdigest()
    assert not any(file.downloaded for file in get(site, tmp_path))


def test_a_file_changed_on_disk_is_refused_until_refreshed(site: Site, tmp_path: Path) -> None:
    get(site, tmp_path)
    (tmp_path / "SLQ_D.xpt").write_bytes(TRANSPORT[:160])
    with pytest.raises(SourceError, match=r"SLQ_D\.xpt is not as it was fetched"):
        get(site, tmp_path)
    get(site, tmp_path, refresh=True)
    assert (tmp_path / "SLQ_D.xpt").read_bytes() == site.files["/2005/DataFiles/SLQ_D.xpt"]


def test_a_file_that_is_not_on_record_is_not_replaced(site: Site, tmp_path: Path) -> None:
    (tmp_path / "DEMO_D.xpt").write_bytes(b"mine")
    with pytest.raises(SourceError, match=r"digests\.json does not know it"):
        get(site, tmp_path)
    assert (tmp_path / "DEMO_D.xpt").read_bytes() == b"mine"


@pytest.mark.parametrize("content", ["", "[]", '{"files": {"DEMO_D.xpt": {}}}', '{"files": 3}'])
def test_a_broken_record_is_refused(site: Site, tmp_path: Path, content: str) -> None:
    (tmp_path / fetch.RECORD).write_text(content)
    with pytest.raises(SourceError, match="is not a record of downloads"):
        get(site, tmp_path)


@pytest.mark.parametrize("address", ["ftp://example.org", "file:///data", "example.org", "https://"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="no address of files"):
        fetch.nhanes(tmp_path, base_url=address)


@pytest.mark.parametrize("cycles", [["X"], ["D", "Z"], [""], []])
def test_an_unknown_cycle_is_refused(tmp_path: Path, cycles: list[str]) -> None:
    with pytest.raises(UsageError, match=r"allowed: D \(2005-2006\), E \(2007-2008\)"):
        fetch.nhanes(tmp_path, cycles)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(UsageError, match="a file stands in its place"):
        fetch.nhanes(tmp_path / "f")


def test_progress_ends_once_per_file(site: Site, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    fetch.nhanes(tmp_path, ["D"], base_url=site.address, progress=lambda *call: calls.append(call))
    ends = [name for name, size, total in calls if size == total]
    assert ends == [f"{table}_D.xpt" for table in EXPECTED_D]
    stream = io.StringIO()
    say = fetch.lines_to(stream)
    for call in calls:
        say(*call)
    assert len(stream.getvalue().splitlines()) == len(EXPECTED_D)


def test_the_command_fetches_and_says_how_to_open(site: Site, tmp_path: Path) -> None:
    arguments = ["fetch", "nhanes", "--out", str(tmp_path), "--cycles", "d", "--base-url", site.address]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert f"19 files, 19 of them new, in {tmp_path}: open them as nhanes:{tmp_path}" in result.output
    again = CliRunner().invoke(app, arguments)
    assert "19 files, 0 of them new" in again.output


def test_without_a_network_the_error_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(SourceError) as error:
        # Nothing listens on the discard port.
        fetch.nhanes(tmp_path, ["D"], base_url="http://127.0.0.1:9", wait_s=0)
    assert "\n" not in str(error.value)
    assert "127.0.0.1:9 could not be reached" in str(error.value)
    assert error.value.exit_code == 4


def test_a_full_disk_is_not_taken_for_the_network(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: download._Target, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download._Target, "write", full)
    with pytest.raises(OutputError, match="no space is left on its disk") as caught:
        fetch.nhanes(tmp_path / "x", ["D"], base_url=site.address, wait_s=60)
    assert caught.value.exit_code == 4
    assert not list((tmp_path / "x").glob("*.xpt"))


class TestSecrets:
    """An address may hold a user, a password or a token: they are used, and told nowhere."""

    def with_secrets(self, site: Site) -> str:
        return site.address.replace("//", "//ada:s3cret@") + "?token=t0ken&x"

    def test_they_are_sent_and_not_kept(self, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fetch.nhanes(tmp_path, ["D"], base_url=self.with_secrets(site), progress=fetch.lines_to(sys.stderr))
        assert site.authorized[0] == "Basic YWRhOnMzY3JldA=="
        said = (tmp_path / fetch.RECORD).read_text() + capsys.readouterr().err
        assert "s3cret" not in said
        assert "t0ken" not in said
        assert f"{site.address}/2005/DataFiles/DEMO_D.xpt?token=...&x" in said

    @pytest.mark.parametrize("trouble", ["404", "403", "500", "page", "elsewhere", "changed"])
    def test_no_message_tells_them(self, site: Site, tmp_path: Path, trouble: str) -> None:
        if trouble == "404":
            site.files.clear()
        elif trouble == "page":
            site.files["/2005/DataFiles/DEMO_D.xpt"] = b"<html>"
        elif trouble == "elsewhere":
            site.elsewhere = "https://ada:s3cret@example.org"
        elif trouble == "changed":
            get(site, tmp_path)
            (tmp_path / "DEMO_D.xpt").unlink()
            site.files["/2005/DataFiles/DEMO_D.xpt"] += b" " * 80
        else:
            site.status, site.fails = int(trouble), 99
        with pytest.raises(SourceError) as error:
            fetch.nhanes(tmp_path, ["D"], base_url=self.with_secrets(site), wait_s=0)
        assert "127.0.0.1" in str(error.value)
        assert "s3cret" not in str(error.value)
        assert "t0ken" not in str(error.value)

    @pytest.mark.parametrize("address", ["ftp://ada:s3cret@example.org", "http://ada:s3cret@host:port", "ada:s3cret@h"])
    def test_nor_of_an_address_that_is_none(self, tmp_path: Path, address: str) -> None:
        with pytest.raises(UsageError, match="no address of files") as error:
            fetch.nhanes(tmp_path, base_url=address)
        assert "s3cret" not in str(error.value)


class TestRedirects:
    def test_on_the_same_host_they_are_followed(self, site: Site, tmp_path: Path) -> None:
        site.elsewhere = "/moved"
        assert len(get(site, tmp_path)) == len(EXPECTED_D)

    def test_to_another_they_are_refused_until_allowed(self, site: Site, tmp_path: Path) -> None:
        other = site.address.replace("127.0.0.1", "localhost")
        site.elsewhere = f"{other}/moved"
        with pytest.raises(SourceError, match=r"sends on to another place, .* --allow-redirects localhost"):
            get(site, tmp_path)
        assert not list(tmp_path.glob("*.xpt"))
        arguments = ["fetch", "nhanes", "--out", str(tmp_path), "--cycles", "D", "--base-url", site.address]
        result = CliRunner().invoke(app, [*arguments, "--allow-redirects", "localhost"])
        assert result.exit_code == 0, result.output

    @pytest.mark.parametrize(
        ("asked", "answered", "strays"),
        [
            ("https://a.org/x", "https://a.org/y", False),
            ("http://a.org/x", "https://a.org/x", False),
            ("https://a.org/x", "http://a.org/x", True),
            ("https://a.org/x", "https://b.org/x", True),
            ("https://a.org/x", "https://a.org.evil.net/x", True),
            ("https://a.org/x", "https://a.org@evil.net/x", True),
            ("https://a.org/x", "https://a.org:444/x", True),
        ],
    )
    def test_what_another_place_is(self, asked: str, answered: str, strays: bool) -> None:
        assert web_address.strays(asked, answered, ()) is strays


class TestContentLength:
    @pytest.mark.parametrize("length", ["many", "-5", "1e6", "12 34"])
    def test_nonsense_is_no_length(self, site: Site, tmp_path: Path, length: str) -> None:
        site.length = length
        assert [file.size for file in get(site, tmp_path)][:2] == [len(TRANSPORT), len(TRANSPORT) + 80]

    def test_more_than_came(self, site: Site, tmp_path: Path) -> None:
        site.length = str(len(TRANSPORT) + 8000)
        with pytest.raises(SourceError, match=r"in 3 attempts at DEMO_D\.xpt"):
            get(site, tmp_path)
        assert not list(tmp_path.glob("*.xpt"))

    def test_less_than_came(self, site: Site, tmp_path: Path) -> None:
        site.length = str(len(TRANSPORT) - 1001)
        with pytest.raises(SourceError, match="not a whole number of records of 80: it was cut off"):
            get(site, tmp_path)
        assert not list(tmp_path.glob("*.xpt"))
