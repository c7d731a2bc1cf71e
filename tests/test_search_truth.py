"""The index finds what a reader of every notice would find, and nothing else; page by page, in order."""

import dataclasses
import datetime
import os
import signal

import pytest

from notices.search import asking, hits, index, words
from notices.search.hits import Hits
from tests.benchmarks import search as benchmark
from tests.invented import Writer

TODAY = datetime.date(2026, 3, 2)
NO_DAYS = asking.Days((), ())


@pytest.fixture
def opened(tmp_path):
    with index.opened(tmp_path / "search.db") as made:
        yield made


def put(made: index.Index, row: int, text: str, title: str = "", facets=(asking.EVERY,), public_from="2020"):
    entry = index.Entry(row, row, row, tuple(facets), public_from)
    with made.writing():
        made.add(entry, title, text)
    return entry


def ask(typed: str, order: str = asking.NEWEST, **filters) -> asking.Question:
    return asking.Question(tuple(asking.terms(typed)), tuple(filters.items()), order)


def rows(made, question, days=NO_DAYS, size=2) -> list[int]:
    """All hits, page after page."""
    found, place = [], None
    while True:
        page = made.page(question.strata(days), place, size)
        found += page.pks
        place = page.next
        if not place:
            return found


def test_recall_and_precision_are_whole():
    results = benchmark.compared_with_truth(total=1500, length=400, terms=25)
    assert set(results) == {"1 character", "2 characters", "4 characters", "common", "rare", "across words"}
    for kind, (right, wrong, missed) in results.items():
        assert right > 20, kind
        assert (wrong, missed) == (0, 0), kind


def test_the_comparison_notices_an_index_that_finds_too_much(monkeypatch):
    monkeypatch.setattr(words, "phrase", lambda run, mark="": mark + run[0])
    results = benchmark.compared_with_truth(total=60, length=300, terms=5)
    assert any(wrong or missed for _, wrong, missed in results.values())


def test_pages_go_forward_and_back_and_do_not_shift(opened):
    for row in range(1, 12):
        put(opened, row, "河道治理")
    strata = ask("河道").strata(NO_DAYS)
    first = opened.page(strata, None, 3)
    assert (first.pks, first.number, first.previous) == ([11, 10, 9], 1, None)
    second = opened.page(strata, first.next, 3)
    put(opened, 12, "河道治理")
    assert opened.page(strata, first.next, 3).pks == second.pks == [8, 7, 6]
    third = opened.page(strata, second.next, 3)
    assert opened.page(strata, third.previous, 3).pks == second.pks
    last = opened.page(strata, third.next, 3)
    assert (last.pks, last.number, last.next) == ([2, 1], 4, None)
    assert opened.page(strata, second.previous, 3).number == 1
    beyond = asking.Place("1", 1, 9)
    assert opened.page(strata, beyond, 3).pks == [12, 11, 10]


def test_the_order_of_hits(opened):
    """Relevance: words in the title first. Closing: what is still open by its last day, then the rest."""

    def facets(opens: int, closes: int):
        days = (
            asking.day(asking.OPENS, TODAY + opens * benchmark.DAY),
            asking.day(asking.CLOSES, TODAY + closes * benchmark.DAY),
        )
        return (asking.EVERY, *days)

    put(opened, 1, "河道", "河道整改", facets(-9, 5))
    put(opened, 2, "河道", "矿山整改", facets(-3, 2))
    put(opened, 3, "河道", "河道整改", facets(-30, -3))
    put(opened, 4, "河道", "矿山整改", facets(1, 8))
    put(opened, 5, "河道", "矿山整改", (asking.EVERY, asking.WITHDRAWN))
    days = opened.days(TODAY)
    assert rows(opened, ask("河道")) == [5, 4, 3, 2, 1]
    assert rows(opened, ask("河道", asking.RELEVANCE)) == [3, 1, 5, 4, 2]
    assert rows(opened, ask("河道", asking.CLOSING), days) == [2, 1, 4, 5, 3]
    states = {"open": [2, 1], "upcoming": [4], "closed": [3], "withdrawn": [5]}
    for state, expected in states.items():
        assert rows(opened, ask("", state=state), days) == expected
    assert [opened.count(ask("", state=state).expression(days)) for state in states] == [2, 1, 1, 1]


@pytest.fixture
def varied(opened):
    """Thirty notices of every state, two years, three organisations; every fifth has the word in its title."""
    with opened.writing():
        for row in range(1, 31):
            days = TODAY + (row % 7 - 3) * benchmark.DAY, TODAY + (row % 7 - 2) * benchmark.DAY
            spread = [asking.day(asking.OPENS, days[0]), asking.day(asking.CLOSES, days[1])]
            facets = (asking.EVERY, *([asking.WITHDRAWN] if row % 11 == 0 else spread), f"=y{2025 + row % 2}")
            title = "" if row % 5 else "河道"
            opened.add(index.Entry(row, row, row, (*facets, f"=o{row % 3}"), "2020"), title, f"{title}\n河道矿山")
    return opened


VALUES = {
    "state": ["open", "upcoming", "closed", "withdrawn"],
    "year": ["2025", "2026"],
    "organisation": ["0", "1", "2"],
}
QUESTIONS = [ask("河道"), ask("矿山", state="open"), ask(""), ask("河道", year="2025", organisation="1")]


