"""The portal's own settings as the drivers run them: the same but for static files, which nobody collected here."""

import os

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES, STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
EMAIL_TIMEOUT = int(os.environ.get("FAULTS_EMAIL_TIMEOUT", "20"))
if os.environ.get("FAULTS_LOSSY_SQLITE"):  # the control of the sync order
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
if os.environ.get("FAULTS_LOSSY_POSTGRESQL"):  # the control of a server that is killed: nobody asks for its settings
    DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
