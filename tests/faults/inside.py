"""What a driver does with the portal's own code, in a process with the settings of its world. Prints JSON."""

import contextlib
import datetime
import io
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from notices import auditing, mail  # noqa: E402
from notices.models import PublicityNotice  # noqa: E402
from objections.models import Attachment, Objection, OutgoingMail  # noqa: E402
from objections.models.objection import content_digest  # noqa: E402
from objections.vault import Unavailable, names  # noqa: E402
from tests.faults.citizens import said  # noqa: E402
from tests.make import make_files, make_notice, make_objection, make_task, withdraw  # noqa: E402

FILLED = 1_000_000  # serials from here on nobody was shown


def seed() -> dict:
    """Migrations, and one open notice."""
    call_command("migrate", verbosity=0)
    return {"reference": make_notice().reference}


def fill(count: str, first: str = "0") -> dict:
    """So many objections, each as whole as one from the form; every fifth has a file."""
    edition, now = PublicityNotice.objects.order_by("pk").first().edition, timezone.now()
    for serial in range(FILLED + int(first), FILLED + int(first) + int(count)):
        words = {name: text for name, text in said(serial).items() if name != "consent"} | {"anonymous": False}
        files = make_files(("说明.txt", f"第{serial}号附件。".encode() * 50)) if serial % 5 == 0 else ()
        arrival = {"token": f"filled {serial}", "opened_at": now, "at": now}
        Objection.objects.receive(edition=edition, said=words, attachments=files, **arrival)
    return {"filled": int(count)}


def files_first(folder: str) -> dict:
    """A backup by somebody who copies the files before the database, while an objection with a file arrives."""
    from portal import backups

    early, dump = f"{folder}.files", backups._dump
    backups.shutil.copytree(settings.MEDIA_ROOT, early)

    def dump_later(*arguments):
        fill_one_more()
        settings.MEDIA_ROOT = early
        return dump(*arguments)

    backups._dump = dump_later
    return {"taken": str(backups.take(Path(folder)))}


def fill_one_more() -> None:
    make_objection(PublicityNotice.objects.order_by("pk").first(), files=make_files(("a.txt", b"later")))


def publish(count: str) -> dict:
    """So many more open notices."""
    return {"references": [make_notice(tasks=[make_task(2 + number)]).reference for number in range(int(count))]}


def withdraw_one(reference: str) -> dict:
    """A public act, and when it was committed."""
    withdraw(PublicityNotice.objects.get(reference=reference))
    return {"at": time.time()}


def worker() -> None:
    """send_mail in a child of this process, again and again: its parent starts it as soon as it was killed."""
    connections.close_all()
    running = True

    def stop(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    while running:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            call_command("send_mail")
            os._exit(0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def waiting() -> dict:
    return {"waiting": OutgoingMail.objects.filter(sent_at=None).count()}


def drain() -> dict:
    """Every mail sent by a clock that is a lease, and the longest wait, ahead."""
    for _ in range(20):
        if not mail.send_due(timezone.now() + datetime.timedelta(hours=1))[1]:
            break
    return waiting()


def ledger() -> dict:
    """Every objection as the database has it, its files read back and its digest computed anew."""
    said = Objection.objects.prefetch_related("attachments", "events", "mails").order_by("pk")
    known = set(Attachment.objects.values_list("stored_as", flat=True))
    on_disk = set(names(float("inf")))
    return {
        "objections": [row(each) for each in said],
        "orphans": len(on_disk - known),
        "log": differences(),
    }


def row(objection: Objection) -> dict:
    files, readable = list(objection.attachments.all()), True
    with contextlib.suppress(Unavailable):
        [each.read() for each in files]
        files_said = content_digest(said_in(objection), files)
        return facts(objection, files, readable and files_said == objection.content_digest)
    return facts(objection, files, False)


def said_in(objection: Objection) -> dict:
    names = ("kind", "anonymous", "name", "phone", "email", "concerns", "content")
    return {name: getattr(objection, name) for name in names}


def facts(objection: Objection, files: list, whole: bool) -> dict:
    return {
        "serial": serial_of(objection.content),
        "number": objection.number,
        "code_digest": objection.code_digest,
        "digest": objection.content_digest,
        "whole": whole,
        "files": sorted(each.sha256 for each in files),
        "events": sorted(each.kind for each in objection.events.all()),
        "mails": [[each.kind, each.message_id, bool(each.sent_at)] for each in objection.mails.all()],
    }


def serial_of(content: str) -> int:
    """Which objection it is; -1 of one that cannot be read."""
    serial = content[1:].partition("]")[0]
    return int(serial) if serial.isdecimal() else -1


def differences() -> list[str]:
    """What speaks against the publication log: its own command's words, and the audit's."""
    found = list(auditing.differences())
    try:
        call_command("verify_log", stdout=io.StringIO())
    except Exception as error:
        found.append(str(error))
    return found


def points(*arguments: str) -> dict:
    from tests.faults import points

    return points.campaign(*arguments)


def moving(*arguments: str) -> dict:
    from tests.faults import moving

    return moving.campaign(*arguments) if arguments else moving.careless()


def guessing(*arguments: str) -> dict:
    from tests.faults import guessing

    return guessing.campaign(*arguments)


def inputs(count: str, seed: str = "8") -> dict:
    """Hostile input to every route; nothing of it stays."""
    from tests.faults import inputs

    logging.disable(logging.CRITICAL)
    with transaction.atomic(), override_settings(STAFF_SECOND_FACTOR=False):
        found = inputs.campaign(int(count), *inputs.seeded(Client(HTTP_HOST="127.0.0.1")), seed=int(seed)).told()
        transaction.set_rollback(True)
    return found


if __name__ == "__main__":
    known = (seed, fill, files_first, publish, withdraw_one, worker, waiting, drain, ledger, points)
    known += (moving, guessing, inputs)
    acts = {each.__name__: each for each in known}
    print(json.dumps(acts[sys.argv[1]](*sys.argv[2:])))
