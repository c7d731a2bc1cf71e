"""The list of notices: what it finds follows every act, its filters count right, nothing that is typed breaks it."""

import datetime
import html
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notices import list_views
from notices.documents.notice import NotADocument
from notices.models import LogEntry, PublicityNotice
from notices.search import following, hits, index

from . import make
from .test_public_pages import notice_in, page, text_of

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def references(client, query: str = "", **options) -> list[str]:
    """The notices on a page of the list, in order."""
    return re.findall(r'href="/notices/(\d{4}-\d{4,})/"', page(client, f"/notices/?{query}", **options))


def saying(text: str, **fields) -> PublicityNotice:
    """A published notice whose basis says that."""
    return make.make_notice(basis=f"根据有关规定，{text}，现进行公示。", tasks=[], **fields)


def correct(notice: PublicityNotice, **fields) -> PublicityNotice:
    notice.refresh_from_db()
    notice.begin_correction(by=make.make_user("zhang"), reason="写错")
    PublicityNotice.objects.filter(pk=notice.pk).update(**fields)
    notice.refresh_from_db()
    notice.submit(by=make.make_user("zhang"))
    notice.publish(by=make.make_user("li"), confirmed=True)
    return notice


# ---- what is found follows the acts


def test_an_act_shows_in_the_next_request(client):
    first, second = saying("清理砷渣"), saying("清理铅渣")
    assert references(client, "q=砷渣") == [first.reference]
    assert references(client) == references(client, "q=清理") == [second.reference, first.reference]
    correct(first, basis="清理铬渣。")
    assert references(client, "q=砷渣") == []
    assert references(client, "q=铬渣") == [first.reference]
    assert references(client) == [second.reference, first.reference]  # the place in the list stays
    make.withdraw(second)
    assert references(client, "q=铅渣&state=withdrawn") == [second.reference]
    assert references(client, "q=铅渣&state=open") == []
    assert "已撤回" in page(client, "/notices/?q=铅渣")


def test_a_working_copy_is_not_searched(client):
    notice = saying("清理砷渣")
    make.make_draft(basis="清理铬渣。", tasks=[])
    notice.begin_correction(by=make.make_user("zhang"), reason="写错")
    PublicityNotice.objects.filter(pk=notice.pk).update(basis="清理铬渣。")
    assert references(client, "q=铬渣") == []
    assert references(client, "q=砷渣") == [notice.reference]


def test_a_scheduled_notice_is_found_once_it_is_public(client):
    now = timezone.now()
    draft = make.make_draft(timezone.localdate() + 2 * DAY, basis="清理砷渣。", tasks=[])
    draft.submit(by=make.make_user("zhang"))
    draft.publish(by=make.make_user("li"), confirmed=True, public_from=now + datetime.timedelta(hours=5))
    assert references(client, "q=砷渣") == references(client) == []
    assert "没有找到公示" in page(client, "/notices/")
    with time_machine.travel(now + datetime.timedelta(hours=6), tick=False):
        assert references(client, "q=砷渣") == references(client) == [draft.reference]


def test_states_follow_the_calendar(client):
    notice = saying("清理砷渣", opens_on=timezone.localdate() + DAY, closes_on=timezone.localdate() + 3 * DAY)
    for days, state in ((0, "upcoming"), (1, "open"), (3, "open"), (4, "closed")):
        with time_machine.travel(timezone.now() + days * DAY, tick=False):
            found = {each: references(client, f"state={each}") for each in ("upcoming", "open", "closed", "withdrawn")}
        assert found == {each: [notice.reference] if each == state else [] for each in found}


def redacted(word: str) -> PublicityNotice:
    notice = make.withdraw(saying(f"清理{word}"))
    following.keep_up()
    notice.propose_redaction(by=make.make_user("zhang"), number=1, ground="依法")
    notice.redact(by=make.make_user("li"), number=1)
    return notice


