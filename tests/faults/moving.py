"""Migrations forward and back over many rows: every row as before, every guard of the append-only tables standing."""

import hashlib
import importlib
import time

from django.core.management import call_command
from django.db import DatabaseError, connection, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor

from notices import auditing
from notices.models import Edition, LogEntry, PublicityNotice, Redaction, TrailEntry
from objections.models import Objection
from tests.make import make_draft, make_objection

append_only = importlib.import_module("notices.migrations.0002_append_only")
SMALL = b'{"small":1}'  # the document of a row that stands for many: what is moved is rows
# What upgrades do to a table: a column more, a column wider, a column without its default.
ALTERED = {
    Edition: ("title", models.CharField("标题", max_length=900)),
    LogEntry: ("reference", models.CharField("公示编号", max_length=99, blank=True)),
    TrailEntry: ("username", models.CharField("用户名", max_length=300)),
    Redaction: ("ground", models.TextField("依据", default="", blank=True)),
    Objection: ("code_digest", models.CharField(max_length=99, unique=True, editable=False)),
}


def fill(count: int) -> None:
    """So many rows in each of the large tables, made from one that is there."""
    line, edition = LogEntry.objects.order_by("sequence").last(), Edition.objects.order_by("pk").last()
    notices = [edition.notice_id, make_draft(tasks=[]).pk]  # editions are numbered in 15 bits
    several = range(1000, 1000 + count)
    copies(LogEntry, line, [{"sequence": number} for number in several])
    places = [{"notice_id": notices[each % 2], "number": each // 2, "sequence": each} for each in several]
    copies(Edition, edition, [place | {"document": SMALL, "reason": "更正"} for place in places])
    copies(TrailEntry, TrailEntry.objects.record("login", username="wu"), [{} for _ in several])
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in several]
    unique = [{"token_digest": each, "code_digest": each, "data_key": each[:16]} for each in digests]
    copies(Objection, make_objection(edition.notice, token=f"one of {count}"), unique)


def copies(model, row, changes: list[dict]) -> None:
    """Rows as that one is stored, but for these columns."""
    made = [each.column for each in model._meta.concrete_fields if each.column != "id" and not each.generated]
    with connection.cursor() as cursor, transaction.atomic():
        named = ", ".join(f'"{column}"' for column in made)
        key = model._meta.pk.column
        cursor.execute(f'SELECT {named} FROM {model._meta.db_table} WHERE "{key}" = %s', [row.pk])
        stored = dict(zip(made, cursor.fetchone(), strict=True))
        places = ", ".join(["%s"] * len(made))
        rows = (list((stored | change).values()) for change in changes)
        cursor.executemany(f"INSERT INTO {model._meta.db_table} ({named}) VALUES ({places})", rows)


def print_of(model) -> str:
    """A digest of every stored value of a table, in the order of its keys."""
    digest = hashlib.sha256()
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {columns} FROM {model._meta.db_table} ORDER BY "{model._meta.pk.column}"')
        for row in iter(cursor.fetchone, None):
            said = [bytes(value) if isinstance(value, memoryview) else value for value in row]
            digest.update(repr(said).encode())
    return digest.hexdigest()


def prints() -> dict[str, str]:
    return {model.__name__: print_of(model) for model in ALTERED}


def guards_down() -> list[str]:
    """What the audit says of guards, and those tables of which a row could be changed."""
    guarded = [model for model in ALTERED if model._meta.app_label == "notices" and model is not Redaction]
    return [*auditing._guards(), *(model.__name__ for model in guarded if is_changeable(model))]


def is_changeable(model) -> bool:
    table, key = model._meta.db_table, model._meta.pk.column
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'UPDATE {table} SET "{key}" = "{key}" WHERE "{key}" = (SELECT max("{key}") FROM {table})')
    except DatabaseError:
        return False
    return True


def altered(model, guarded: bool) -> list:
    """The operations of an upgrade that changes this table."""
    name, field = ALTERED[model]
    column = models.CharField(max_length=20, default="新", null=True)
    operations = [
        migrations.AlterField(model.__name__, name, field),
        migrations.AddField(model.__name__, "added", column),
    ]
    is_guarded = guarded and model._meta.app_label == "notices"
    return append_only.unguarded(*operations) if is_guarded else operations


def move(model, guarded: bool = True) -> float:
    """Forward and back again; the seconds."""
    app, states = model._meta.app_label, [MigrationExecutor(connection).loader.project_state()]
    started = time.monotonic()
    operations = altered(model, guarded)
    for operation in operations:
        states.append(states[-1].clone())
        operation.state_forwards(app, states[-1])
    with connection.schema_editor(atomic=True) as editor:
        for number, operation in enumerate(operations):
            operation.database_forwards(app, editor, states[number], states[number + 1])
    with connection.schema_editor(atomic=True) as editor:
        for number, operation in reversed([*enumerate(operations)]):
            operation.database_backwards(app, editor, states[number + 1], states[number])
    return round(time.monotonic() - started, 2)


def campaign(count: str) -> dict:
    """`count` rows in each table, each migrated forward and back."""
    fill(int(count))
    before, seconds = prints(), {}
    for target in ("0001", None):
        started = time.monotonic()
        call_command("migrate", *filter(None, ("notices", target)), verbosity=0)
        seconds[f"migrate to {target or 'the newest'}"] = round(time.monotonic() - started, 2)
    seconds |= {f"{model.__name__} altered, and back": move(model) for model in ALTERED}
    after = prints()
    rows = {model.__name__: model._base_manager.count() for model in ALTERED}
    changed = [name for name in before if before[name] != after[name]]
    return {"rows": rows, "seconds": seconds, "changed": changed, "guards down": guards_down()}


def careless() -> dict:
    """The control: tables altered with the guards in place, and what came of it; on PostgreSQL the guards hold."""
    make_objection(PublicityNotice.objects.filter(edition__isnull=False).first(), token="careless")
    try:
        move(Redaction, guarded=False)
        failed = False
    except DatabaseError:
        failed = True
    move(LogEntry, guarded=False)
    return {"failed": failed, "guards down": guards_down()}
