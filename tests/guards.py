"""Guards taken away one at a time: in a copy of the code, the tests that should notice must fail.

`python -m tests.guards [NAME …]` tries all, or those named, and prints how many were noticed; CI tries a few.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", "pictures", "*.pyc", ".ci")
PATIENCE = 600  # seconds for one guard


@dataclasses.dataclass(frozen=True)
class Guard:
    """`file` without its guard has `after` where `before` stood; `tests` should notice."""

    name: str
    file: str
    before: str
    after: str
    tests: str


GUARDS = [
    Guard("charset", "portal/encodings.py", 'not in ("utf-8", "utf8")', "is None", "tests/test_encodings.py"),
    Guard("length", "portal/encodings.py", "not LENGTH.fullmatch(length)", "False", "tests/test_encodings.py"),
    Guard("many parameters", "portal/errors.py", "request.GET = QueryDict()", "pass", "tests/test_error_pages.py"),
    Guard("own resources", "portal/headers.py", '"same-origin"', '"cross-origin"', "tests/test_headers.py"),
    Guard("CSP", "portal/settings.py", "\"default-src\": [\"'none'\"]", "\"default-src\": [\"'self'\"]", "tests/test_headers.py"),
    Guard("scope of lists", "notices/admin/scoped.py", "rows if self.shared else rows.of(request.user)", "rows", "tests/test_scope.py"),
    Guard(
        "scope of changes", "notices/admin/scoped.py", "super().has_change_permission(request, obj) and self.is_own(request, obj)",
        "super().has_change_permission(request, obj)", "tests/test_scope.py",
    ),
    Guard("two at one form", "notices/admin/conflicts.py", "if sent.then == sent.now:", "if True:", "tests/test_conflicts.py"),
    Guard("seen by bulk", "notices/admin/bulk.py", 'if request.POST.get(f"seen-{row.pk}", "") != self.seen(row):', "if False:", "tests/test_bulk.py"),
    Guard("receipt codes", "objections/receipts.py", "LENGTH = 28", "LENGTH = 20", "tests/test_receipts.py"),
    Guard("digest of codes", "objections/receipts.py", 'hashlib.sha256(b"receipt:" + bare.encode()).hexdigest() if bare', "bare if bare", "tests/test_receipts.py"),
    Guard("question", "objections/throttle.py", "return plain in (str(total), to_chinese(total))", "return True", "tests/test_throttle.py"),
    Guard("flood", "objections/throttle.py", "return (hasty and count > HASTY)", "return (False and count > HASTY)", "tests/test_throttle.py"),
    Guard("forwarded headers", "portal/proxies.py", "request.META.pop(name, None)", "pass", "tests/test_proxies.py"),
    Guard("lease of a mail", "notices/mail.py", "    free = model.objects.due(now).filter(", "    free = model.objects.unsent().filter(", "tests/test_mail.py"),
    Guard("lossy server", "portal/postgresql/base.py", "raise ImproperlyConfigured", "return None and", "tests/test_outages.py"),
    Guard("token of figures", "portal/metrics.py", "if not settings.METRICS_TOKEN or not", "if False and not", "tests/test_metrics.py"),
    Guard("arguments in logs", "portal/logs.py", 'if record.name.startswith("django.")', "if False", "tests/test_logs.py"),
    Guard("one teller of alarms", "notices/models/alarms.py", "if not due.update(told_at=now, text=text):", "if due.update(told_at=now, text=text) is None:", "tests/test_watching.py"),
    Guard("one outage", "notices/models/showing.py", "if not measured.filter(", "if True or not measured.filter(", "tests/test_watching.py"),
    Guard("first failure kept", "portal/watching.py", "self.since = self.since or now", "self.since = now", "tests/test_watching.py"),
    Guard("mail that is over", "notices/models/alarms.py", "return (AlarmMail.Kind.OVER, self) if gone else None", "return None", "tests/test_watching.py"),
    Guard("closing day", "notices/windows.py", '"open" if today <= closes_on', '"open" if today < closes_on', "tests/test_windows.py tests/test_closing_instant.py"),
    Guard("after the close", "objections/forms.py", "return state == State.OPEN or (", "return True or (", "tests/test_objection_form.py"),
    Guard("late by its day", "objections/models/objection.py", "(self.postmarked_on or self.received_on) > self", "self.received_on > self", "tests/test_late_lane.py tests/test_entered_objections.py"),
    Guard("two people", "notices/models/publicity.py", "if via == Edition.Via.REVIEW and (by in", "if False and (by in", "tests/test_own_work.py"),
    Guard("first day in the past", "notices/models/publicity.py", "if not archive and not self.edition_id and self.opens_on < today:", "if False:", "tests/test_publishing.py"),
    Guard("withdrawn stays withdrawn", "notices/models/publicity.py", "        if self.withdrawn_at:\n            raise NotAllowed(\"这份公示已经撤回，不能再发布", "        if False:\n            raise NotAllowed(\"这份公示已经撤回，不能再发布", "tests/test_acts.py"),
    Guard("editions stay", "notices/migrations/0002_append_only.py", '("notices_edition", "DELETE", "")', '("notices_edition", "DELETE", "FALSE")', "tests/test_append_only.py"),
    Guard("erased only when redacted", "notices/migrations/0002_append_only.py", "edition_id = OLD.id AND redacted_at IS NOT NULL), FALSE)", "edition_id = OLD.id), FALSE)", "tests/test_append_only.py"),
    Guard("trail stays", "notices/migrations/0002_append_only.py", '("notices_trailentry", "DELETE", "OLD.at > {half_a_year_ago}")', '("notices_trailentry", "DELETE", "FALSE")', "tests/test_trail.py"),
    Guard("permission of verbs", "notices/admin/verbs.py", "if not verb or not self.may(request, row, verb):", "if not verb:", "tests/test_roles.py tests/test_access_matrix.py"),
    Guard("second factor", "portal/admin_site.py", " and second_factor.is_passed(request)\n", "\n", "tests/test_login.py"),
    Guard("code once", "portal/models.py", "NEARBY, self.last_step + 1)", "NEARBY)", "tests/test_login.py"),
    Guard("recovery code once", "portal/models.py", "found, self.digests = len(left) < len(self.digests), left", "found = len(left) < len(self.digests)", "tests/test_login.py"),
    Guard("new session after the code", "portal/second_factor.py", "request.session.cycle_key()", "pass", "tests/test_break_in.py"),
    Guard("next on this host", "portal/second_factor.py", "return wanted if own else", "return wanted or", "tests/test_login.py tests/test_break_in.py"),
    Guard("session of other roles", "portal/sessions.py", ' or kept["standing"] != standing(request.user)', "", "tests/test_login.py"),
    Guard("lock-out of one", "portal/settings.py", 'AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]', 'AXES_LOCKOUT_PARAMETERS = ["ip_address"]', "tests/test_login.py"),
    Guard("told after the commit", "notices/committing.py", "piece.settle(failure)", "piece.settle(None)", "tests/test_committing.py"),
    Guard("rolled back for all", "notices/committing.py", "if transaction.get_rollback():", "if False:", "tests/test_committing.py"),
    Guard("posts meet the notice as it stands", "notices/snapshots.py", "if memory.seen == stamp.read(self.stamp) and", "if", "tests/test_snapshots.py"),
    Guard("one form, one objection", "objections/migrations/0001_initial.py", '_digest", models.CharField(editable=False, max_length=64, unique=True)', '_digest", models.CharField(editable=False, max_length=64)', "tests/test_objection_form.py"),
    Guard("no plain text in a sealed column", "objections/sealing.py", "if value and not isinstance(value, Ciphertext):", "if False:", "tests/test_keyring.py"),
    Guard("who looked", "objections/admin/revealing.py", "        record_view(request, row, self.objection_of(row))\n", "", "tests/test_personal_data.py tests/test_trail.py"),
    Guard("masks", "objections/admin/revealing.py", "name if revealed else", "name if True else", "tests/test_personal_data.py"),
    Guard("hold", "objections/models/keeping.py", "held_at=None, purged_at=None)\n        if not ended", "purged_at=None)\n        if not ended", "tests/test_retention.py"),
    Guard("key destroyed", "objections/models/keeping.py", "        ring.destroy(self.data_key)\n", "", "tests/test_retention.py tests/test_keyring.py"),
    Guard("gate before closure", "objections/outcomes.py", "    if waiting:\n", "    if False:\n", "tests/test_outcome_statement.py tests/test_deadlines.py"),
    Guard("names of files", "notices/attachments.py", '.replace("\\\\", "/").rpartition("/")[2]', "", "tests/test_attachments.py"),
    Guard("size of files", "notices/attachments.py", "if upload.size > MAX_FILE:", "if False:", "tests/test_attachments.py"),
    Guard("weight of packages", "notices/attachments.py", "declared > MAX_UNPACKED or too_dense:", "False:", "tests/test_attachments.py tests/test_reading_hostile.py"),
    Guard("formulas", "notices/sheets.py", "\"'\" + text if is_dangerous(text := _text(value)) else text", "_text(value)", "tests/test_exports.py"),
    Guard("size of imports", "notices/documents/files.py", "if len(content) > MAX_BYTES:", "if False:", "tests/test_reading_hostile.py"),
    Guard("dry run", "notices/management/commands/import_notice.py", "transaction.set_rollback(dry_run or bool(faults))", "transaction.set_rollback(bool(faults))", "tests/test_import_notice.py"),
    Guard("signature checked", "notices/auditing.py", "said = checkpoint.verified([self.current])", "said = checkpoint.read()", "tests/test_audit_publication.py"),
    Guard("private pages not kept", "notices/snapshots.py", 'said.get(MAY_BE_KEPT.lower()) != "1"', "False", "tests/test_snapshots_kept.py"),
    Guard("no cookie kept", "notices/snapshots.py", 'return "set-cookie" not in said and "vary" not in said', "return True", "tests/test_snapshots_kept.py"),
    Guard("keys before restoring", "portal/backups.py", "if missing := missing_keys(manifest):", "if False:", "tests/test_backup.py"),
    Guard("filters stay in their table", "notices/admin/scoped.py", "return asked and super().lookup_allowed(lookup, value, request)", "return asked", "tests/test_break_in.py"),
    Guard("links that open", "notices/admin/linking.py", "if not admin or not admin.opens(request, row):", "if not admin:", "tests/test_admin_links.py"),
    Guard("a fork's own connection", "notices/snapshots.py", "if self.process != os.getpid():", "if False:", "tests/test_snapshots.py"),
    Guard("lines that may be overtaken", "notices/models/trail.py", "pk__gt=number, at__lt=(now or timezone.now()) - SETTLED", "pk__gt=number", "tests/test_trail.py"),
    Guard("replaced whole", "notices/durable.py", 'path.with_name(f"{path.name}.new")', "path", "tests/test_sign_log.py"),
    Guard("damaged backup", "portal/backups.py", "if not path.is_file() or digest(path) != expected:", "if False:", "tests/test_backup.py"),
]  # fmt: skip


def copy(place: Path) -> None:
    for name in ("portal", "notices", "objections", "templates", "static", "tests", "deploy"):
        shutil.copytree(ROOT / name, place / name, ignore=LEFT_OUT)
    for name in ("manage.py", "pyproject.toml", "requirements.txt", "README.md"):
        shutil.copy(ROOT / name, place / name)


def run(place: Path, tests: str) -> bool:
    """Whether the tests pass in the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests.split()]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTEST_CURRENT_TEST", "DATABASE_URL"):  # a database of its own, beside that of the tests around it
        environment.pop(name, None)
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode == 0


def is_noticed(guard: Guard | None, tests: str = "") -> bool:
    """Whether the tests fail without the guard; without any mutation for the control."""
    with tempfile.TemporaryDirectory(prefix="portal-guards-") as folder:
        place = Path(folder)
        copy(place)
        if guard:
            source = (place / guard.file).read_text()
            if source.count(guard.before) < 1:
                raise LookupError(f"{guard.name}: not in {guard.file}")
            (place / guard.file).write_text(source.replace(guard.before, guard.after))
        return not run(place, guard.tests if guard else tests)


def main() -> None:
    chosen = [guard for guard in GUARDS if guard.name in sys.argv[1:]] or GUARDS
    noticed = 0
    for guard in chosen:
        found = is_noticed(guard)
        noticed += found
        print(f"{'noticed' if found else 'NOT NOTICED'}: {guard.name}", flush=True)
    print(f"{noticed} of {len(chosen)}")


if __name__ == "__main__":
    main()
