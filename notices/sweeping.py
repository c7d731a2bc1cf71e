"""Files that no row names: left by a process that was killed between the file and its row, or between row and file."""

import datetime

from django.core.files.storage import default_storage

from . import stored
from .models import Display, Evidence, PublishedFile

ORPHAN_AGE = datetime.timedelta(days=1)
NAMED = {"evidence": ((Evidence, "file"), (PublishedFile, "file")), "displays": ((Display, "photo"),)}


def orphans(now: datetime.datetime) -> list[str]:
    """The evidence and photos older than a day that no row names."""
    found = {name for folder in NAMED for name in stored.names(folder, (now - ORPHAN_AGE).timestamp())}
    for model, field in (each for rows in NAMED.values() for each in rows):
        found.difference_update(model.objects.values_list(field, flat=True))
    return sorted(found)


def remove_orphans(now: datetime.datetime) -> int:
    names = orphans(now)
    for name in names:
        default_storage.delete(name)
    return len(names)