def test_an_erased_text_leaves_the_file(client):
    kept = saying("清理铅渣")
    notice, path = redacted("secretword"), Path(settings.SEARCH_PATH)
    assert b"secretword" in path.read_bytes()
    assert references(client, "q=secretword") == []
    assert notice.reference not in references(client)
    while not following.keep_up():
        pass
    assert not any(b"secretword" in each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    assert references(client, "q=铅渣") == [kept.reference]
    assert following.keep_up()  # once is enough


def test_an_old_text_that_is_erased_before_the_index_saw_the_new_one(client):
    notice = saying("清理砷渣")
    assert references(client, "q=砷渣") == [notice.reference]
    correct(notice, basis="清理铬渣。")
    notice.propose_redaction(by=make.make_user("zhang"), number=1, ground="依法")
    notice.redact(by=make.make_user("li"), number=1)
    assert references(client, "q=砷渣") == []
    while not following.keep_up():
        pass
    assert references(client, "q=砷渣") == []
    assert references(client, "q=铬渣") == [notice.reference]


# ---- the file


def test_a_lost_file_comes_back_by_itself(client):
    notice = saying("清理砷渣")
    assert references(client, "q=砷渣") == [notice.reference]
    index.discard(following.path())
    assert references(client, "q=砷渣") == [notice.reference]


def test_a_damaged_file_is_one_page_with_a_word_of_it(client):
    notice = saying("清理砷渣")
    references(client)
    following.path().write_bytes(b"\xff" * 9000)
    html = page(client, "/notices/?q=砷渣&state=open")
    assert "搜索和筛选暂时不可用" in html
    assert notice.reference in html
    assert references(client, "q=砷渣") == [notice.reference]


@pytest.mark.parametrize("state", ["", "open", "closed", "nonsense"])
def test_without_a_file_the_list_still_stands(client, settings, tmp_path, state):
    (tmp_path / "file").write_text("")
    settings.SEARCH_PATH = str(tmp_path / "file" / "search.db")
    notice = saying("清理砷渣")
    html = page(client, f"/notices/?q=砷渣&page=abc&state={state}")
    assert "搜索和筛选暂时不可用" in html
    assert (notice.reference in html) == (state != "closed")


def test_a_damaged_edition_takes_no_other_out_of_the_list(client, monkeypatch):
    first, second = saying("清理砷渣", title="关于破损的公示"), saying("清理砷渣")
    whole, broken = following._said, bytes(first.edition.document)
    monkeypatch.setattr(following, "_said", lambda content: damaged() if content == broken else whole(content))
    assert references(client, "q=砷渣") == [second.reference]
    assert references(client, "q=破损") == [first.reference]


def damaged():
    raise NotADocument("not in canonical form")


def test_another_log_is_noticed(client):
    saying("清理砷渣")
    assert len(references(client)) == 1
    with index.opened(following.path()) as opened, opened.writing():
        opened.mark(1, "0" * 64)
        opened.connection.execute("UPDATE notice SET pk = 999")
    assert len(references(client, "q=砷渣")) == 1


def test_catching_up_is_bounded_and_says_so(client, monkeypatch):
    monkeypatch.setattr(following, "IN_A_REQUEST", 2)
    notices = [saying("清理砷渣") for _ in range(5)]
    index.discard(following.path())
    for found in (2, 4):
        html = page(client, "/notices/?q=砷渣")
        assert "搜索索引正在更新" in html
        assert f"共{found}份" in html
    html = page(client, "/notices/?q=砷渣")
    assert "搜索索引正在更新" not in html
    assert "共5份" in html
    assert len(notices) == 5


def test_while_another_process_writes_the_list_stands(client, monkeypatch):
    monkeypatch.setattr(index, "PATIENCE", 0)
    first = saying("清理砷渣")
    assert references(client) == [first.reference]
    with index.opened(following.path()) as other, other.writing():
        saying("清理砷渣")
        html = page(client, "/notices/?q=砷渣")
        assert "搜索索引正在更新" in html
        assert "共1份" in html
    assert len(references(client, "q=砷渣")) == 2


def test_a_batch_that_fails_leaves_nothing(client, monkeypatch):
    saying("清理砷渣")
    references(client)
    saying("清理砷渣")
    monkeypatch.setattr(index.Index, "mark", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        following.keep_up()
    monkeypatch.undo()
    assert len(references(client, "q=砷渣")) == 2


def test_the_command_makes_it_anew(client, capsys, monkeypatch):
    notices = [saying("清理砷渣") for _ in range(3)]
    references(client)
    with index.opened(following.path()) as opened, opened.writing():
        opened.hide(opened.entry(notices[0].pk))
    assert len(references(client)) == 2
    monkeypatch.setattr(following, "IN_THE_WORKER", (1, 2))
    call_command("rebuild_search")
    assert "已重建" in capsys.readouterr().out
    assert len(references(client)) == 3


def test_two_commands_do_not_meet(client):
    with (
        index.locked(following.path().with_name(following.path().name + ".rebuild"), 2),
        pytest.raises(CommandError, match="另一个进程"),
    ):
        call_command("rebuild_search")


# ---- the page


@pytest.fixture
def many(db):
    """Notices of three organisations in two rounds."""
    places = [("990300", "青澜市生态环境局"), ("990302", "青澜市临溪区水务局"), ("990500", "望江市生态环境局")]
    rounds = [make.make_round(), make.make_round("central-2", "第二轮中央生态环境保护督察")]
    notices = []
    for number in range(12):
        organisation = make.make_organisation(*places[number % 3])
        kind = {"kind": "petition", "case_number": f"X{number}"} if number == 5 else {"number": number + 1}
        task = make.make_task(kind.pop("number", None), round=rounds[number % 2], organisation=organisation, **kind)
        state = ("open", "open", "closed", "upcoming")[number % 4]
        notices.append(notice_in(state, organisation=organisation, tasks=[task]))
    make.withdraw(notices[0])
    return notices


def counts(html_page: str, name: str) -> dict[str, str]:
    """Value → count, as the options of a filter show them."""
    select = re.search(rf'name="{name}">.*?</select>', html_page, re.S)
    found = re.findall(r'<option value="([^"]+)"[^>]*>[^<]*（([^）]+)）</option>', select[0] if select else "")
    return dict(found)


def test_the_counts_are_those_of_the_database(client, many):
    public, today = PublicityNotice.objects.public(), timezone.localdate()
    html_page = page(client, "/notices/")
    assert counts(html_page, "organisation") == {"990300": "4", "990302": "4", "990500": "4"}
    assert counts(html_page, "district") == {"9903": "8", "990302": "4", "9905": "4"}
    assert counts(html_page, "round") == {"central-1": "6", "central-2": "6"}
    assert counts(html_page, "kind") == {"task": "11", "petition": "1"}
    tabs = dict(re.findall(r"\?state=(\w+)[^>]*>[^<]*<span class=\"tabs__count\">(\d+)<", html_page))
    assert tabs == {state: str(public.in_state(state, today).count()) for state in tabs}
    assert sum(map(int, tabs.values())) == 12
    narrowed = page(client, "/notices/?round=central-1&district=9903")
    assert counts(narrowed, "organisation") == {"990300": "2", "990302": "2"}
    assert counts(narrowed, "district") == {"9903": "4", "990302": "2", "9905": "2"}


def test_of_too_many_hits_the_counts_say_at_least(client, many, monkeypatch):
    for module in (index, hits, list_views):
        monkeypatch.setattr(module, "CAP", 5)
    html_page = page(client, "/notices/?q=垃圾")
    assert "共5+份公示" in text_of(html_page)
    assert counts(html_page, "round") == {"central-1": "2+", "central-2": "3+"}
    assert counts(html_page, "kind") == {"task": "5+"}
    assert '<option value="petition">' in html_page  # offered, though none of the newest is one
    assert 'href="?q=%E5%9E%83%E5%9C%BE&amp;counts=all"' in html_page
    exact = page(client, "/notices/?q=垃圾&counts=all")
    assert counts(exact, "round") == {"central-1": "5+", "central-2": "5+"}  # six of each
    assert counts(exact, "organisation") == {"990300": "4", "990302": "4", "990500": "4"}
    assert "数出准确的份数" in text_of(html_page)
    assert "数出准确的份数" not in text_of(exact)
    assert counts(page(client, "/notices/"), "organisation") == {"990300": "4", "990302": "4", "990500": "4"}


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("organisation=990302", lambda n: n.organisation.code == "990302"),
        ("district=9903", lambda n: n.organisation.code.startswith("9903")),
        ("round=central-2", lambda n: n.tasks.get().round.slug == "central-2"),
        ("kind=petition", lambda n: n.tasks.get().kind == "petition"),
        ("state=open", lambda n: n.state() == "open"),
        ("state=withdrawn&district=9903", lambda n: n.state() == "withdrawn"),
        ("q=垃圾&state=upcoming", lambda n: n.state() == "upcoming"),
        ("organisation=990399&round=no&kind=x&district=12&state=draft&sort=odd", lambda n: True),
    ],
)
def test_filters(client, many, query, chosen):
    many[0].refresh_from_db()
    assert references(client, query) == [each.reference for each in reversed(many) if chosen(each)]


