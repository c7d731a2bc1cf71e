"""Search in 10,000 and in 100,000 notices of full length, against LIKE over the same texts, and against the truth.

The two indexes are kept under var/benchmarks/ and used again: to make the large one takes some minutes.
"""

import contextlib
import datetime
import functools
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from notices.search import asking, index
from notices.search.hits import Hits
from tests import invented
from tests.invented import Writer

from . import frame
from .frame import VAR, Figure, p95

LENGTH = 3000  # characters, like the reference notice
SIZE = 20  # hits on a page
DAY = datetime.timedelta(days=1)
interleaved = functools.partial(frame.interleaved, clock=time.thread_time)  # all files are in memory
FIRST, DAYS = datetime.date(2018, 1, 1), 3000
TODAY = FIRST + DAYS * DAY
NOW = datetime.datetime.combine(TODAY, datetime.time(), datetime.UTC)
SEED = 100_000  # of both indexes, so that the smaller one holds the first notices of the larger
BATCH = 500


def facets(number: int, total: int) -> tuple[str, ...]:
    """What filters know of the notice with that number: some years, forty organisations, a few rounds."""
    opens = FIRST + number * DAYS // total * DAY
    closes = opens + 15 * DAY
    own = (f"=o{number % 40}", "=d99", f"=d99{number % 9:02}", f"=r{number % 7}", "=ktask", f"=y{opens.year}")
    days = asking.day(asking.OPENS, opens), asking.day(asking.CLOSES, closes)
    return (asking.EVERY, *([asking.WITHDRAWN] if number % 97 == 0 else days), *own)


def entry(number: int, total: int) -> index.Entry:
    return index.Entry(number, number, number, facets(number, total), "2018")


def made(total: int, length: int = LENGTH) -> tuple[Path, Path]:
    """The index over that many notices of so many characters and a plain table of their texts, for LIKE; made once."""
    name = f"search-{total}-{length}-v{index.VERSION}"
    where, plain = VAR / f"{name}.db", VAR / f"{name}.plain.db"
    VAR.mkdir(parents=True, exist_ok=True)
    if not where.exists():
        fresh = VAR / f"{name}.new"
        index.discard(fresh)
        plain.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(plain)) as texts, index.opened(fresh) as made:
            texts.executescript("PRAGMA synchronous=OFF; CREATE TABLE notice (id INTEGER PRIMARY KEY, text TEXT);")
            fill(made, texts, total, length)
            made.compact()
        index.replace(where, fresh)
    return where, plain


def hamlet(number: int) -> str:
    """A name that hardly any other notice has: in a language most words are rare, in the invented texts none."""
    return chr(0x7300 + number * 7 % 151) + chr(0x7400 + number * 11 % 149)


def fill(made: index.Index, texts: sqlite3.Connection, total: int, length: int) -> None:
    writer = Writer(SEED)
    for start in range(1, total + 1, BATCH):
        with made.writing(), texts:
            for number in range(start, min(start + BATCH, total + 1)):
                title, text = writer.notice(length)
                text += f"{hamlet(number)}村已经完成整改。\n"
                made.add(entry(number, total), title, text)
                texts.execute("INSERT INTO notice VALUES (?, ?)", (number, text))


# --- Truth -----------------------------------------------------------------------------------------------------------

HAN = re.compile("[\u4e00-\u9fff]+")
NUMERALS = set("〇零一二三四五六七八九十百")


def window(chosen: random.Random, texts: list[str], length: int) -> str:
    """So many characters from anywhere."""
    while True:
        run = chosen.choice(HAN.findall(chosen.choice(texts)))
        start = chosen.randrange(len(run))
        found = run[start : start + length]
        if len(found) == length and not NUMERALS & set(found):
            return found


def asked_terms(texts: list[str], terms: int, seed: int = 7) -> dict[str, list[str]]:
    """What to look for, by kind. No numerals: they are the same as digits, which plain comparison does not know."""
    chosen = random.Random(seed)

    vocabulary = [word for theme in invented.THEMES for word in theme] + invented.ACTS + invented.RESULTS
    names = list(Writer(seed).names)
    return {
        "1 character": [window(chosen, texts, 1) for _ in range(terms)],
        "2 characters": [window(chosen, texts, 2) for _ in range(terms)],
        "4 characters": [window(chosen, texts, 4) for _ in range(terms)],
        "common": chosen.sample([word for word in vocabulary if len(word) in (2, 4)], terms),
        "rare": [name for name in names if any(name in text for text in texts[:400])][-terms:],
        "across words": [window(chosen, texts, 3) for _ in range(terms)],
    }


