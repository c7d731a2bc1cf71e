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
from collections.abc import Iterable

from . import words

LONGEST = 100  # characters of a question; what comes after is not looked for
EVERY, WITHDRAWN, CLOSES, OPENS = "=n", "=w", "=c", "=s"
NEWEST, RELEVANCE, CLOSING = "newest", "relevance", "closing"
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
        """The notices in that public state, None when it names none."""
        running, later = either(map(token, self.closing or ["="])), either(map(token, self.opening or ["="]))
        gone = token(WITHDRAWN)
        return {
            "open": without(running, later, gone),
            "upcoming": without(later, gone),
            "closed": without(token(EVERY), running, gone),
            "withdrawn": gone,
        }.get(state)


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

    def expression(self, days: Days) -> str:
        """All that is looked for."""
        parts = [days.state(value) if name == "state" else token(FILTERS[name] + value) for name, value in self.filters]
        return both(*parts, said(self.words) if self.words else token(EVERY))

    def strata(self, days: Days) -> list[tuple[str, str]]:
        """What is looked for in parts that follow one another, each newest first: (key, expression), keys ascending."""
        whole = self.expression(days)
        if self.order == CLOSING:
            gone = token(WITHDRAWN)
            parts = [(each[2:], without(both(whole, token(each)), gone)) for each in days.closing]
            rest = without(whole, without(either(map(token, days.closing)), gone)) if days.closing else whole
            return [*parts, ("9", rest)]
        if self.order == RELEVANCE and self.words:
            titled = said(self.words, words.TITLE)
            return [("1", both(whole, titled)), ("2", without(whole, titled))]
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
