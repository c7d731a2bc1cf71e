"""load_calendar: a year's holidays whole or not at all, and the notices that count differently with them."""

import datetime
import io

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from notices import holidays, recounting
from notices.models import CalendarDay, PublicityNotice
from notices.models.calendar import current_calendar
from notices.windows import Calendar, Day
from tests.make import make_draft, make_notice, make_organisation, make_user, withdraw

pytestmark = pytest.mark.django_db

# Nobody has published a calendar for these years; the portal reckons with bare weekends.
YEAR = 2045
MONDAY = datetime.date(YEAR, 1, 2)
TABLE = """日期,安排,名称
2045-01-01,放假,元旦
2045-01-02,放假,元旦
2045-01-14,上班,元旦调休
"""


@pytest.fixture(autouse=True)
def december():
    """Ten days before the year; windows over its beginning are being drafted."""
    with time_machine.travel(datetime.datetime(2044, 12, 22, 10, tzinfo=datetime.UTC)):
        yield


@pytest.fixture
def load(tmp_path):
    def load(table: str | bytes = TABLE, year: int = YEAR, **options) -> str:
        file = tmp_path / "2045.csv"
        file.write_bytes(table if isinstance(table, bytes) else table.encode())
        out = io.StringIO()
        call_command("load_calendar", str(year), str(file), stdout=out, **options)
        return out.getvalue()

    return load


def stored() -> list:
    return list(CalendarDay.objects.values_list("date", "working", "name", "source"))


# ---- the table


def test_a_year_is_stored_with_its_source(load):
    assert "共 3 天，新录入或改动 3 天" in load(source="国办发明电〔2044〕7号")
    assert stored() == [
        (datetime.date(2045, 1, 1), False, "元旦", "国办发明电〔2044〕7号"),
        (datetime.date(2045, 1, 2), False, "元旦", "国办发明电〔2044〕7号"),
        (datetime.date(2045, 1, 14), True, "元旦调休", "国办发明电〔2044〕7号"),
    ]


def test_loading_again_changes_nothing_and_a_corrected_file_its_days(load):
    load(source="通知")
    before = stored()
    assert "新录入或改动 0 天" in load(source="别的")
    assert stored() == before
    assert "新录入或改动 1 天" in load(TABLE.replace("2045-01-02,放假,元旦", "2045-01-02,上班,"), source="更正")
    assert stored()[1][1:] == (True, "", "更正")
    assert stored()[0][3] == "通知"


def test_what_the_file_leaves_out_stays_and_is_named(load):
    load()
    printed = load(TABLE.rsplit("\n", 2)[0])
    assert "日历里另有 2045-01-14 上班 元旦调休，文件里没有" in printed
    assert len(stored()) == 3


@pytest.mark.parametrize(
    "table",
    [
        TABLE.encode("gb18030"),
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n"),
        TABLE.partition("\n")[2],
        TABLE.replace(",", "，"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", "  "),
        TABLE.replace("-", "/"),
        TABLE.replace("2045-01-", "2045年1月").replace(",放假", "日,放假").replace(",上班", "日,上班"),
        TABLE.replace("-01-0", "-1-"),
        TABLE.replace("\n", "\n\n") + "  \n",
        TABLE.replace("元旦\n", "元旦,\n"),
        '"2045-01-01","放假","元旦"\n"2045-01-02","放假","元旦"\n"2045-01-14","上班","元旦调休"',
    ],
)
def test_the_forms_of_a_table(load, table):
    load(table, source="通知")
    assert [row[:3] for row in stored()] == [
        (datetime.date(2045, 1, 1), False, "元旦"),
        (datetime.date(2045, 1, 2), False, "元旦"),
        (datetime.date(2045, 1, 14), True, "元旦调休"),
    ]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "文件是空的|没有任何一天"),
        ("日期,安排,名称\n", "没有任何一天"),
        (TABLE + "2044-12-31,放假,元旦\n", "第 5 行：2044-12-31 不在 2045 年。"),
        (TABLE + "2045-01-01,放假,元旦\n", "第 5 行：2045-01-01 与第 2 行重复。"),
        (TABLE + "2045-02-30,放假,\n", "第 5 行：“2045-02-30”不是日期"),
        (TABLE + "2045年,放假,\n", "第 5 行：“2045年”不是日期"),
        (TABLE + "２０４５-０１-０３,放假,\n", "第 5 行：“２０４５-０１-０３”不是日期"),
        (TABLE + "2045-01-03,休息,\n", "第 5 行：“休息”应为“放假”或“上班”。"),
        (TABLE + "2045-01-03\n", "第 5 行：“”应为“放假”或“上班”。"),
        (TABLE + "2045-01-03,放假," + "长" * 51 + "\n", "第 5 行：名称超过 50 个字。"),
        (TABLE + "注：以上\n", "第 5 行：“注：以上”不是日期"),
        (b"\0\1\2", "二进制|文字|文件"),
        (b"\xff\xfe\xfd,abc", "编码|文字|文件"),
        (b"x" * ((1 << 20) + 1), "文件太大"),
    ],
)
def test_a_bad_table_is_not_stored(load, table, says):
    with pytest.raises(CommandError, match=says) as refusal:
        load(table)
    assert "没有保存任何内容" in str(refusal.value)
    assert stored() == []


