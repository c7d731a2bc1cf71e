"""The worker: sends what is stored until it is delivered, and does the duties of the portal in between."""

import logging
import signal
import time
from collections.abc import Callable

from django.core.management.base import BaseCommand
from django.utils import timezone

from notices import mail
from portal import duties

log = logging.getLogger(__name__)

PAUSE = 1  # seconds between two looks at the queue


class Command(BaseCommand):
    help = (
        "发送待发邮件，并办理定期事务：催办、把异议数记入公示日志、清理无主附件等。"
        "不带参数时持续运行，可以同时运行几个；--once 只处理现在到期的。"
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="发送现在到期的全部邮件后退出")

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.stopping, self.done = False, {}

    def handle(self, *, once: bool, **options):
        if once:
            self.do_duties()
            sent, failed = mail.send_due(probe=True)
            self.stdout.write(f"已发送 {sent} 封，未发出 {failed} 封。")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self.stopping:
            self.look()
            time.sleep(PAUSE)

    def stop(self, *signal_and_frame) -> None:
        """Finish the mail in hand, take up no other."""
        self.stopping = True

    def look(self) -> None:
        """One round."""
        self.do_duties()
        self.outlive(lambda: mail.send_due(stop=lambda: self.stopping))

    def do_duties(self) -> None:
        """Each duty whose time has come."""
        now = timezone.now()
        for duty in duties.DUTIES:
            if now - self.done.get(duty, now - duty.every) >= duty.every:
                self.done[duty] = now
                self.outlive(lambda act=duty.act: act(now))

    def outlive(self, job: Callable) -> None:
        """Do it; neither the worker nor the other jobs stop when it fails."""
        try:
            job()
        except Exception:
            log.exception("worker")
