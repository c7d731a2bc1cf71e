"""What changed between two editions of a notice, paragraph by paragraph, readable without knowing how it was found."""

import dataclasses
import difflib
import re

from .notice import NoticeDocument
from .rendering import to_text

SAME, ADDED, REMOVED = "same", "added", "removed"


@dataclasses.dataclass(frozen=True)
class Change:
    """One paragraph that differs: its pieces in reading order, each same | added | removed."""

    pieces: tuple[tuple[str, str], ...]


def differences(old: NoticeDocument, new: NoticeDocument) -> list[Change]:
    """Every paragraph in which the printed text of `new` differs from that of `old`, in order; [] when none does."""
    before, after = _lines(old), _lines(new)
    changes = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            changes += _paired(before[i1:i2], after[j1:j2])
    return changes


def _lines(document: NoticeDocument) -> list[str]:
    return [line.strip() for line in to_text(document).splitlines() if line.strip()]


def _paired(before: list[str], after: list[str]) -> list[Change]:
    """Paragraphs that stand for each other are compared letter by letter; what is left over came or went whole."""
    shared = min(len(before), len(after))
    changes = [letters(old, new) for old, new in zip(before, after, strict=False)]
    changes += [Change(((REMOVED, old),)) for old in before[shared:]]
    return changes + [Change(((ADDED, new),)) for new in after[shared:]]


def letters(old: str, new: str) -> Change:
    before, after = _tokens(old), _tokens(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < 0.4:  # another paragraph, not a changed one: letters would be confetti
        return Change(((REMOVED, old), (ADDED, new)))
    pieces = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pieces.append((SAME, "".join(before[i1:i2])))
            continue
        pieces += [(REMOVED, "".join(before[i1:i2]))] if i2 > i1 else []
        pieces += [(ADDED, "".join(after[j1:j2]))] if j2 > j1 else []
    return Change(tuple(pieces))


def _tokens(text: str) -> list[str]:
    """Letters, but a number or a day in one piece: 78 that became 87 is no 8 put before a 7."""
    return re.findall(r"\d+月\d+日|\d+|\D", text)