def compared_with_truth(total: int, length: int, terms: int) -> dict[str, tuple[int, int, int]]:
    """Kind of term → hits that are right, hits that are wrong, and notices that were missed."""
    writer = Writer(3)
    notices = [writer.notice(length) for _ in range(total)]
    results = {}
    with tempfile.TemporaryDirectory() as folder, index.opened(Path(folder) / "search.db") as made:
        with made.writing():
            for row, notice in enumerate(notices, 1):
                made.add(entry(row, total), *notice)
        for kind, asked in asked_terms([text for _, text in notices], terms).items():
            right = wrong = missed = 0
            for term in asked:
                truth = {row for row, (_, text) in enumerate(notices, 1) if term in text}
                found = set(all_rows(made, term))
                right, wrong, missed = (
                    right + len(found & truth),
                    wrong + len(found - truth),
                    missed + len(truth - found),
                )
            results[kind] = right, wrong, missed
    return results


def question(typed: str, order: str = asking.NEWEST, **filters) -> asking.Question:
    return asking.Question(tuple(asking.terms(typed)), tuple(filters.items()), order)


def all_rows(made: index.Index, typed: str) -> Iterator[int]:
    """Every hit, newest first, page after page."""
    place, strata = None, question(typed).strata(asking.Days((), ()))
    while True:
        page = made.page(strata, place, 500)
        yield from page.pks
        place = page.next
        if not place:
            return


# --- Figures ---------------------------------------------------------------------------------------------------------

NO_DAYS = asking.Days((), ())
COMMON = {2: ["河道", "整治", "清理", "整改"], 4: ["完成整改", "明显改善", "达到要求", "通过验收"]}
ACROSS = [
    "法清",
    "治河",
    "查矿",
    "工清理",
    "改河道",
    "局会同水",
    "面整治扬",
]  # the end of one word, the beginning of the next
APART = ["整治理", "整改造", "新建筑", "监管网"]  # two pairs that are everywhere and hardly ever beside each other
BARS = {
    "common, 2 characters": "≤ 2",
    "common, 4 characters": "≤ 2",
    "rare, 2 characters": "≤ 2",
    "rare, 4 characters": "≤ 2",
    "across words": "≤ 4",
    "common pairs that rarely meet": "≤ 10",
}


def rare_terms(many: index.Index, plain: sqlite3.Connection, length: int, wanted: int = 4) -> list[str]:
    """The rarest of many strings of that many characters, from anywhere in 300 notices."""
    texts = [text for (text,) in plain.execute("SELECT text FROM notice LIMIT 300")]
    chosen = random.Random(length)
    windows = {window(chosen, texts, length) for _ in range(6000)} | {hamlet(number) for number in range(1, 300)}
    return [term for _, term in sorted((hits(many, term), term) for term in windows if len(term) == length)][:wanted]


def hits(made: index.Index, typed: str) -> int:
    return made.count(question(typed).expression(NO_DAYS))


def kinds(rare: dict[int, list[str]]) -> dict[str, list[str]]:
    return dict(zip(BARS, (COMMON[2], COMMON[4], rare[2], rare[4], ACROSS, APART), strict=True))


def first_page(where: Path, typed: str, place: asking.Place | None = None) -> None:
    """All that the list asks of the index before a page of hits can be shown; it opens it each time."""
    with index.opened(where) as made, made.reading():
        order = asking.RELEVANCE if typed else asking.NEWEST
        found = Hits(made, question(typed, order), made.days(TODAY), made.hidden(NOW))
        found.page(place, SIZE)
        all_counts(found)


def all_counts(found: Hits) -> None:
    """The counts beside every value of every filter."""
    values = {name: found.index.values(prefix) for name, prefix in asking.FILTERS.items()}
    for name, each in (values | {"state": ["open", "upcoming", "closed", "withdrawn"]}).items():
        for value in each:
            found.leaving(name, value)


def walk(made: index.Index, typed: str) -> None:
    """The part of it that reads the words' lists."""
    made.newest(question(typed).expression(NO_DAYS))


