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
    Guard("length", "portal/encodings.py", 'LENGTH.fullmatch(environ.get("CONTENT_LENGTH") or "0")', "True", "tests/test_encodings.py"),
    Guard("many parameters", "portal/errors.py", "request.GET = QueryDict()", "pass", "tests/test_error_pages.py"),
    Guard("own resources", "portal/headers.py", '"same-origin"', '"cross-origin"', "tests/test_headers.py"),
    Guard("CSP", "portal/settings.py", "\"default-src\": [\"'none'\"]", "\"default-src\": [\"'self'\"]", "tests/test_headers.py"),
    Guard("scope of lists", "notices/admin/scoped.py", "rows if self.shared else rows.of(request.user)", "rows", "tests/test_scope.py"),
    Guard(
        "scope of changes", "notices/admin/scoped.py", "super().has_change_permission(request, obj) and self.is_own(request, obj)",
        "super().has_change_permission(request, obj)", "tests/test_scope.py",
    ),
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