def test_all_faults_are_named_at_once(load):
    with pytest.raises(CommandError) as refusal:
        load(TABLE + "2044-12-31,放假,\n2045-01-01,休,\n昨天,放假,\n")
    assert [line.split("：")[0] for line in str(refusal.value).splitlines()[:3]] == ["第 5 行", "第 6 行", "第 7 行"]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="读不了"):
        call_command("load_calendar", "2045", str(tmp_path / "nothing"))
    with pytest.raises(CommandError, match="读不了"):
        call_command("load_calendar", "2045", str(tmp_path))


def test_half_a_table_is_never_stored(monkeypatch):
    days = [Day(datetime.date(2045, 1, 1), False, "元旦"), Day(datetime.date(2045, 1, 2), False, None)]
    with pytest.raises(Exception, match=r"(?i)null"):
        CalendarDay.objects.take(days, source="通知")
    assert not CalendarDay.objects.filter(date=days[0].date).exists()


# ---- who counts differently


def published(**fields) -> PublicityNotice:
    """Ten working days from the first Monday, by the weekends alone: to January 13."""
    return make_notice(MONDAY, tasks=[], **fields)


def test_a_window_that_has_become_short_is_listed_and_stays_as_it_is(load):
    notice = published(title="关于某项的公示")
    assert notice.edition.read().window.working_days == 10
    end = notice.edition.closes_on
    printed = load(TABLE.replace("2045-01-14,上班", "2045-01-14,放假"))
    line = (
        f"{notice.reference}《关于某项的公示》：10 → 9 个工作日，现到 2045-01-13，按规则应到 2045-01-16，请办理延期。"
    )
    assert printed.splitlines()[-2:] == ["工作日数有变化的公示：1 份。", line]
    notice.refresh_from_db()
    assert (notice.edition.number, notice.edition.closes_on) == (1, end)


def test_a_window_that_has_become_longer_is_listed_and_never_shortened(load):
    notice = published()
    printed = load("2045-01-07,上班,调休\n")
    assert f"{notice.reference}《{notice.title}》：10 → 11 个工作日，现到 2045-01-13，仍满足规则。" in printed


def test_listed_again_until_it_is_extended(load):
    notice = published()
    load()
    assert "有变化的公示：1 份" in load()
    notice.refresh_from_db()
    notice.extend(by=make_user("zhang"), closes_on=datetime.date(2045, 1, 16), reason="放假安排公布")
    notice.publish(confirmed=True, by=make_user("li"))
    assert "有变化的公示：0 份" in load()


def test_drafts_are_listed_with_the_end_that_they_would_get(load):
    draft = make_draft(MONDAY, tasks=[], title="草拟的公示")
    printed = load(TABLE.replace("2045-01-14,上班", "2045-01-14,放假"))
    assert f"草稿 {draft.pk}《草拟的公示》：10 → 9 个工作日" in printed
    assert "有变化的公示：0 份" in load(TABLE.replace("2045-01-14,上班", "2045-01-14,放假"))