def test_what_is_chosen_can_be_taken_away(client, many):
    html_page = page(client, "/notices/?q=垃圾&district=9903&state=open&sort=newest&page=PjEuNy4y")
    chips = [html.unescape(link) for link in re.findall(r'class="chip" href="([^"]*)"', html_page)]
    assert chips == [
        "?district=9903&state=open",
        f"?q={quote('垃圾')}&district=9903&sort=newest",
        f"?q={quote('垃圾')}&state=open&sort=newest",
    ]
    assert '<option value="9903" lang="zh-CN" selected>' in html_page
    assert '<input type="hidden" name="state" value="open">' in html_page


def test_pages_follow_one_another(client, monkeypatch, many):
    monkeypatch.setattr(list_views, "PER_PAGE", 5)
    url, seen = "state=", []
    while url:
        html_page = page(client, f"/notices/?{url}")
        seen += references(client, url)
        after = re.search(r'rel="next" href="\?([^"]*)"', html_page)
        url = after and html.unescape(after[1])
    assert seen == [each.reference for each in reversed(many)]
    assert "第3页，共3页" in html_page
    before = html.unescape(re.search(r'rel="prev" href="\?([^"]*)"', html_page)[1])
    assert references(client, before) == seen[5:10]


@pytest.mark.parametrize("place", ["2", "-1", "abc", "%00", "🙂", "A" * 3000, "PjEuMC4x", "PDEuMC4x"])
def test_a_place_that_is_none_is_the_first_page(client, many, place):
    assert references(client, f"page={place}") == references(client)


