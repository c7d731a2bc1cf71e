"""What is looked for, as expressions of the index. No database.

Filters are tokens of the index like words are, so one expression holds all of a question and no hit is thrown away
after it was found. A state is derived on the day: the days on which notices open and close are tokens, and the days
that lie ahead are few.
"""

import base64
import binascii
import dataclasses
import datetime
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

from . import words

LONGEST = 100  # characters of a question; what comes after is not looked for
EVERY, WITHDRAWN, CLOSES, OPENS = "=n", "=w", "=c", "=s"
NEWEST, RELEVANCE, CLOSING = "newest", "relevance", "closing"
LAST = "9"  # the key of what closes on no day ahead
FILTERS = {"organisation": "=o", "district": "=d", "round": "=r", "year": "=y", "kind": "=k"}


@dataclasses.dataclass(frozen=True)
class Term:
    """One word of a question as typed, and the runs that all have to be found."""

    typed: str
    runs: tuple[tuple[str, ...], ...]


def terms(question: str) -> list[Term]:
    """The words of a question: apart by blanks, what stands in quotation marks as one. Those that say nothing are left out."""
    question = unicodedata.normalize("NFKC", question[:LONGEST])
    typed = [quoted or plain for quoted, plain in re.findall(r'["“]([^"“”]*)["”]|([^\s"“”]+)', question)]
    found = {each: Term(each, tuple(dict.fromkeys(words.runs(each)))) for each in typed}
    return [term for term in found.values() if term.runs]


def either(parts: Iterable[str]) -> str:
    return "(" + " OR ".join(parts) + ")"


def both(*parts: str) -> str:
    return "(" + " AND ".join(parts) + ")"


def without(part: str, *others: str) -> str:
    return f"({part} NOT {either(others)})"


def token(text: str) -> str:
    return f'"{text}"'


def day(prefix: str, date: datetime.date) -> str:
    """The token of a day on which a window opens or closes."""
    return f"{prefix}{date:%Y%m%d}"


def districts(code: str) -> list[str]:
    """The regions that an organisation lies in, as beginnings of their codes: 370302 → 37, 3703, 370302."""
    return [code[:length] for length in (2, 4, 6) if length == 2 or code[length - 2 : length] != "00"]


def said(found: Iterable[Term], mark: str = "") -> str:
    """Every run of every term stands in the notice, or, with words.TITLE, in its title."""
    return both(*(token(words.phrase(run, mark)) for term in found for run in term.runs))


@dataclasses.dataclass(frozen=True)
class Days:
    """The tokens of the days ahead, in order: on which windows close (today included) and on which they open."""

    closing: tuple[str, ...]
    opening: tuple[str, ...]

    def state(self, state: str) -> str | None:
        """The notices in that public state, None when it names none. Withdrawn ones have no days."""
        running, later = either(map(token, self.closing or ["="])), either(map(token, self.opening or ["="]))
        return {
            "open": without(running, later),
            "upcoming": later,
            "closed": without(token(EVERY), running, token(WITHDRAWN)),
            "withdrawn": token(WITHDRAWN),
        }.get(state)

    def states(self, having: Counter[str]) -> dict[str, int]:
        """How many are in each state, of notices that have these tokens so many times."""
        upcoming, withdrawn = sum(having[day] for day in self.opening), having[WITHDRAWN]
        running = sum(having[day] for day in self.closing)
        closed = having[EVERY] - running - withdrawn
        return {"open": running - upcoming, "upcoming": upcoming, "closed": closed, "withdrawn": withdrawn}

    def closing_of(self, facets: Collection[str]) -> str:
        """The key of its stratum in the order of closing."""
        return next((each[2:] for each in self.closing if each in facets), LAST)


@dataclasses.dataclass(frozen=True)
class Question:
    """Words and filters; `filters` is by the names of FILTERS and `state`, only known values."""

    words: tuple[Term, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    order: str = NEWEST

    def with_filter(self, name: str, value: str) -> "Question":
        """The same with another value of one filter, "" for any."""
        others = tuple(pair for pair in self.filters if pair[0] != name)
        return dataclasses.replace(self, filters=others + (((name, value),) if value else ()))

    def expression(self, days: Days, mark: str = "") -> str:
        """All that is looked for; with words.TITLE, all whose title says it."""
        parts = [days.state(value) if name == "state" else token(FILTERS[name] + value) for name, value in self.filters]
        parts += [said(self.words, mark)] if self.words else []
        return both(*(parts or [token(EVERY)]))

    def strata(self, days: Days) -> list[tuple[str, str]]:
        """What is looked for in parts that follow one another, each newest first: (key, expression), keys ascending."""
        whole = self.expression(days)
        if self.order == CLOSING:
            parts = [(each[2:], both(whole, token(each))) for each in days.closing]
            return [*parts, (LAST, without(whole, *map(token, days.closing)) if days.closing else whole)]
        if self.order == RELEVANCE and self.words:
            return [("1", self.expression(days, words.TITLE)), ("2", without(whole, said(self.words, words.TITLE)))]
        return [("1", whole)]


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in the list: after (or before) the row with this number in the stratum with this key; `page` is for the eye."""

    key: str
    row: int
    page: int
    backward: bool = False

    def __str__(self) -> str:
        plain = f"{'<' if self.backward else '>'}{self.key}.{self.row}.{self.page}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """The place that `str` wrote; None for anything else."""
        try:
            plain = base64.b64decode(text[:80] + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        except (ValueError, binascii.Error):
            return None
        match = re.fullmatch(r"([<>])([0-9]{1,8})\.([0-9]{1,18})\.([1-9][0-9]{0,6})", plain, re.ASCII)
        return match and cls(match[2], int(match[3]), int(match[4]), match[1] == "<")


def suggestions(question: Question) -> list[tuple[str, Question]]:
    """The same question with one word or one filter less: (what was left out, question)."""
    fewer = [
        (term.typed, dataclasses.replace(question, words=tuple(each for each in question.words if each is not term)))
        for term in question.words
        if len(question.words) > 1
    ]
    return list(itertools.chain(fewer, ((name, question.with_filter(name, "")) for name, _ in question.filters)))
