"""What DEPLOY.md says of installing, done: from the lock, by way of a folder of wheels, on a machine without a network."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from portal import keys

from .processes import ROOT

NOWHERE = "http://127.0.0.1:9"  # what an index would be, were it asked


def run(*command, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    named = [str(each) for each in command]
    return subprocess.run(named, cwd=folder, env=os.environ | environment, capture_output=True, text=True)


def campaign() -> dict:
    """How long each step took, and what the installed portal says of itself; the control is a wheel that was changed."""
    with tempfile.TemporaryDirectory(prefix="portal-install-") as place:
        folder, seconds = Path(place), {}
        lock, wheels, pip = ROOT / "deploy" / "requirements.lock", folder / "wheels", folder / "venv" / "bin" / "pip"
        steps = {
            "venv": ("python3", "-m", "venv", folder / "venv"),
            "download": (pip, "download", "-q", "--require-hashes", "-r", lock, "-d", wheels),
            "install": (pip, "install", "-q", "--no-index", "--find-links", wheels, "--require-hashes", "-r", lock),
        }
        for name, command in steps.items():
            started = time.monotonic()
            done = run(*command, **({"PIP_INDEX_URL": NOWHERE} if name == "install" else {}))
            seconds[name] = round(time.monotonic() - started)
            if done.returncode:
                return {"failed": name, "said": done.stderr[-500:]}
        return {"wheels": len([*wheels.iterdir()]), "seconds": seconds} | installed(folder, wheels, lock)


def installed(folder: Path, wheels: Path, lock: Path) -> dict:
    """`pip check`, Django's deployment check with the new environment, and an installation from a changed wheel."""
    code = folder / "code"
    shutil.copytree(ROOT, code, ignore=shutil.ignore_patterns(".git", "var", ".env", "__pycache__", "tests"))
    public = {"SITE_URL": "https://gongshi.example", "ALLOWED_HOSTS": "gongshi.example", "SITE_NAME": "公示"}
    public |= {"EMAIL_URL": "smtp://localhost:25", "DEFAULT_FROM_EMAIL": "gongshi@gongshi.example"} | keys.generate()
    python = folder / "venv" / "bin" / "python"
    for name in ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL"):
        os.environ.pop(name, None)
    checked = run(python, "manage.py", "check", "--deploy", "--fail-level", "WARNING", folder=code, **public)
    migrated = run(python, "manage.py", "migrate", "--verbosity", "0", folder=code, **public)
    changed = next(wheels.glob("sqlparse*"))
    changed.write_bytes(changed.read_bytes() + b"\0")
    again = ("--no-index", "--find-links", wheels, "--force-reinstall", "--no-deps", "--require-hashes", "-r", lock)
    return {
        "pip check": run(python, "-m", "pip", "check").stdout.strip(),
        "check --deploy": (checked.stdout + checked.stderr).strip()[-300:],
        "migrate ended with": migrated.returncode,
        "a changed wheel is refused": "DO NOT MATCH THE HASHES" in run(python, "-m", "pip", "install", *again).stderr,
    }
