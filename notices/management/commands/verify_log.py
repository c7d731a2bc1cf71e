"""Verify a publication log: this database's own, one that was saved to files, or that of a site."""

import dataclasses
import re
import time
import urllib.request
from http.client import HTTPException
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notices import auditing, transparency
from notices.models import Checkpoint, LogEntry, TreeNode

TIMEOUT = 20  # seconds for one step of the connection
PATIENCE = 300  # seconds for a whole site
LARGEST = 1 << 24  # bytes of one page
SHOWN = 20  # differences that are printed


class Misuse(CommandError):
    """What was given cannot be read: that says nothing about the log."""

    def __init__(self, message: str):
        super().__init__(message, returncode=2)


class Command(BaseCommand):
    help = (
        "核验公示日志。不带参数时核验本站的数据库；给出保存的日志文件（每行一条）时另用 --checkpoint 给出检查点文件；"
        "给出网站地址时从网站读取。不符时指出第一条不符的记录，退出码为 1；读不了时为 2。"
    )

    def add_arguments(self, parser):
        parser.add_argument("log", nargs="?", metavar="FILE|URL", help="保存的日志文件，或网站地址（https://…）")
        parser.add_argument("--checkpoint", metavar="FILE", help="与日志一同保存的检查点")
        parser.add_argument(
            "--held", action="append", default=[], metavar="SHORT|FILE", help="从前保存的检查点短行或文件；可给多个"
        )
        parser.add_argument(
            "--key", action="append", default=[], metavar="KEY", help="核验公钥，默认用本站的；可给多个"
        )

    def handle(self, *, log, checkpoint, held, key, **options):
        given = [read_key(text) for text in key]
        lines, signed = self.read(log, checkpoint)
        try:
            keys = given or self.own_keys(log, signed)
            known = None if log else transparency.known_from_nodes(stored_node)
            fitting = transparency.audit(lines, signed, keys, held=[kept(place) for place in held], known=known)
        except transparency.DoesNotFit as error:
            raise CommandError(f"核验不通过。{error}") from error
        if not log:
            self.compare()
        self.stdout.write(f"核验通过：{fitting.size} 条记录与检查点 {fitting.short} 一致，签名有效。")

    def read(self, log: str | None, checkpoint: str | None) -> tuple[list[bytes], bytes]:
        """The lines to verify, and the checkpoint that covers exactly these."""
        if log and log.startswith(("https://", "http://")):
            return read_site(log.rstrip("/"))
        if log and not checkpoint:
            raise Misuse("请用 --checkpoint 给出与日志一同保存的检查点文件。")
        if log:
            return transparency.saved_lines(read_file(log)), read_file(checkpoint)
        newest = Checkpoint.objects.newest()
        if not newest:
            raise Misuse("公示日志还没有签名的记录。")
        lines = LogEntry.objects.filter(sequence__lt=newest.size).order_by("sequence").values_list("line", flat=True)
        return [line.encode() for line in lines], newest.note.encode()

    def own_keys(self, log: str | None, signed: bytes) -> list[transparency.VerifierKey]:
        """This site's key; in its own database it may bear the name of an earlier address."""
        key = read_key(settings.LOG_VERIFIER_KEY)
        return [key] if log else [key, dataclasses.replace(key, name=read_checkpoint(signed).origin)]

    def compare(self) -> None:
        """The log against the editions and the notices, both ways."""
        found = list(islice(auditing.differences(), SHOWN))
        if found:
            raise CommandError("核验不通过。日志与数据库不符：\n" + "\n".join(found))


def stored_node(level: int, index: int) -> bytes:
    """What the database keeps of the tree helps to name the line that was changed."""
    for row in TreeNode.objects.filter(level=level, index=index):
        return bytes(row.hash)
    raise KeyError(level, index)


def kept(place: str) -> bytes | str:
    """A short line stands for itself; anything else is a file."""
    return place if re.fullmatch(r"[0-9]+:\S+", place) else read_file(place)


def read_key(text: str) -> transparency.VerifierKey:
    try:
        return transparency.VerifierKey.parse(text)
    except transparency.BadNote as error:
        raise Misuse(f"{error}") from error


def read_checkpoint(signed: bytes) -> transparency.Checkpoint:
    """What it says, not yet verified."""
    try:
        return transparency.parse(signed)
    except transparency.BadNote as error:
        raise CommandError(f"核验不通过。检查点：{error}") from error


def read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise Misuse(f"读不了 {path}：{error}") from error


def read_site(site: str) -> tuple[list[bytes], bytes]:
    """The lines that a site's checkpoint covers, page by page, and the checkpoint."""
    deadline = time.monotonic() + PATIENCE
    signed = read_page(site + "/log/checkpoint", deadline)
    size, lines = read_checkpoint(signed).size, []
    while len(lines) < size:
        page = transparency.saved_lines(read_page(f"{site}/log/entries?start={len(lines)}", deadline))
        if not page:
            break
        lines += page
    return lines[:size], signed


def read_page(url: str, deadline: float) -> bytes:
    """One page, within the time and the size that a log can need."""
    content = b""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as page:  # noqa: S310 – only http and https come here
            while chunk := page.read1(1 << 16):
                content += chunk
                if time.monotonic() > deadline or len(content) > LARGEST:
                    raise Misuse(f"读不了 {url}：回答太慢或太长。")
    except (OSError, ValueError, HTTPException) as error:
        raise Misuse(f"读不了 {url}：{error}") from error
    return content
