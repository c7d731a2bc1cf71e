"""The worker: sends what is stored until it is delivered, reminds of what is due, and logs the tally of each notice
after its close."""

import signal
import threading

from django.core.management.base import BaseCommand

from objections import mail, outcomes, reminders

PAUSE = 1  # seconds between two looks at the queue
PROBE = 5  # the same while the server is away or refuses


class Command(BaseCommand):
    help = "发送待发邮件，催办将到期和已逾期的异议，并在公示期满后把异议数记入公示日志。不带参数时持续运行；--once 只处理现在到期的。"

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="发送现在到期的全部邮件后退出")

    def handle(self, *, once: bool, **options):
        if once:
            for job in (outcomes.write_tallies, reminders.queue_due):
                self.outlive(job)
            sent, failed = mail.send_due()
            self.stdout.write(f"已发送 {sent} 封，未发出 {failed} 封。")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            stop.wait(PAUSE if self.look() else PROBE)

    def look(self) -> bool:
        """One round; False when the server was away or something failed."""
        rounds = [self.outlive(job) for job in (outcomes.write_tallies, reminders.queue_due, mail.send_due)]
        if None in rounds:
            return False
        _, failed = rounds[-1]
        return not failed

    def outlive(self, job):
        """What `job` returns; None when it failed. Neither the worker nor the other jobs stop for that."""
        try:
            return job()
        except Exception:
            mail.log.exception("mail worker")
            return None
