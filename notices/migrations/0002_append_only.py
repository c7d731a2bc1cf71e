"""What was published and logged is never changed and never deleted: the database itself refuses.

Two exceptions: the bytes, the title and the files of an edition whose redaction two people have signed may be erased, and a line
of the audit trail may be deleted, not changed, once it is older than 184 days (notices.models.trail.KEPT).
"""

from django.db import migrations

TABLES = ("notices_logentry", "notices_treenode", "notices_checkpoint", "notices_confirmation", "notices_editiontask")
KEPT = (
    "id",
    "notice_id",
    "number",
    "digest",
    "sequence",
    "public_from",
    "opens_on",
    "closes_on",
    "act",
    "receiving_office_id",
    "reason",
    "drafted_at",
    "drafted_by_id",
    "secrecy_reviewed_at",
    "secrecy_reviewed_by_id",
    "published_at",
    "published_by_id",
    "via",
    "emergency_reason",
    "warnings",
)
ERASED = (
    "COALESCE(length(NEW.document) = 0 AND "  # noqa: S608 – the columns are named above
    + " AND ".join(f"(NEW.{column} = OLD.{column} OR NEW.{column} IS NULL AND OLD.{column} IS NULL)" for column in KEPT)
    + " AND EXISTS (SELECT 1 FROM notices_redaction WHERE edition_id = OLD.id AND redacted_at IS NOT NULL), FALSE)"
)
STANDS = "NOT EXISTS (SELECT 1 FROM notices_redaction WHERE edition_id = OLD.edition_id AND redacted_at IS NOT NULL)"
# (table, event, condition under which it is refused)
GUARDS = [
    *((table, event, "") for table in TABLES for event in ("UPDATE", "DELETE")),
    # A proposed redaction may still be signed; one that was carried out stays as it is.
    ("notices_redaction", "UPDATE", "OLD.redacted_at IS NOT NULL"),
    ("notices_redaction", "DELETE", ""),
    ("notices_edition", "UPDATE", f"NOT ({ERASED})"),
    ("notices_edition", "DELETE", ""),
    ("notices_publishedfile", "UPDATE", ""),
    ("notices_publishedfile", "DELETE", STANDS),
    ("notices_trailentry", "UPDATE", ""),
    ("notices_trailentry", "DELETE", "OLD.at > {half_a_year_ago}"),
]
HALF_A_YEAR_AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', 'now', '-184 days')",
    "postgresql": "CURRENT_TIMESTAMP - interval '184 days'",
}
UNIQUE = [
    ("notices_logentry", ("sequence",)),
    ("notices_treenode", ("id",), ("level", "index")),
    ("notices_checkpoint", ("id",), ("size",)),
    ("notices_confirmation", ("id",), ("edition_id",)),
    ("notices_edition", ("id",), ("sequence",), ("notice_id", "number")),
    ("notices_editiontask", ("id",), ("edition_id", "task_id")),
    ("notices_publishedfile", ("id",), ("edition_id", "number")),
    ("notices_trailentry", ("id",)),
]


def same(columns: tuple[str, ...]) -> str:
    return " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)


# SQLite's INSERT OR REPLACE deletes the row that is in its way without asking the trigger for deletion.
REPLACING = [
    (table, "INSERT", f"EXISTS (SELECT 1 FROM {table} WHERE {' OR '.join(map(same, keys))})")  # noqa: S608
    for table, *keys in UNIQUE
]


def creating(vendor: str) -> list[str]:
    """The statements that put the guards up."""
    guards = [(*guard, condition.replace("{half_a_year_ago}", HALF_A_YEAR_AGO[vendor])) for *guard, condition in GUARDS]
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table} {f'WHEN {condition}' if condition else ''} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table, event, condition in guards + REPLACING
        ]
    function = (
        "CREATE OR REPLACE FUNCTION notices_append_only() RETURNS trigger AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$ LANGUAGE plpgsql"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION notices_append_only()"
        if not condition
        else f"CREATE FUNCTION {table}_no_{event}() RETURNS trigger AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {'OLD' if event == 'DELETE' else 'NEW'}; END $$ LANGUAGE plpgsql; "
        f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_no_{event}()"
        for table, event, condition in guards
    ]


def dropping(vendor: str) -> list[str]:
    """The statements that take them down again."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{event}" for table, event, _ in GUARDS + REPLACING]
    return [
        *(f"DROP TRIGGER IF EXISTS {table}_no_{event} ON {table}" for table, event, _ in GUARDS),
        *(f"DROP FUNCTION IF EXISTS {table}_no_{event}()" for table, event, condition in GUARDS if condition),
        "DROP FUNCTION IF EXISTS notices_append_only()",
    ]


STANDING = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}


def missing(connection) -> list[str]:
    """The names of the guards that do not stand (any more): somebody took them down, or made a table anew."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING[connection.vendor])
        standing = {name.lower() for (name,) in cursor.fetchall()}
    wanted = GUARDS + REPLACING if connection.vendor == "sqlite" else GUARDS
    return [name for table, event, _ in wanted if (name := f"{table}_no_{event}".lower()) not in standing]


def forwards(apps, schema_editor):
    for statement in creating(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)  # a literal % stands in one of them


def backwards(apps, schema_editor):
    for statement in dropping(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)  # a literal % stands in one of them


def unguarded(*operations) -> list:
    """The operations of a later migration that alter a guarded table, with the guards down meanwhile. SQLite makes such a
    table anew, which would lose its guards and stumble over those that name it."""
    return [migrations.RunPython(backwards, forwards), *operations, migrations.RunPython(forwards, backwards)]


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