@pytest.mark.parametrize(
    "typed",
    [
        '"',
        '""',
        "AND",
        "OR NOT",
        "NEAR(垃圾 河)",
        "垃圾*",
        "^垃圾",
        "tokens:垃圾",
        "(垃圾",
        "垃圾\0河",
        "%ED%A0%80",
        "\ufffe",
        "=n",
        "=w",
        "-",
        "—",
        "{a}:b",
        "a" * 10_000,
        "垃圾" * 5000,
        "1 " * 4000,
        "'; DROP TABLE text; --",
        "\u202e圾垃",
        "<script>alert(1)</script>",
    ],
)
def test_nothing_that_is_typed_is_an_error(client, many, typed):
    html_page = page(client, f"/notices/?q={quote(typed) if '%' not in typed else typed}")
    assert "<script>alert" not in html_page
    assert "搜索和筛选暂时不可用" not in html_page


def test_pieces_of_cards_are_made_once_for_each_language_and_day(client):
    notice = notice_in("open", tasks=[])
    for address, word in (("/notices/", "还剩"), ("/en/notices/", "daysleft"), ("/notices/", "还剩")):
        assert word in text_of(page(client, address))
    with time_machine.travel(timezone.now() + (notice.edition.closes_on - timezone.localdate()), tick=False):
        assert "今天是最后一天" in text_of(page(client, "/notices/"))


def test_words_are_shown_where_they_stand(client):
    notice = saying("清理<b>砷渣&amp;")
    html_page = page(client, "/notices/?q=砷渣")
    assert "&lt;b&gt;<mark>砷渣</mark>&amp;amp;" in html_page
    assert "<mark>" not in page(client, "/notices/")
    assert notice.reference in html_page


def test_an_empty_result_offers_what_would_find_something(client, many):
    html_page = page(client, "/notices/?q=垃圾 不存在的词&state=open")
    assert "没有符合条件的公示" in html_page
    assert "去掉“不存在的词”，只搜垃圾：5份" in text_of(html_page)
    html_page = page(client, "/notices/?q=垃圾&state=withdrawn&round=central-2")
    assert "去掉条件已撤回：6份" in text_of(html_page)
    html_page = page(client, "/notices/?q=第二轮中央环保督查")
    assert 'href="/rounds/central-2/"' in html_page


def test_what_is_typed_and_says_nothing(client, many):
    html_page = page(client, "/notices/?q=。。")
    assert "没有可以搜索的" in html_page
    assert "共12份" in html_page


def test_the_number_of_queries_does_not_grow(client, many):
    def asked(url: str) -> int:
        page(client, url)
        with CaptureQueriesContext(connection) as queries:
            page(client, url)
        return len(queries)

    urls = ("/notices/", "/notices/?q=垃圾&state=open", "/notices/?sort=closing&round=central-1")
    before = [asked(url) for url in urls]
    for _ in range(12):
        notice_in("open", tasks=[make.make_task(100 + LogEntry.objects.count(), round=make.make_round())])
    assert [asked(url) for url in urls] == before
    assert max(before) <= 8
