"""Whether the process lives, and whether it can serve."""

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.models import LogAudit, MailPause

PLAIN = "text/plain; charset=utf-8"


@never_cache
@require_safe
def live(request):
    """200 as long as the process answers at all."""
    return HttpResponse("ok\n", content_type=PLAIN)


@never_cache
@require_safe
def ready(request):
    """200 when the database answers, has every migration, and the newest audit of the log found it whole; otherwise
    503 with the reason. The audit itself is the command audit_publication: here only its result is read."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, ImproperlyConfigured):
        return HttpResponse("database: unreachable\n", status=503, content_type=PLAIN)
    if waiting:
        return HttpResponse(f"database: {len(waiting)} migrations to run\n", status=503, content_type=PLAIN)
    audit = LogAudit.objects.newest()
    if audit and audit.count:
        found = f"log: {audit.count} differences found at {audit.audited_at:%Y-%m-%dT%H:%MZ}\n"
        return HttpResponse(found, status=503, content_type=PLAIN)
    return HttpResponse("ok\n" + _mail(), content_type=PLAIN)


def _mail() -> str:
    """A queue that stands still is told of; the site goes on taking objections meanwhile."""
    pause = MailPause.objects.first()
    return f"mail: paused since {pause.begun_at:%Y-%m-%dT%H:%MZ}, {pause.last_error}\n" if pause else ""
