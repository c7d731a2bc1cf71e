"""The secret settings: made fresh by `generate_keys`, kept under var/ by `demo`, nowhere built in."""

import argparse
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from notices.transparency import make_signing_key

DEMO_FILE = Path(__file__).resolve().parent.parent / "var" / "demo.env"


def generate() -> dict[str, str]:
    """New values for every secret setting, by name. Each call makes others."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "LOG_SIGNING_KEY": make_signing_key(),
    }


def prepare(command: list[str]) -> None:
    """Let the two commands that come before any configuration start without one; `command` is argv from its name on.

    `generate_keys` runs on throw-away values; `demo` makes its own once and keeps them in var/demo.env,
    because a second start must still be able to read what the first one encrypted.
    """
    if command[:1] == ["generate_keys"]:
        _fill({**generate(), **_demo_site()})
    elif command[:1] == ["demo"]:
        _fill({**_kept_keys(), **_demo_site(_port(command))})


def _port(command: list[str]) -> str:
    """What `--port` says: the links in mails carry it."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port", default="8000")
    return parser.parse_known_args(command)[0].port


def _demo_site(port: str = "8000") -> dict[str, str]:
    return {
        "SITE_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SITE_NAME": "青澜市生态环境督察整改公示",
        "SITE_OPERATOR": "青澜市生态环境局（演示）",
        "SITE_CONTACT": "0000-1234567",
        "STAFF_SECOND_FACTOR": "off",
        "EMAIL_URL": "folder://",
        "DEFAULT_FROM_EMAIL": "gongshi@qinglan.example",
        # A database of its own: what these keys encrypt and sign no other keys can read, and the other way round.
        "DATABASE_URL": f"sqlite:///{DEMO_FILE.with_name('demo.sqlite3')}",
        "KEYRING_URL": f"sqlite:///{DEMO_FILE.with_name('demo-keyring.sqlite3')}",
        "SEARCH_PATH": str(DEMO_FILE.with_name("demo-search.db")),
    }


def _kept_keys() -> dict[str, str]:
    if not DEMO_FILE.exists():
        DEMO_FILE.parent.mkdir(exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in generate().items()]
        lines.append(f"DEMO_PASSWORD={secrets.token_urlsafe(9)}\n")
        with os.fdopen(os.open(DEMO_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
    return dict(line.split("=", 1) for line in DEMO_FILE.read_text().splitlines())


def _fill(values: dict[str, str]) -> None:
    for name, value in values.items():
        os.environ.setdefault(name, value)
