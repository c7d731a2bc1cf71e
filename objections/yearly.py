"""A year in figures: notices, objections by channel and finding, how long answers took. Counts only, no personal data."""

import collections
import dataclasses
import datetime
import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models.functions import Coalesce
from django.utils import timezone

from notices.models import PublicityNotice

from .models import Objection

WHOLE = "合计"
OUTCOMES = ("属实", "部分属实", "不属实", "不予受理", "异议人撤回", "尚无结论")


class Said(NamedTuple):
    """What counts of one objection; days are those of Shanghai."""

    organisation: str
    channel: str
    month: int
    is_late: bool
    outcome: str
    days_to_decide: int | None
    days_to_reply: int | None


class Shown(NamedTuple):
    """What counts of one notice: the months in which it came out and in which its window closed, None in other years."""

    organisation: str
    published: int | None
    closed: int | None


@dataclasses.dataclass(frozen=True)
class Table:
    """Figures by row; the bars show the column `charted`. None is what cannot be told."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    charted: int = 0
    note: str = ""

    def bars(self) -> list[tuple[str, tuple, float, float]]:
        """(row, figures, length of its bar, longest bar); the row of sums has no bar."""
        lengths = [figures[self.charted] or 0 for name, figures in self.rows if name != WHOLE]
        most = max(lengths, default=0) or 1
        return [
            (name, figures, 0 if name == WHOLE else figures[self.charted] or 0, most) for name, figures in self.rows
        ]

    def cells(self) -> list[list[str]]:
        """The table as text, its head first."""
        return [list(self.head), *([name, *map(printed, figures)] for name, figures in self.rows)]


def printed(figure: float | None) -> str:
    return "—" if figure is None else f"{figure:g}"


def years(user) -> list[int]:
    """The years of which `user` can see anything, the newest first."""
    said = Objection.objects.of(user).order_by("received_on").values_list("received_on", flat=True).first()
    shown = PublicityNotice.objects.of(user).filter(published_at__isnull=False).order_by("published_at").first()
    today = timezone.localdate()
    first = min(
        [today.year, *([said.year] if said else []), *([timezone.localdate(shown.published_at).year] if shown else [])]
    )
    return list(range(today.year, first - 1, -1))


def tables(user, year: int) -> list[Table]:
    """The figures of a year, of the organisations that `user` sees."""
    shown, said = _shown(user, year), _said(user, year)
    return [by_month(shown, said), by_channel(said), by_outcome(said), answer_times(said), by_organisation(shown, said)]


def _said(user, year: int) -> list[Said]:
    place = Coalesce(
        "routed_to__name", "notice__edition__receiving_office__organisation__name", "notice__organisation__name"
    )
    rows = Objection.objects.of(user).filter(received_on__year=year).order_by().dated().annotate(place=place)
    facts = ("accepted_at", "declined_at", "withdrawn_at", "replied_at")
    columns = ("place", "channel", "received_on", "arrived_on", "notice__edition__closes_on", "finding", *facts)
    return [_counted(*row) for row in rows.values_list(*columns)]


def _counted(
    place, channel, received_on, arrived_on, closes_on, finding, accepted_at, declined_at, withdrawn_at, replied_at
):
    outcome = Objection.Finding(finding).label if finding else "尚无结论"
    if not finding and (declined_at or withdrawn_at):
        outcome = "不予受理" if declined_at else "异议人撤回"
    to_decide, to_reply = (_days(received_on, moment) for moment in (accepted_at or declined_at, replied_at))
    label = Objection.Channel(channel).label
    return Said(place, label, received_on.month, arrived_on > closes_on, outcome, to_decide, to_reply)


def _days(first: datetime.date, moment: datetime.datetime | None) -> int | None:
    return max((timezone.localdate(moment) - first).days, 0) if moment else None


def _shown(user, year: int) -> list[Shown]:
    begin, end = (datetime.datetime(each, 1, 1, tzinfo=timezone.get_default_timezone()) for each in (year, year + 1))
    rows = PublicityNotice.objects.of(user).order_by()
    published = rows.filter(published_at__gte=begin, published_at__lt=end).values_list(
        "organisation__name", "published_at"
    )
    closed = (
        rows.standing().filter(edition__closes_on__year=year).values_list("organisation__name", "edition__closes_on")
    )
    return [
        *(Shown(name, timezone.localdate(at).month, None) for name, at in published),
        *(Shown(name, None, day.month) for name, day in closed),
    ]


def by_month(shown: Iterable[Shown], said: Iterable[Said]) -> Table:
    counts = [collections.Counter(months) for months in zip_months(shown, said)]
    rows = [(f"{month}月", tuple(count[month] for count in counts)) for month in range(1, 13)]
    return Table("按月份", ("月份", "发布公示", "公示期满", "收到异议"), _summed(rows), charted=2)


def zip_months(shown, said) -> list[list[int]]:
    """The months of publications, of closes, of objections."""
    shown = list(shown)
    published, closed = (
        [month for each in shown if (month := getattr(each, name))] for name in ("published", "closed")
    )
    return [published, closed, [each.month for each in said]]


def by_channel(said: list[Said]) -> Table:
    rows = [
        (channel.label, _parts([each for each in said if each.channel == channel.label]))
        for channel in Objection.Channel
    ]
    note = "公示期结束后收到的单独计数；来信以邮戳日期为准。"
    return Table("异议来源", ("渠道", "异议", "公示期内", "公示期结束后"), _summed(rows), note=note)


def _parts(said: list[Said]) -> tuple[int, int, int]:
    late = sum(each.is_late for each in said)
    return len(said), len(said) - late, late


def by_outcome(said: list[Said]) -> Table:
    counts = collections.Counter(each.outcome for each in said)
    return Table("核查结果", ("结果", "异议"), _summed([(name, (counts[name],)) for name in OUTCOMES]))


def answer_times(said: list[Said]) -> Table:
    rows = [
        ("收到至决定是否受理", _times(said, "days_to_decide")),
        ("收到至答复", _times(said, "days_to_reply")),
    ]
    note = "从收到之日起的自然日；只计已经决定、已经答复的。九成不超过：十条里有九条在这么多天以内。"
    return Table("办理用时（天）", ("事项", "件数", "中位数", "九成不超过", "最长"), tuple(rows), charted=1, note=note)


def _times(said: Iterable[Said], name: str) -> tuple[float | None, ...]:
    days = sorted(value for each in said if (value := getattr(each, name)) is not None)
    if not days:
        return 0, None, None, None
    return len(days), statistics.median(days), days[math.ceil(0.9 * len(days)) - 1], days[-1]


def by_organisation(shown: list[Shown], said: list[Said]) -> Table:
    """Each organisation with any figure; those below it stand beside it, by name."""
    head = ("单位", "发布公示", "收到异议", "公示期结束后", "属实或部分属实", "答复用时中位数", "九成不超过")
    return Table("按单位", head, _summed(_by_name(shown, said), 4), charted=1)


def _by_name(shown: list[Shown], said: list[Said]) -> list[tuple[str, tuple]]:
    rows = []
    for name in sorted({each.organisation for each in [*shown, *said]}):
        own = [each for each in said if each.organisation == name]
        published = sum(each.organisation == name and bool(each.published) for each in shown)
        upheld = sum(each.outcome in OUTCOMES[:2] for each in own)
        times = _times(own, "days_to_reply")
        rows.append((name, (published, len(own), _parts(own)[2], upheld, times[1], times[2])))
    return rows


def _summed(rows: list[tuple[str, tuple]], summed: int | None = None) -> tuple:
    """The rows and below them their sums; of the columns after `summed` there is none."""
    columns = list(zip(*(figures for _, figures in rows), strict=True))
    sums = tuple(sum(column) if summed is None or place < summed else None for place, column in enumerate(columns))
    return (*rows, (WHOLE, sums)) if rows else ()
