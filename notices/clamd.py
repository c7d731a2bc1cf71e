"""A small client of the virus scanner clamd: one connection a file, the command INSTREAM."""

import socket
import struct
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from . import attachments

TIMEOUT = 20  # seconds without an answer


class NoAnswer(Exception):
    """The scanner is away, or says what nobody understands."""


def check(upload) -> None:
    """Raises attachments.Refused for what the scanner, where there is one, finds in `upload` or does not answer about."""
    try:
        found = settings.CLAMD_URL and found_in(upload.chunks())
    except NoAnswer:
        raise attachments.Refused(_("病毒扫描暂时不可用，文件没有保存，请稍后再试")) from None
    if found:
        raise attachments.Refused(_("病毒扫描发现问题，不能接收"))


def found_in(chunks: Iterable[bytes]) -> str:
    """The name of what clamd found, "" when it found nothing. Raises NoAnswer when it gives no answer."""
    try:
        with _connection() as connection:
            connection.sendall(b"zINSTREAM\0")
            for chunk in chunks:
                connection.sendall(struct.pack("!I", len(chunk)) + chunk)
            connection.sendall(struct.pack("!I", 0))
            answer = _answer(connection)
    except OSError as error:
        raise NoAnswer(f"clamd: {error}") from error
    if answer.endswith(" FOUND"):
        return answer.removeprefix("stream:").removesuffix("FOUND").strip()
    if answer != "stream: OK":
        raise NoAnswer(f"clamd: {answer}")
    return ""


def _connection() -> socket.socket:
    address = urlsplit(settings.CLAMD_URL)
    if address.scheme == "tcp":
        return socket.create_connection((address.hostname, address.port), TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(address.path)
    except OSError:
        connection.close()
        raise
    return connection


def _answer(connection: socket.socket) -> str:
    answer = b""
    while len(answer) < 1024 and not answer.endswith(b"\0") and (part := connection.recv(1024)):
        answer += part
    return answer.rstrip(b"\0\n").decode(errors="replace")
