"""An SMTP server of the driver's own that can be away, slow or silent, and remembers every mail that it took."""

import asyncio
import email
import time
from collections import Counter

from aiosmtpd.controller import Controller

from .processes import free_port


class Mailhost:
    def __init__(self):
        self.port, self.taken, self.delay, self.leaving, self.controller = free_port(), [], 0, False, None
        self.hangs_for = ""  # somebody about whom nothing is ever answered
        self.up()

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.leaving:  # no mail is cut off between its 250 and the worker's knowing: that is the worker's kill
            return "421 4.3.2 shutting down"
        await asyncio.sleep(self.delay)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await asyncio.sleep(600 if address == self.hangs_for else 0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        headers = email.message_from_bytes(envelope.content)
        self.taken.append((headers["Message-ID"], envelope.rcpt_tos[0], time.time()))
        return "250 OK"

    def up(self) -> None:
        self.leaving = False
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def down(self) -> None:
        self.leaving = True
        time.sleep(0.1)
        self.controller.stop()
        self.controller = None

    def end(self) -> None:
        if self.controller:
            self.controller.stop()

    def count(self) -> Counter:
        """Message-ID → how often it was taken."""
        return Counter(message_id for message_id, *_ in list(self.taken))
