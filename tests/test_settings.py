"""The portal starts fully configured or not at all, and says what to set."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal import keys

ROOT = Path(__file__).resolve().parent.parent
SECRETS = keys.generate()
PUBLIC = SECRETS | {
    "SITE_URL": "https://gongshi.example",
    "ALLOWED_HOSTS": "gongshi.example",
    "SITE_NAME": "公示",
    "EMAIL_URL": "smtp://localhost:25",
    "DEFAULT_FROM_EMAIL": "gongshi@gongshi.example",
}


@pytest.fixture
def elsewhere(tmp_path):
    """A copy of the code without any .env of a developer's."""
    (tmp_path / "manage.py").write_bytes((ROOT / "manage.py").read_bytes())
    for name in ("portal", "notices", "objections", "templates", "static"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def start(place: Path, environment: dict, *arguments: str) -> subprocess.CompletedProcess:
    arguments = arguments or ("check",)
    clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(place)}
    command = [sys.executable, str(place / "manage.py"), *arguments]
    return subprocess.run(command, cwd=place, env=clean | environment, capture_output=True, text=True, timeout=60)


def test_with_its_secrets_the_portal_starts_on_loopback(elsewhere):
    assert start(elsewhere, SECRETS).returncode == 0


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "SECRET_KEY、FIELD_ENCRYPTION_KEYS"),
        (SECRETS | {"SECRET_KEY": " "}, "SECRET_KEY"),
        (SECRETS | {"FIELD_ENCRYPTION_KEYS": "abc"}, "FIELD_ENCRYPTION_KEYS"),
        (SECRETS | {"SITE_URL": "gongshi.example"}, "SITE_URL"),
        (SECRETS | {"SITE_URL": "https://gongshi.example"}, "ALLOWED_HOSTS、EMAIL_URL、DEFAULT_FROM_EMAIL、SITE_NAME"),
        ({**PUBLIC, "EMAIL_URL": ""}, "EMAIL_URL"),
        (SECRETS | {"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL"),
        (SECRETS | {"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        (SECRETS | {"SITE_URL": "http://[bad"}, "SITE_URL"),
        (SECRETS | {"EMAIL_URL": "pigeon://coop"}, "EMAIL_URL"),
        (SECRETS | {"TRUSTED_PROXIES": "nginx"}, "TRUSTED_PROXIES"),
        (SECRETS | {"CLAMD_URL": "localhost:3310"}, "CLAMD_URL"),
        (SECRETS | {"STORAGE_URL": "s3://minio:9000/files"}, "STORAGE_URL"),
    ],
)
def test_half_configured_it_refuses_with_one_sentence(elsewhere, environment, says):
    result = start(elsewhere, environment)
    assert result.returncode != 0
    assert result.stderr.startswith("无法启动")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_dot_env_is_read_and_the_environment_wins(elsewhere):
    lines = [f"{name}={value}\n" for name, value in SECRETS.items()]
    (elsewhere / ".env").write_text("".join([*lines, "SITE_NAME=来自文件\n"]))
    show = ("shell", "-v0", "-c", "from django.conf import settings; print(settings.SITE_NAME)")
    assert start(elsewhere, {}, *show).stdout.strip() == "来自文件"
    assert start(elsewhere, {"SITE_NAME": "来自环境"}, *show).stdout.strip() == "来自环境"


def test_generate_keys_needs_no_configuration_and_prints_what_starts_the_portal(elsewhere):
    result = start(elsewhere, {}, "generate_keys")
    assert result.returncode == 0, result.stderr
    (elsewhere / ".env").write_text(result.stdout)
    assert start(elsewhere, {}).returncode == 0
    assert start(elsewhere, {}, "generate_keys").stdout != result.stdout


def test_deployment_check_has_no_warning(elsewhere):
    result = start(elsewhere, PUBLIC, "check", "--deploy", "--fail-level", "WARNING")
    assert result.returncode == 0, result.stderr


PLAIN = {
    "DATABASE_URL": "postgres://portal:x@db.example/portal",
    "KEYRING_URL": "postgres://portal:x@keys.example/keys?sslmode=prefer",
    "EMAIL_URL": "smtp://a:b@mail.example:25",
    "CACHE_URL": "redis://cache.example:6379/0",
    "STORAGE_URL": "s3+http://key:secret@files.example:9000/files",
}
TLS = {
    "DATABASE_URL": PLAIN["DATABASE_URL"] + "?sslmode=verify-full",
    "KEYRING_URL": "postgres://portal:x@keys.example/keys?sslmode=require",
    "EMAIL_URL": "smtp+tls://a:b@mail.example:587",
    "CACHE_URL": "rediss://cache.example:6379/0",
    "STORAGE_URL": "s3://key:secret@files.example:9000/files",
}


def test_deployment_check_warns_of_each_connection_that_leaves_the_machine_in_the_clear(elsewhere):
    ask = ("check", "--deploy", "--tag", "security", "--fail-level", "WARNING")
    said = start(elsewhere, PUBLIC | PLAIN, *ask).stderr
    assert [name for name in PLAIN if f"{name}：与" not in said] == []
    assert start(elsewhere, PUBLIC | TLS, *ask).returncode == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://gongshi.example", "True __Host-sessionid True 31536000"),
        ("http://gongshi.example", "False sessionid False 0"),
    ],
)
def test_what_needs_https_follows_the_scheme_of_site_url(elsewhere, url, expected):
    names = "SESSION_COOKIE_SECURE, s.SESSION_COOKIE_NAME, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS"
    show = ("shell", "-v0", "-c", f"from django.conf import settings as s; print(s.{names})")
    assert start(elsewhere, PUBLIC | {"SITE_URL": url}, *show).stdout.strip() == expected


@pytest.mark.django_db
def test_the_database_is_durable_waits_its_turn_and_is_not_waited_for_without_end():
    if connection.vendor != "sqlite":
        assert connection.settings_dict["CONN_MAX_AGE"] == 600
        assert connection.settings_dict["CONN_HEALTH_CHECKS"]
        with connection.cursor(), socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000  # milliseconds
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        return
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        pragmas = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    assert pragmas == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 20000, "foreign_keys": 1}


def test_language_and_time_zone():
    assert (settings.LANGUAGE_CODE, settings.TIME_ZONE, settings.USE_TZ) == ("zh-hans", "Asia/Shanghai", True)
