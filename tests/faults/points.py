"""Named failpoints: the process kills itself at one place of the code, then the same is done again as people would.

Only here are functions wrapped; the product knows nothing of it. Each hit happens in a child that is forked for it.
"""

import datetime
import functools
import os
import re
import signal
import stat
import traceback

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from notices import mail
from notices.models import Checkpoint, Edition, LogEntry, PublicityNotice, TreeNode
from notices.models.inserting import Ready
from objections import outcomes, views
from objections.models import Event, Objection, OutgoingMail, Tally
from tests.make import make_draft, make_task, make_user

from .citizens import said, shown, token_in

LEASE_AND_MORE = mail.LEASE + datetime.timedelta(seconds=1)


def die(*_) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner, name: str, then=die) -> None:
    """Let `then` run before each call of that function."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def wrapped(*arguments, **options):
        then(*arguments)
        return inner(*arguments, **options)

    setattr(owner, name, wrapped)


def after(owner, name: str) -> None:
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def wrapped(*arguments, **options):
        inner(*arguments, **options)
        die()

    setattr(owner, name, wrapped)


def at_fsync(is_wanted, place) -> None:
    """At the first sync of a file or folder that is wanted, before or after it."""
    inner = os.fsync

    def fsync(descriptor):
        wanted = is_wanted(os.fstat(descriptor).st_mode)
        if wanted and place is before:
            die()
        inner(descriptor)
        if wanted:
            die()

    os.fsync = fsync


def at_commit_of(owner, name: str, place=before) -> None:
    """At the commit of the transaction in which that function is called."""
    before(owner, name, lambda *_: place(BaseDatabaseWrapper, "_commit"))


POINTS = {
    "file written": ("post", lambda: at_fsync(stat.S_ISREG, before)),
    "file synced": ("post", lambda: at_fsync(stat.S_ISREG, after)),
    "folder synced": ("post", lambda: at_fsync(stat.S_ISDIR, after)),
    "in the transaction": ("post", lambda: after(Ready, "insert")),
    "before the commit": ("post", lambda: at_commit_of(Objection, "begin")),
    "after the commit": ("post", lambda: at_commit_of(Objection, "begin", after)),
    "before the reply": ("post", lambda: before(views, "_to_receipt")),
    "after the claim": ("mail", lambda: before(mail, "deliver")),
    "after SMTP 250": ("mail", lambda: before(mail, "mark_sent")),
    "while marking": ("mail", lambda: at_commit_of(mail, "mark_sent")),
    "after the mark": ("mail", lambda: after(mail, "mark_sent")),
    "while publishing": ("publish", lambda: before(PublicityNotice, "_show")),
    "in the log": ("publish", lambda: before(TreeNode.objects, "add")),
    "before signing": ("publish", lambda: before(Checkpoint.objects, "sign")),
    "publication committed": ("publish", lambda: at_commit_of(PublicityNotice, "_show", after)),
    "in the tally": ("tally", lambda: before(Tally.objects, "create")),
}


def in_child(work, arm=None) -> str | None:
    """What `work()` returns in a forked child; None when the child was killed at the point that `arm` sets."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            if arm:
                arm()
            os.write(writing, str(work()).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    if status:
        raise RuntimeError("the child failed for another reason")
    return said


class Post:
    """Posted, killed, and the same body posted again: a receipt, one objection."""

    def __init__(self):
        self.url = f"/notices/{PublicityNotice.objects.order_by('pk').first().reference}/object/"
        self.receipts, self.lost = [], []

    def hit(self, number: int, arm, hits: int) -> bool:
        fields = said(number) | {"token": token_in(Client().get(self.url).content.decode())}
        died = in_child(functools.partial(self.post, number, fields), arm) is None
        if "#" not in (code := in_child(functools.partial(self.post, number, fields)) or ""):
            self.lost.append(number)
        self.receipts.append(code)
        return died

    def post(self, number: int, fields: dict) -> str:
        client = Client(REMOTE_ADDR=f"127.1.{number // 250 % 250}.{number % 250 + 1}", HTTP_HOST="127.0.0.1")
        files = [SimpleUploadedFile("说明.txt", f"第{number}号附件。".encode())]
        answer = client.post(self.url, fields | {"attachments": files})
        if answer.status_code != 303:
            return f"{answer.status_code}"
        page = client.get("/objections/received/").content.decode()
        return f"{shown(page, 'receipt-number')}#{re.sub('[^0-9A-Z]', '', shown(page, 'receipt-code'))}"

    def findings(self) -> dict:
        stored = {each.content: each for each in Objection.objects.filter(content__isnull=False)}
        serials = [each.content.partition("]")[0] for each in Objection.objects.all()]
        unreadable = [each.pk for each in stored.values() for file in each.attachments.all() if not file.read()]
        missing = [receipt for receipt in self.receipts if not Objection.objects.by_code(receipt.partition("#")[2])]
        return {
            "lost": self.lost + missing,
            "duplicates": len(serials) - len(set(serials)),
            "damaged": unreadable + [each.pk for each in stored.values() if each.attachments.count() != 1],
        }


class Mail:
    """A mail is sent, the worker is killed, another one takes over when the lease has run out."""

    def __init__(self):
        self.notice = PublicityNotice.objects.order_by("pk").first()

    def hit(self, number: int, arm, hits: int) -> bool:
        now = timezone.now()
        words = {name: text for name, text in said(number).items() if name != "consent"} | {"anonymous": False}
        arrival = {"token": f"mail {number}", "opened_at": now, "at": now}
        Objection.objects.receive(edition=self.notice.edition, said=words, **arrival)
        died = in_child(mail.send_due, arm) is None
        in_child(lambda: mail.send_due(timezone.now() + LEASE_AND_MORE))
        return died

    def findings(self) -> dict:
        told = Event.objects.filter(kind=Event.Kind.DELIVERED).values_list("objection", flat=True)
        waiting = list(OutgoingMail.objects.filter(sent_at=None).values_list("pk", flat=True))
        return {"lost": waiting, "duplicates": len(told) - len(set(told))}


class Publish:
    """A notice is published, the process is killed, somebody presses the button again where nothing came of it."""

    def __init__(self):
        self.task = make_task(9000 + PublicityNotice.objects.count())
        self.li = make_user("li")

    def hit(self, number: int, arm, hits: int) -> bool:
        notice = make_draft(tasks=[self.task], title=f"关于第{number}号任务的整改情况公示")
        notice.submit(by=make_user("zhang"))
        publish = functools.partial(self.publish, notice)
        died = in_child(publish, arm) is None
        in_child(publish)
        return died

    def publish(self, notice: PublicityNotice) -> None:
        notice.refresh_from_db()
        if not notice.edition_id:
            notice.publish(by=self.li, confirmed=True)

    def findings(self) -> dict:
        references = [*LogEntry.objects.filter(act="publish").values_list("reference", flat=True)]
        return {
            "lost": list(PublicityNotice.objects.filter(edition=None).values_list("pk", flat=True)),
            "duplicates": len(references) - len(set(references)) + Edition.objects.filter(number__gt=1).count(),
        }


class Count:
    """After the close the counts are logged, the worker is killed, the next one logs them."""

    def __init__(self):
        self.notice = PublicityNotice.objects.order_by("pk").first()
        day = self.notice.edition.closes_on + datetime.timedelta(days=1)
        self.closed = datetime.datetime.combine(day, datetime.time(), tzinfo=timezone.get_default_timezone())
        self.before = self.notice.objections.count()

    def hit(self, number: int, arm, hits: int) -> bool:
        now = self.closed + datetime.timedelta(minutes=Tally.objects.count() + 1)
        words = {name: text for name, text in said(number).items() if name != "consent"} | {"anonymous": False}
        arrival = {"token": f"tally {number}", "opened_at": now, "at": now}
        Objection.objects.receive(edition=self.notice.edition, said=words, **arrival)
        died = in_child(lambda: outcomes.tally(self.notice, now), arm) is None
        in_child(lambda: outcomes.tally(self.notice, now))
        return died

    def findings(self) -> dict:
        counted = list(self.notice.tallies.order_by("sequence").values_list("received", flat=True))
        wanted = list(range(self.before + 1, self.notice.objections.count() + 1))
        return {"lost": sorted(set(wanted) - set(counted)), "duplicates": len(counted) - len(set(counted))}


ACTS = {"post": Post, "mail": Mail, "publish": Publish, "tally": Count}


def without_the_guard(point: str) -> None:
    """The control: no unique form token, no single Message-ID, or a log that is not one transaction."""
    act = POINTS[point][0]
    if act == "post":
        from .careless import _forget

        _forget()
    elif act == "publish":
        manager = type(LogEntry.objects)
        manager.append = manager.append.__wrapped__
        PublicityNotice.publish = PublicityNotice.publish.__wrapped__
        QuerySet.select_for_update = lambda rows, **options: rows  # a lock lasts as long as its transaction


def campaign(hits: str, names: str = "", careless: str = "") -> dict:
    """point → what `hits` deaths there came to; `names` separated by commas, all by default."""
    found = {}
    for place, name in enumerate(names.split(",") if names else POINTS):
        if careless:
            without_the_guard(name)
        kind, arm = POINTS[name]
        act = ACTS[kind]()
        died = sum(act.hit(1_000_000 * (place + 1) + number, arm, int(hits)) for number in range(int(hits)))
        found[name] = {"deaths": died, **act.findings()}
    return found
