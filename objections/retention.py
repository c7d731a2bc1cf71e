"""The end of personal data: what is to be erased today, one case after the other, and nothing left of it in the files."""

import dataclasses
import datetime
import logging
import re
import time
from collections.abc import Iterator

from django.apps import apps
from django.db import connection
from django.utils import timezone

from notices.models import NotAllowed

from . import keyring
from .models import Objection
from .models.keeping import sealed_fields

log = logging.getLogger(__name__)
PATIENCE = 20  # seconds for those who read to come to an end
# What PostgreSQL says, in whatever language, of rows that another transaction still sees: "DETAIL:  3 dead row versions …"
KEPT = re.compile(r"\n\S+:\s+[1-9]")


@dataclasses.dataclass(frozen=True)
class Case:
    """What became of one objection: its number, and one of "purged", "due", "held", "waiting", "failed"."""

    number: str
    outcome: str


def cases(now: datetime.datetime | None = None, dry_run: bool = False) -> Iterator[Case]:
    """Erase what is to be erased, and tell of each case. A case that is held or fails stops no other."""
    now = now or timezone.now()
    expired = Objection.objects.expired(timezone.localdate(now)).order_by("id")
    for pk in list(expired.values_list("pk", flat=True)):
        objection = Objection.objects.impersonal().select_related("notice").get(pk=pk)
        yield Case(objection.number, _dealt_with(objection, now, dry_run))


def _dealt_with(objection: Objection, now: datetime.datetime, dry_run: bool) -> str:
    if objection.held_at:
        return "held"
    if dry_run:
        return "due"
    try:
        objection.purge(at=now)
    except NotAllowed:
        return "held"  # since the list was made
    except Exception as error:
        log.error("objection %s not purged: %s", objection.number, type(error).__name__)
        return "failed"
    return "purged"


def compact() -> bool:
    """Rewrite what held the erased rows, so that no page and no write-ahead log has them any more.

    Not within a transaction. False when somebody went on reading what was there before, for longer than PATIENCE.
    PostgreSQL's write-ahead log and all backups keep the former ciphertext; their key is gone.
    """
    keyring.compact()
    end = time.monotonic() + PATIENCE
    while not (done := _rewritten()) and time.monotonic() < end:
        time.sleep(1)
    return done


def _rewritten() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            told = connection.connection.notices
            told.clear()
            cursor.execute(f"VACUUM (FULL, VERBOSE) {', '.join(_tables())}")
            return not any(KEPT.search(each) for each in told)
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return cursor.fetchone()[0] == 0


def _tables() -> list[str]:
    models = [model for model in apps.get_app_config("objections").get_models() if sealed_fields(model)]
    return [f'"{model._meta.db_table}"' for model in models]