def test_a_draft_without_an_end_or_beyond_all_measure_is_no_obstacle(load):
    draft = make_draft(MONDAY, tasks=[])
    PublicityNotice.objects.filter(pk=draft.pk).update(closes_on=None)
    make_draft(datetime.date(2040, 1, 1), datetime.date(2045, 12, 31), tasks=[])
    make_draft(tasks=[], organisation=make_organisation("990301", "别的局"))
    assert "有变化的公示：1 份" in load(TABLE.replace("2045-01-14,上班", "2045-01-14,放假"))


def test_who_is_not_concerned_is_not_listed(load):
    withdraw(published())
    calendar_days = make_organisation("990301", "按自然日公示的局")
    calendar_days.publicity_rules.create(length=7, unit="calendar")
    published(organisation=calendar_days)
    make_notice(datetime.date(2044, 12, 22), datetime.date(2044, 12, 30), tasks=[])
    make_notice(datetime.date(2045, 1, 16), tasks=[])
    assert "有变化的公示：0 份" in load()


def test_the_first_day_counts_by_the_rule_of_the_organisation(load):
    organisation = make_organisation()
    organisation.publicity_rules.create(length=10, first_day_counts=False)
    notice = make_notice(MONDAY, datetime.date(2045, 1, 16), tasks=[], organisation=organisation)
    printed = load("2045-01-04,放假,\n")
    assert f"{notice.reference}《{notice.title}》：11 → 10 个工作日，现到 2045-01-16，按规则应到 2045-01-17" in printed


def test_recounts_reads_rows_in_a_few_queries(django_assert_max_num_queries):
    for number in range(5):
        published(title=f"第{number}份")
    calendar = Calendar({MONDAY: Day(MONDAY, False, "元旦")})
    before = current_calendar()
    with django_assert_max_num_queries(4):
        found = list(recounting.recounts(recounting.touching(YEAR), calendar, before))
    assert [recount.now for recount in found] == [9] * 5


# ---- what staff see


@pytest.fixture
def admin(client):
    def page(name: str, **query) -> str:
        client.force_login(make_user("admin", is_superuser=True))
        return client.get(reverse(f"admin:{name}"), query).content.decode()

    return page


def test_staff_find_the_notices_that_count_differently(load, admin):
    concerned = published(title="受影响的公示")
    make_notice(datetime.date(2045, 1, 16), tasks=[], title="不受影响的公示")
    assert "工作日数与现行日历不同" not in admin("index")
    load(TABLE.replace("2045-01-14,上班", "2045-01-14,放假"))
    page = admin("index")
    assert "1 份未结束的公示，工作日数与现行日历不同，其中 1 份不足规定天数" in page
    assert "/admin/notices/publicitynotice/?count_changed=1" in page
    page = admin("notices_publicitynotice_changelist", count_changed="1")
    assert concerned.reference in page
    assert "不受影响的公示" not in page
    assert "不受影响的公示" in admin("notices_publicitynotice_changelist")


def test_what_is_closed_is_no_longer_an_alarm(load, admin):
    published()
    load()
    with time_machine.travel(datetime.datetime(2045, 1, 13, 15, 59, tzinfo=datetime.UTC)):
        assert "工作日数与现行日历不同" in admin("index")
    with time_machine.travel(datetime.datetime(2045, 1, 13, 16, 0, tzinfo=datetime.UTC)):
        assert "工作日数与现行日历不同" not in admin("index")


@pytest.mark.parametrize(
    ("day", "year"), [("2026-09-30", None), ("2026-10-01", 2027), ("2026-12-31", 2027), ("2027-01-05", 2027)]
)
def test_a_year_without_a_calendar_is_an_alarm_from_october_on(admin, load, day, year):
    with time_machine.travel(datetime.datetime.fromisoformat(f"{day}T12:00:00+08:00")):
        page = admin("index")
        assert ("年的放假安排还没有录入" in page) == bool(year)
        if year:
            assert f"{year} 年的放假安排还没有录入" in page
            load(TABLE.replace("2045", str(year)), year)
            assert "年的放假安排还没有录入" not in admin("index")


def test_the_largest_table_is_far_beyond_a_year():
    lines = [
        f"{datetime.date(2045, 1, 1) + datetime.timedelta(number)},放假,一个不短的节日名称" for number in range(365)
    ]
    assert len(holidays.read_table("\n".join(lines).encode(), 2045)) == 365