def there_and_back(hits: Hits) -> list[list[int]]:
    """Page after page to the end, and back to the first."""
    pages = [hits.page(None, 4)]
    while pages[-1].next:
        pages.append(hits.page(pages[-1].next, 4))
    while pages[-1].previous:
        pages.append(hits.page(pages[-1].previous, 4))
    return [page.pks for page in pages]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("order", [asking.NEWEST, asking.RELEVANCE, asking.CLOSING])
def test_the_hits_that_are_known_stand_as_if_each_page_were_asked_for(varied, monkeypatch, question, order):
    question = dataclasses.replace(question, order=order)
    known = there_and_back(Hits(varied, question, varied.days(TODAY)))
    monkeypatch.setattr(hits, "CAP", -1)
    assert known == there_and_back(Hits(varied, question, varied.days(TODAY)))
    assert len(known) > 1


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_filters_leave_is_counted_among_the_known_hits_as_in_the_index(varied, question):
    days = varied.days(TODAY)
    for name, values in VALUES.items():
        found = Hits(varied, question.with_filter(name, ""), days)
        counts = {value: found.leaving(name, value) for value in values}
        asked = {value: varied.count(question.with_filter(name, value).expression(days)) for value in values}
        assert (counts, found.are_counted) == (asked, True)
        assert sum(counts.values()) == found.total > 0


def test_of_too_many_hits_the_newest_are_counted(varied, monkeypatch):
    monkeypatch.setattr(index, "CAP", 10)
    monkeypatch.setattr(hits, "CAP", 10)
    days = varied.days(TODAY)
    worded, every = Hits(varied, ask("河道"), days), Hits(varied, ask(""), days)
    assert (worded.total, worded.are_counted, worded.rows) == (11, False, list(range(30, 19, -1)))
    assert [worded.leaving("year", year) for year in ("2025", "2026")] == [5, 5]
    assert [every.leaving("year", year) for year in ("2025", "2026")] == [11, 11]  # exact: asked of the index
    assert every.are_counted


def test_what_is_taken_out_is_found_no_more(opened):
    entry = put(opened, 1, "河道治理", "河道", (asking.EVERY, "=y2026"))
    put(opened, 2, "河道治理", "河道", (asking.EVERY, "=y2025"))
    with opened.writing():
        opened.remove(entry, "河道", "河道治理")
    assert rows(opened, ask("河道", asking.RELEVANCE)) == [2]
    assert opened.values("=y") == ["2025"]
    put(opened, 3, "河道", public_from="2099-01-01T00:00:00+00:00")
    condition = opened.hidden(datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC))
    assert opened.count(ask("河道").expression(NO_DAYS), condition) == 1
    assert (
        opened.count(ask("河道").expression(NO_DAYS), opened.hidden(datetime.datetime(2099, 1, 2, tzinfo=datetime.UTC)))
        == 2
    )


def test_counts_end_at_the_cap(opened):
    with opened.writing():
        for row in range(1, index.CAP + 5):
            opened.add(index.Entry(row, row, row, (asking.EVERY,), "2020"), "", "河道")
    assert opened.count(ask("河道").expression(NO_DAYS)) == index.CAP + 1


def test_a_file_of_another_version_or_damaged_begins_anew(tmp_path, monkeypatch):
    path = tmp_path / "search.db"
    with index.opened(path) as made:
        put(made, 1, "河道")
    monkeypatch.setattr(index, "VERSION", index.VERSION + 1)
    with index.opened(path) as made:
        assert rows(made, ask("河道")) == []
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(index.Unavailable), index.opened(path):
        pass
    with index.opened(path) as made:
        put(made, 1, "河道")
        assert rows(made, ask("河道")) == [1]


# ---- several processes


def in_a_child(work) -> int:
    """Run `work` in a process of its own; its number."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(1)
    return pid


def test_a_process_killed_in_the_middle_leaves_nothing_half(tmp_path):
    path, text = tmp_path / "search.db", Writer(5).notice(2000)
    with index.opened(path) as made:
        put(made, 1, "河道")

    def work():
        with index.opened(path) as made, made.writing():
            for row in range(2, 400):
                made.add(index.Entry(row, row, row, (asking.EVERY,), "2020"), *text)
            os.kill(os.getpid(), signal.SIGKILL)

    _, status = os.waitpid(in_a_child(work), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with index.opened(path) as made:
        assert rows(made, ask("")) == [1]
        made.connection.execute("INSERT INTO text (text) VALUES ('integrity-check')")
        put(made, 2, "河道")
        assert rows(made, ask("河道")) == [2, 1]


def test_two_processes_write_one_after_the_other(tmp_path):
    path, each = tmp_path / "search.db", 25
    with index.opened(path):
        pass

    def work():
        done = 0
        while done < each:
            try:
                with index.opened(path) as made, made.writing():
                    size, _ = made.followed()
                    made.add(index.Entry(size + 1, size + 1, 1, (asking.EVERY,), "2020"), "", "河道治理")
                    made.mark(size + 1, "")
                done += 1
            except index.Busy:
                continue
        os._exit(0)

    children = [in_a_child(work), in_a_child(work)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    with index.opened(path) as made:
        assert rows(made, ask("河道"), size=10) == list(range(2 * each, 0, -1))
