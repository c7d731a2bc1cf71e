"""Text as search sees it: runs of units, and the tokens they are stored as. No database.

A unit is one Chinese character or one word of letters and digits. Characters are compared after NFKC and without
case, so Ａ is a; Chinese numerals are numbers, so 第四十七项 is 第47项 and 一 is 1. A run ends at punctuation and at
the end of a line; blanks inside a line do not end it, because 2025 年 is 2025年.

Stored are the pairs of neighbours, in order, so a phrase is a row of neighbouring tokens; each run ends with its last
unit alone, which keeps phrases from crossing into the next run. Every unit is stored once alone as well, so that one
character is found too. Tokens of the title are stored a second time with a mark, for the order of hits.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from notices.documents.numerals import to_number

TITLE = "^"
Place = tuple[int, int, tuple[str, ...]]  # where a run stands: first character, the one after the last, the run
WORD = "|"  # stands before each word, so that a pair of words is not one longer word

_JOINT = "\u2060"  # stands around a number that was written in Chinese
_UNSEEN = rf"[^\S\n]|[{_JOINT}\u00ad\u200b-\u200f\ufeff]"
_EAST = "\u2e80-\U0010ffff"  # where a letter is a unit by itself
_UNIT = rf"(?![\W_])[{_EAST}]|[^\W\d_{_EAST}]*\d+\.\d+(?!\.?\d)|[^\W_{_EAST}]+"
_RUN = re.compile(rf"(?:{_UNIT})(?:(?:{_UNSEEN})*(?:{_UNIT}))*")
_UNITS = re.compile(_UNIT)
_ONES, _ZERO = "[一二三四五六七八九]", "[〇○零]"
_NUMERAL = re.compile(
    rf"{_ONES}百(?:零{_ONES}|{_ONES}?十{_ONES}?)?|[二三四五六七八九]?十{_ONES}?|{_ONES}{_ZERO}[〇○零一二三四五六七八九]*|{_ONES}|{_ZERO}"
)


class _Folded(dict):
    """Character code → the same character without width and case."""

    def __missing__(self, code: int) -> str:
        self[code] = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", chr(code)).casefold())
        return self[code]


_FOLDED = _Folded()


def runs(text: str) -> list[tuple[str, ...]]:
    """The runs of `text`, each as its units; words with their mark."""
    return [tuple(map(_unit, _UNITS.findall(run))) for run in _RUN.findall(_folded(text))]


def _number(printed: re.Match) -> str:
    return f"{_JOINT}{to_number(printed[0])}{_JOINT}"


def _unit(printed: str) -> str:
    return printed if printed[0] >= _EAST[0] else WORD + printed


def phrase(run: tuple[str, ...], mark: str = "") -> str:
    """The tokens that stand beside each other wherever this run stands."""
    if len(run) == 1:
        return mark + run[0]
    return " ".join([mark + first + second for first, second in itertools.pairwise(run)])


def tokens(title: str, text: str, facets: Iterable[str] = ()) -> str:
    """Everything stored of one notice, separated by blanks; the same for the same arguments, always."""
    body = runs(text)
    ends = {run[-1] for run in body}
    alone = dict.fromkeys(unit for run in body for unit in run if unit not in ends)
    return " ".join([*facets, *_titled(title), *alone, *_stored(body)])


def _titled(title: str) -> Iterator[str]:
    found = runs(title)
    yield from dict.fromkeys(TITLE + unit for run in found for unit in run[:-1])
    yield from _stored(found, TITLE)


def _stored(found: list[tuple[str, ...]], mark: str = "") -> Iterator[str]:
    for run in found:
        if len(run) > 1:
            yield phrase(run, mark)
        yield mark + run[-1]


def stands_in(run: tuple[str, ...], text: str) -> bool:
    """Whether the run is part of a run of `text`: what a search finds, without an index."""
    return bool(places(text, {run}))


def places(text: str, wanted: Iterable[tuple[str, ...]]) -> list[Place]:
    """Where the `wanted` runs stand in `text`: (start, end, run) in characters, in order."""
    folded = _folded(text)
    wanted = {run for run in wanted if all(unit.removeprefix(WORD) in folded for unit in run)}
    if not wanted:
        return []
    traced, found = _traced(text), []
    for each in _RUN.finditer(folded):
        units = list(_UNITS.finditer(folded, *each.span()))
        for at, run in _within([_unit(unit[0]) for unit in units], wanted):
            found.append((traced[units[at].start()][0], traced[units[at + len(run) - 1].end() - 1][1], run))
    return sorted(found)


def _folded(text: str) -> str:
    return _NUMERAL.sub(_number, text.translate(_FOLDED))


def _within(units: Sequence[str], wanted: set[tuple[str, ...]]) -> Iterator[tuple[int, tuple[str, ...]]]:
    for run in wanted:
        for at, unit in enumerate(units):
            if unit == run[0] and tuple(units[at : at + len(run)]) == run:
                yield at, run


def _traced(text: str) -> list[tuple[int, int]]:
    """For each character of the folded text the place in `text` that it comes from."""
    folded, places = text.translate(_FOLDED), list(zip(range(len(text)), range(1, len(text) + 1), strict=True))
    if len(folded) != len(text):
        places = [place for place, printed in zip(places, text, strict=True) for _ in _FOLDED[ord(printed)]]
    traced, done = [], 0
    for match in _NUMERAL.finditer(folded):
        place = (places[match.start()][0], places[match.end() - 1][1])
        traced += places[done : match.start()] + [place] * len(_number(match))
        done = match.end()
    return traced + places[done:]


def spans(places: Iterable[Place]) -> list[tuple[int, int]]:
    """The same places without their runs, none overlapping."""
    apart = []
    for start, end, _ in places:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart
