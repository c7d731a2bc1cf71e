"""Where the words that were looked for stand in a notice, as HTML with <mark>. No database."""

import itertools
from collections.abc import Collection, Iterable, Iterator
from html import escape

from django.utils.safestring import SafeString, mark_safe

from . import words

AROUND = 36  # characters shown on either side of a word
PIECES = 2  # of one notice
DOTS, NONE = SafeString("…"), SafeString("")
Piece = tuple[SafeString, str, SafeString]  # of a line, with what stands for the rest of it on either side


def marked(text: str, wanted: Collection[tuple[str, ...]]) -> SafeString:
    """`text` with every place of the `wanted` runs marked."""
    return _marked(text, words.places(text, wanted))


def _marked(text: str, places: list[words.Place]) -> SafeString:
    html, done = "", 0
    for start, end in words.spans(places):
        html += f"{escape(text[done:start])}<mark>{escape(text[start:end])}</mark>"
        done = end
    return mark_safe(html + escape(text[done:]))  # noqa: S308 – every piece is escaped above


def excerpts(text: str, wanted: Collection[tuple[str, ...]]) -> list[SafeString]:
    """Pieces of the text in which the `wanted` runs stand, each run at least once if PIECES are enough."""
    missing, found = set(wanted), []
    for before, piece, after in itertools.chain(_as_typed(text, wanted), _lines(text, missing)):
        places = words.places(piece, wanted)
        here = missing.intersection(run for *_, run in places)
        if here:
            found.append(before + _marked(piece, places) + after)
            missing -= here
        if not missing or len(found) == PIECES:
            break
    return found


def _as_typed(text: str, wanted: Iterable[tuple[str, ...]]) -> Iterator[Piece]:
    """Where the runs seem to stand letter by letter: mostly they do, and to find that out is quick."""
    lower = text.lower()
    if len(lower) != len(text):
        return
    printed = ["".join(unit.removeprefix(words.WORD) for unit in run) for run in wanted]
    for start, letters in sorted((lower.find(letters), letters) for letters in printed):
        if start >= 0:
            first, last = text.rfind("\n", 0, start) + 1, f"{text}\n".index("\n", start)
            yield _around(text[first:last], start - first, start - first + len(letters))


def _lines(text: str, missing: Collection[tuple[str, ...]]) -> Iterator[Piece]:
    """Wherever else they stand, while any are missing."""
    for line in map(str.strip, text.splitlines()):
        for start, end, _ in words.places(line, missing)[:1]:
            yield _around(line, start, end)


def _around(line: str, start: int, end: int) -> Piece:
    """The part of a line around a place in it."""
    first, last = max(start - AROUND, 0), min(end + AROUND, len(line))
    return DOTS if first else NONE, line[first:last].strip(), DOTS if last < len(line) else NONE
