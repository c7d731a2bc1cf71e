"""The signer of the publication log, as a process and an operating-system user of its own."""

import logging
import signal
import threading
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from notices import signing, transparency
from notices.models import NotAllowed

PAUSE = 1  # seconds between two looks at the log
PROBE = 5  # the same while the database is away
INLINE = (
    "LOG_SIGNER=inline 时由网站进程签名，不需要 sign_log。"
    "要更换密钥或恢复，请先停止网站，再以 LOG_SIGNER=external 运行这个命令。"
)

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "为公示日志签名。不带参数时持续运行；签名密钥只放在这个进程的环境里（LOG_SIGNING_KEY）。"

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="签名一次后退出")
        parser.add_argument("--late", action="store_true", help="补签等待过久的记录（签名进程停过），签名一次后退出")
        parser.add_argument("--rotate", action="store_true", help="更换密钥：新密钥放在 LOG_SIGNING_KEY_NEXT")
        parser.add_argument("--recover", action="store_true", help="数据库从备份恢复之后使用")
        parser.add_argument("--replay", metavar="FILE", type=Path, help="与 --recover 同用：从保存的日志补回丢失的记录")

    def handle(self, *, once, late, rotate, recover, replay, **options):
        if settings.LOG_SIGNER != "external":
            raise CommandError(INLINE)
        if replay and not recover:
            raise CommandError("--replay 要与 --recover 同用。")
        self.memory = signing.Memory(settings.LOG_SIGNER_STATE)
        self.say(f"核验公钥：{settings.LOG_VERIFIER_KEY}")
        try:
            if rotate:
                self.rotate()
            elif recover:
                self.recover(replay)
            else:
                self.sign(late=late)
                if not (once or late):
                    self.watch()
        except NotAllowed as refusal:
            raise CommandError(str(refusal)) from refusal

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def sign(self, late: bool = False) -> None:
        signed = signing.sign_on(settings.LOG_SIGNING_KEY, self.memory, late=late)
        self.say(f"已签名到检查点 {signed}。" if signed else "公示日志还没有记录。")

    def watch(self) -> None:
        """Look every second until told to stop; a refusal ends the process, a database that is away does not."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        pause = PAUSE
        while not stop.wait(pause):
            try:
                if signing.is_due(self.memory):
                    self.sign()
                pause = PAUSE
            except DatabaseError:
                log.exception("sign_log")
                close_old_connections()
                pause = PROBE

    def rotate(self) -> None:
        new = settings.LOG_SIGNING_KEY_NEXT
        if not new:
            raise CommandError("请把新的签名密钥放在 LOG_SIGNING_KEY_NEXT（用 generate_keys 生成）。")
        try:
            signed = signing.rotate(settings.LOG_SIGNING_KEY, new, self.memory)
        except transparency.BadNote as error:
            raise CommandError(f"LOG_SIGNING_KEY_NEXT 不是有效的签名密钥：{error}") from error
        key = transparency.verifier_key(signed.read().origin, new)
        self.say(f"密钥已更换，新密钥已签名到检查点 {signed}。新的核验公钥：{key}")
        self.say(
            "现在请把 sign_log 的 LOG_SIGNING_KEY 换成新密钥，把网站的 LOG_VERIFIER_KEY 换成新的核验公钥，然后重新启动。"
        )

    def recover(self, file: Path | None) -> None:
        if file is None:
            signed = signing.recover(settings.LOG_SIGNING_KEY, self.memory)
            self.say(f"已公开写明恢复，并签名到检查点 {signed}。丢失记录可能用过的公示编号已跳过。")
            return
        try:
            export = transparency.saved_lines(file.read_bytes())
        except OSError as error:
            raise CommandError(f"读不了 {file}：{error}") from error
        restored = signing.replay(self.memory, export)
        self.say(f"已补回 {len(restored)} 条记录，与签名进程记住的检查点一致。")
        for entry in signing.without_bytes(restored):
            self.say(
                f"序号 {entry.pk}：{entry.reference} 第 {entry.edition} 版的内容不在数据库里，请从镜像或备份找回。"
            )
        self.sign(late=True)
