"""What `check --deploy` says beside Django's own: connections that leave this machine are encrypted."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Tags, Warning, register

HERE = ("", "localhost", "127.0.0.1", "::1")
ENCRYPTED = ("require", "verify-ca", "verify-full")


@register(Tags.security, deploy=True)
def encrypted(app_configs=None, **options) -> list[Warning]:
    """One warning for each setting that names another machine and no TLS."""
    return [
        Warning(f"{name}：与 {host} 的连接没有加密。", hint=hint, id="portal.W001")
        for name, host, plain, hint in connections()
        if plain and host not in HERE and not host.startswith("/")
    ]


def connections() -> Iterator[tuple[str, str, bool, str]]:
    """(setting, host, whether it goes there in the clear, what to write instead)."""
    for name, database in (("DATABASE_URL", settings.DATABASES["default"]), ("KEYRING_URL", settings.KEYRING)):
        clear = database.get("OPTIONS", {}).get("sslmode") not in ENCRYPTED
        yield name, database.get("HOST") or "", clear, "网址末尾加 ?sslmode=verify-full。"
    clear = not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
    yield "EMAIL_URL", settings.EMAIL_HOST, clear, "改用 smtp+tls:// 或 smtp+ssl://。"
    for place in (settings.CACHES["default"].get("LOCATION", ""), settings.STORAGE_URL):
        for url in [place] if isinstance(place, str) else place:
            parts = urlsplit(url)
            name = "CACHE_URL" if parts.scheme.startswith("redis") else "STORAGE_URL"
            clear = parts.scheme in ("redis", "s3+http")
            yield name, parts.hostname or "", clear, "改用 rediss:// 或 s3://。"
