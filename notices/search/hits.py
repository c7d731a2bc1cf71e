"""What a question finds, page by page, and how many of it each value of a filter would leave.

One walk through the index gives the newest hits, up to CAP + 1. Where these are all, everything else follows from
them. Where words find more, each page is a short walk of its own, and the values of filters are counted among the
newest CAP hits: to count them all takes as long as the notices are many, and is done for who asks for it.
"""

import collections
import dataclasses
import functools

from . import asking, words
from .index import CAP, Index, Page


@dataclasses.dataclass(frozen=True)
class Hits:
    """The hits of a question; `days` and `hidden` as the index says them at the moment. `exact` counts all of them beside
    filters, however many they are."""

    index: Index
    question: asking.Question
    days: asking.Days
    hidden: str = ""
    exact: bool = False

    @functools.cached_property
    def rows(self) -> list[int]:
        """The newest ones, newest first; CAP + 1 of them stand for all above CAP."""
        return self.index.newest(self.question.expression(self.days), self.hidden)

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def are_all(self) -> bool:
        return self.total <= CAP

    @property
    def are_counted(self) -> bool:
        """Whether what `leaving` says of them is exact up to CAP; where it is not, there are at least as many."""
        return self.are_all or self.exact or not self.question.words

    def page(self, place: asking.Place | None, size: int) -> Page:
        """The hits at a place of the list, in the order of the question."""
        strata = self._strata() if self.are_all else self.question.strata(self.days)
        return self.index.page(strata, place, size, self.hidden)

    def _strata(self) -> list[tuple[str, list[int]]]:
        """The strata of the question, as rows."""
        if self.question.order == asking.RELEVANCE and self.question.words:
            titled = set(self.index.newest(self.question.expression(self.days, words.TITLE), self.hidden))
            return [
                ("1", [row for row in self.rows if row in titled]),
                ("2", [row for row in self.rows if row not in titled]),
            ]
        if self.question.order == asking.CLOSING:
            strata = collections.defaultdict(list)
            for row in self.rows:
                strata[self.days.closing_of(self._facets[row].split())].append(row)
            return sorted(strata.items())
        return [("1", self.rows)]

    def leaving(self, name: str, value: str) -> int:
        """How many the filter `name` would leave with that value, for a question without this filter."""
        if self.are_counted and not self.are_all:
            return self.index.count(self.question.with_filter(name, value).expression(self.days), self.hidden)
        return self._tally[value if name == "state" else asking.FILTERS[name] + value]

    @functools.cached_property
    def _facets(self) -> dict[int, str]:
        return self.index.facets(self.rows[:CAP])

    @functools.cached_property
    def _tally(self) -> collections.Counter[str]:
        having = collections.Counter(" ".join(self._facets.values()).split())
        return having + collections.Counter(self.days.states(having))
