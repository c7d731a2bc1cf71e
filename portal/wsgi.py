"""What gunicorn serves."""

import contextlib
import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection

from .encodings import OnlyUtf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

django_application = get_wsgi_application()

from notices.snapshots import Snapshots  # noqa: E402 – models are there only now

application = OnlyUtf8(Snapshots(django_application))

# A database that may lose what it stored is refused here; one that is away is waited for.
with contextlib.suppress(OperationalError), contextlib.closing(connection.copy()) as first:
    first.ensure_connection()

# What is loaded now stays: the collector need not walk through it each time (40 ms), only through what comes and goes.
gc.collect()
gc.freeze()
