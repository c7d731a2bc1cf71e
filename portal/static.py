"""Bootstrap's files come out of an installed wheel: nothing is fetched from outside, nothing is copied in."""

import bootstrap
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

FILES = ("css/bootstrap.min.css", "css/bootstrap.min.css.map")


class BootstrapFinder(BaseFinder):
    """Finds the few Bootstrap files that the pages use, as bootstrap/css/…"""

    storage = FileSystemStorage(location=bootstrap.__path__[0])
    storage.prefix = "bootstrap"

    def check(self, **kwargs) -> list:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs):
        name = path.removeprefix("bootstrap/")
        found = self.storage.path(name) if name != path and name in FILES else None
        return ([found] if found else []) if find_all else found

    def list(self, ignore_patterns):
        return [(name, self.storage) for name in FILES]
