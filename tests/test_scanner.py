"""Where a virus scanner is set, it decides; while it is silent nothing is taken."""
# ruff: noqa: F811

import contextlib
import socketserver
import struct
import threading

import pytest

from notices import clamd
from tests.hostile import PDF
from tests.make import make_notice
from tests.test_attachments import assert_refused, media, send  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db


# --- The virus scanner -----------------------------------------------------------------------------------------------


class FakeClamd(socketserver.BaseRequestHandler):
    """Reads one stream and finds what contains the word VIRUS."""

    def handle(self):
        stream = self.request.makefile("rb")
        assert stream.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!I", stream.read(4))[0]:
            content += stream.read(size)
        answer = {b"VIRUS": b"stream: Eicar-Test FOUND\0", b"LIMIT": b"INSTREAM size limit exceeded. ERROR\0"}
        self.request.sendall(next((said for word, said in answer.items() if word in content), b"stream: OK\0"))


@pytest.fixture(params=["tcp", "unix"])
def scanner(request, settings, tmp_path):
    if request.param == "tcp":
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), FakeClamd)
        settings.CLAMD_URL = f"tcp://127.0.0.1:{server.server_address[1]}"
    else:
        server = socketserver.ThreadingUnixStreamServer(str(tmp_path / "clamd"), FakeClamd)
        settings.CLAMD_URL = f"unix://{tmp_path / 'clamd'}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    with contextlib.suppress(OSError):
        server.shutdown()
        server.server_close()


def test_the_scanner_decides(client, media, scanner):
    notice = make_notice()
    response = send(client, notice, ("好.pdf", PDF), ("坏.pdf", PDF[:9] + b"%VIRUS\n" + PDF[9:]))
    assert "“坏.pdf”：病毒扫描发现问题" in response.content.decode()
    assert "好.pdf" not in response.content.decode()
    assert_refused(response, media)
    assert_refused(send(client, notice, ("大.pdf", PDF[:9] + b"%LIMIT\n" + PDF[9:])), media, status=503)
    assert send(client, notice, ("好.pdf", PDF)).status_code == 303


def test_without_its_scanner_nothing_is_taken_but_the_text_alone(client, media, settings, tmp_path):
    settings.CLAMD_URL = f"unix://{tmp_path / 'nobody'}"
    notice = make_notice()
    response = send(client, notice, ("好.pdf", PDF))
    assert "附件暂时无法检查或保存" in response.content.decode()
    assert_refused(response, media, status=503)
    assert send(client, notice).status_code == 303


def test_a_scanner_that_says_nothing_is_away(settings, monkeypatch):
    monkeypatch.setattr(clamd, "TIMEOUT", 0.2)
    with socketserver.TCPServer(("127.0.0.1", 0), FakeClamd) as silent:  # listens, and nobody answers
        settings.CLAMD_URL = f"tcp://127.0.0.1:{silent.server_address[1]}"
        with pytest.raises(clamd.NoAnswer):
            clamd.found_in([PDF])
