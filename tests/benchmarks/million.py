"""By hand: the first page of a search in 1,000,000 notices of 200 characters, against 100,000 of them.

The indexes are kept under var/benchmarks/; to make them takes ten minutes and two gigabytes.
"""

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator

from notices.search import index

from . import search
from .frame import Figure

LENGTH = 200  # characters


def figures(small: bool) -> Iterator[Figure]:
    """Reported, not promised."""
    return (dataclasses.replace(figure, bar="") for figure in _found(small))


def _found(small: bool) -> Iterator[Figure]:
    sizes = (1_000, 10_000) if small else (100_000, 1_000_000)
    (few, _), (many, texts) = (search.made(size, LENGTH) for size in sizes)
    with index.opened(many) as large, contextlib.closing(sqlite3.connect(texts)) as plain:
        asked = search.kinds({length: search.rare_terms(large, plain, length) for length in (2, 4)})
    yield search.size_of_the_index(many, texts)
    yield from search.growth(few, many, asked)
