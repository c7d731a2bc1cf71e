"""The baseline: a WSGI function that returns the same bytes each time, and does nothing else."""

import os
from pathlib import Path

_folder = Path(os.environ["ANSWERS"]) if "ANSWERS" in os.environ else None
if _folder:
    BODY = [(_folder / "body").read_bytes()]
    STATUS, *_lines = (_folder / "head").read_text().splitlines()
    HEADERS = [tuple(line.split(": ", 1)) for line in _lines]


def application(environ, start_response):
    start_response(STATUS, HEADERS)
    return BODY
