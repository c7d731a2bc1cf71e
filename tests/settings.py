"""The portal's own settings with keys of the tests' own; DATABASE_URL chooses the database as in production."""

import os
import tempfile
from pathlib import Path

from portal import keys

_scratch = Path(tempfile.mkdtemp(prefix="portal-tests-"))
os.environ |= keys.generate() | {
    "SITE_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "SITE_NAME": "测试公示门户",
    "EMAIL_URL": "memorymail://",
    "DEFAULT_FROM_EMAIL": "portal@test.example",
    "MEDIA_ROOT": str(_scratch / "media"),
    "KEYRING_URL": f"sqlite:///{_scratch / 'keyring.sqlite3'}",
    "SEARCH_PATH": str(_scratch / "search.db"),
    "STAMP_PATH": str(_scratch / "stamp"),
}

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
STAFF_SECOND_FACTOR = False  # test_login.py turns it on
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: locks and WAL are part of what is tested.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}
