"""Where the words that were looked for stand in a notice, as HTML with <mark>. No database."""

from collections.abc import Collection

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from . import words

AROUND = 36  # characters shown on either side of a word
PIECES = 2  # of one notice


def marked(text: str, wanted: Collection[tuple[str, ...]]) -> SafeString:
    """`text` with every place of the `wanted` runs marked."""
    html, done = "", 0
    for start, end in words.spans(text, wanted):
        html += f"{conditional_escape(text[done:start])}<mark>{conditional_escape(text[start:end])}</mark>"
        done = end
    return mark_safe(html + conditional_escape(text[done:]))  # noqa: S308 – every piece is escaped above


def excerpts(text: str, wanted: Collection[tuple[str, ...]]) -> list[SafeString]:
    """Pieces of the text in which the `wanted` runs stand, each run at least once if PIECES are enough."""
    missing, found = set(wanted), []
    for line in text.splitlines():
        if not missing or len(found) == PIECES:
            break
        here = {run for run in missing if words.stands_in(run, line)}
        if here:
            found.append(marked(_around(line.strip(), here), wanted))
            missing -= here
    return found


def _around(line: str, here: set[tuple[str, ...]]) -> str:
    """The part of a line in which the first of these runs stands."""
    start, end = words.spans(line, here)[0]
    first, last = max(start - AROUND, 0), min(end + AROUND, len(line))
    return f"{'…' if first else ''}{line[first:last]}{'…' if last < len(line) else ''}"