def times_of(few, many, typed: list[str], work=first_page, rounds: int = 25) -> tuple[float, float]:
    """p95 of that work in both indexes, over all these words."""
    cases = {(place, each): functools.partial(work, place, each) for place in (few, many) for each in typed}
    found = interleaved(cases, rounds)
    return tuple(p95([time for each in typed for time in found[place, each]]) for place in (few, many))


def figures(small: bool) -> Iterator[Figure]:
    sizes = (1_000, 10_000) if small else (10_000, 100_000)
    (few, _), (many, texts) = (made(size) for size in sizes)
    with contextlib.ExitStack() as stack:
        small_one, large = (stack.enter_context(index.opened(where)) for where in (few, many))
        plain = stack.enter_context(contextlib.closing(sqlite3.connect(texts)))
        asked = kinds({length: rare_terms(large, plain, length) for length in (2, 4)})
        yield from growth(few, many, asked)
        yield from walks(small_one, large, asked)
        yield from against_like(many, plain, asked["rare, 4 characters"])
        yield from pages(many, sizes[1])
        yield from adding(large, sizes[1])
        yield size_of_the_index(many, texts)
    yield from truth(2_000 if small else 20_000)


def growth(few: Path, many: Path, asked: dict[str, list[str]]) -> Iterator[Figure]:
    for kind, typed in (asked | {"no word": [""]}).items():
        less, more = times_of(few, many, typed)
        yield Figure(f"first page, {kind}: p95, ten times the notices", more / less, BARS.get(kind, ""))
        yield Figure(f"first page, {kind}: p95 of the larger, ms", more * 1000)


def walks(few: index.Index, many: index.Index, asked: dict[str, list[str]]) -> Iterator[Figure]:
    """How the lists of the words themselves grow, without all that is the same for every question."""
    for kind, typed in asked.items():
        less, more = times_of(few, many, typed, walk)
        yield Figure(f"of which the walk, {kind}: p95, ten times the notices", more / less)
        yield Figure(f"of which the walk, {kind}: p95 of the larger, ms", more * 1000)


def against_like(many: Path, plain: sqlite3.Connection, rare: list[str]) -> Iterator[Figure]:
    like = "SELECT id FROM notice WHERE text LIKE ? ORDER BY id DESC LIMIT 20"
    cases = {
        f"like {each}": functools.partial(lambda term: plain.execute(like, (f"%{term}%",)).fetchall(), each)
        for each in rare
    }
    slow = p95([each for times in interleaved(cases, 2).values() for each in times])
    _, fast = times_of(many, many, rare)
    yield Figure("rare words: p95 of LIKE ÷ p95 of search", slow / fast, "≥ 500")


def pages(many: Path, total: int) -> Iterator[Figure]:
    for name, typed, key in (("every notice", "", "1"), ("a common word", COMMON[2][0], "2")):
        places = {"first": None, "deepest": asking.Place(key, total // 50, 9999)}
        cases = {each: functools.partial(first_page, many, typed, place) for each, place in places.items()}
        times = interleaved(cases, 100)
        ratio = statistics.median(times["deepest"]) / statistics.median(times["first"])
        yield Figure(f"deepest page ÷ first, {name}", ratio, "≤ 1.3")


def adding(many: index.Index, total: int) -> Iterator[Figure]:
    writer, times, added = Writer(5), [], []
    for number in range(total + 1, total + 51):
        one, text = entry(number, total), writer.notice(LENGTH)
        begin = time.thread_time()
        with many.writing():
            many.add(one, *text)
        times.append(time.thread_time() - begin)
        added.append((one, *text))
    with many.writing():
        for each in added:
            many.remove(*each)
    yield Figure("adding one notice: median, ms", statistics.median(times) * 1000, "≤ 10")
    yield Figure("adding one notice: p95, ms", p95(times) * 1000)


def size_of_the_index(where: Path, plain: Path) -> Figure:
    with contextlib.closing(sqlite3.connect(plain)) as texts:
        text = texts.execute("SELECT sum(length(CAST(text AS BLOB))) FROM notice").fetchone()[0]
    return Figure("the index ÷ the text", where.stat().st_size / text, "≤ 1.3")


def truth(total: int) -> Iterator[Figure]:
    found = compared_with_truth(total, 600, 25).values()
    right, wrong, missed = (sum(each) for each in zip(*found, strict=True))
    yield Figure(f"recall, {total} notices", right / (right + missed), "≥ 1")
    yield Figure(f"precision, {total} notices", right / (right + wrong), "≥ 1")
