"""Publishing stays O(log n): what one more line costs when the log has 10, 1,000 or 100,000 lines."""

import datetime
import math
import statistics
import time

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notices import transparency
from notices.models import Checkpoint, LogEntry, LogHead, TreeNode
from tests.make import make_draft, make_notice, make_user
from tests.test_append_only import undone

pytestmark = pytest.mark.django_db

SQLITE = connection.vendor == "sqlite"
SIZES = (10, 1_000, 100_000 if SQLITE else 10_000)  # rows go into PostgreSQL one by one
AT = datetime.datetime(2026, 1, 5, 1, 0, tzinfo=datetime.UTC)
STAMP = transparency.stamp(AT)


def line(sequence: int) -> str:
    """What entry_line writes for a withdrawal, without checking each of them again."""
    return (
        f'{{"act":"withdraw","at":"{STAMP}","reason":"第{sequence}份","reference":"2026-0001","sequence":{sequence}}}'
    )


def fill(size: int) -> None:
    """A signed log of that many lines."""
    lines = [line(sequence) for sequence in range(size)]
    nodes = transparency.nodes_of(each.encode() for each in lines)
    at, binary = connection.ops.adapt_datetimefield_value(AT), connection.Database.Binary
    entries = ((sequence, at, "withdraw", "2026-0001", "", text) for sequence, text in enumerate(lines))
    insert(LogEntry, ("sequence", "at", "act", "reference", "digest", "line"), entries)
    insert(TreeNode, ("level", "index", "hash"), ((*place, binary(digest)) for place, digest in nodes.items()))
    LogHead.objects.create(pk=1, size=size)
    root = transparency.root(size, lambda level, index: nodes[level, index])
    note = transparency.sign(transparency.Checkpoint("testserver", size, root, AT), settings.LOG_SIGNING_KEY)
    Checkpoint.objects.create(size=size, note=note.decode(), signed_at=AT)


def insert(model, columns, rows) -> None:
    names, places = ", ".join(f'"{name}"' for name in columns), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({places})", rows)


def submitted(number: int):
    draft = make_draft(title=f"第{number}份公示", tasks=[])
    draft.submit(by=make_user("zhang"))
    return draft


def rows_read(queries, table: str) -> int:
    """How many rows of the table these queries fetched."""
    count = 0
    with connection.cursor() as cursor:
        for query in queries:
            if query["sql"].startswith("SELECT") and table in query["sql"]:
                cursor.execute(query["sql"].replace("%", "%%") if SQLITE else query["sql"])
                count += len(cursor.fetchall())
    return count


def cost(size: int, repeat: int = 9) -> dict:
    """What publishing costs on top of a log of `size` lines; times in milliseconds, from several publications."""
    with undone():
        fill(size)
        by, (first, *drafts), times = make_user("li"), [submitted(number) for number in range(repeat + 1)], []
        with CaptureQueriesContext(connection) as queries:
            first.publish(confirmed=True, by=by)
        nodes, lines = rows_read(queries, "notices_treenode"), rows_read(queries, "notices_logentry")
        for draft in drafts:
            begin, busy = time.perf_counter(), time.thread_time()
            draft.publish(confirmed=True, by=by)
            times.append((1000 * (time.perf_counter() - begin), 1000 * (time.thread_time() - busy)))
        assert LogHead.objects.get().size == Checkpoint.objects.newest().size == size + repeat + 1
        return {"queries": len(queries), "nodes": nodes, "lines": lines} | {
            "wall": min(wall for wall, _ in times),  # the others waited for something else
            "processor": statistics.median(busy for _, busy in times),
        }


def test_one_more_line_costs_at_most_the_logarithm_of_the_length():
    costs = {size: cost(size) for size in SIZES}
    first, last = costs[SIZES[0]], costs[SIZES[-1]]
    for size, each in costs.items():
        print(f"{size:>7} lines: {each}")
        assert each["nodes"] <= 6 * math.log2(size) + 6, size
        assert each["lines"] <= 4, size
    for clock in ("wall", "processor"):
        print(f"{clock} time {SIZES[-1]} ÷ {SIZES[0]}: {last[clock] / first[clock]:.2f}")
    assert abs(last["queries"] - first["queries"]) <= 4
    assert first["nodes"] > 0  # something was counted


def test_a_proof_and_the_page_of_the_log_cost_no_more_in_a_long_log(client):
    counts = []
    for size in SIZES[:2]:
        with undone():
            fill(size)
            notice = make_notice(tasks=[])
            asked = {}
            for url in (f"/notices/{notice.reference}/editions/1/proof.json", "/log/", f"/notices/{notice.reference}/"):
                with CaptureQueriesContext(connection) as queries:
                    assert client.get(url).status_code == 200
                asked[url] = len(queries)
                assert rows_read(queries, "notices_treenode") <= 2 * math.log2(size) + 2
            counts.append(asked)
    assert counts[0] == counts[1]
