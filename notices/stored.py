"""What lies in the storage – under MEDIA_ROOT, or in the bucket of STORAGE_URL – and since when."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage


def names(folder: str, before: float) -> Iterator[str]:
    """Every file below `folder` last changed before that time (seconds since 1970), as its row names it."""
    if settings.STORAGE_URL:
        yield from default_storage.names_before(folder, before)
        return
    root = Path(settings.MEDIA_ROOT)
    for path in (root / folder).rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before:
                yield path.relative_to(root).as_posix()
