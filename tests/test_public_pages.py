"""What the public reads: every page answers, a notice says every sentence, nothing hostile gets through."""

import datetime
import hashlib
import re
from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from notices import importing, views
from notices.documents import reading
from notices.documents.notice import Item, NoticeDocument, Pairing, Section, TaskReference, Window
from notices.documents.rendering import item_text
from notices.models import NoticeSection

from . import make

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
STATES = {"open": (0, 9), "upcoming": (3, 12), "closed": (-30, -20)}


def notice_in(state: str, **fields):
    """A published notice that is in `state` today."""
    today = timezone.localdate()
    opens, closes = STATES.get(state, STATES["open"])
    notice = make.make_notice(today + opens * DAY, today + closes * DAY, **fields)
    if state == "withdrawn":
        make.withdraw(notice, "落款单位有误。")
    return notice


class Text(HTMLParser):
    """The text of a page without its markup; `of` keeps what stands inside the elements of one class."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.pieces = []

    def handle_data(self, data):
        self.pieces.append(data)


def text_of(html: str) -> str:
    parser = Text()
    parser.feed(html)
    return re.sub(r"\s+", "", "".join(parser.pieces))


def page(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, url
    return response.content.decode()


def sentences(document: NoticeDocument) -> list[str]:
    """Everything a document says, in printed order: one entry for each heading and paragraph."""
    said = [document.title, *document.basis.split("\n")]
    for section in document.sections:
        said += [section.heading, *section.paragraphs]
        for item in section.items:
            said += item_text(item).split("\n")
    said += document.signatories
    return [re.sub(r"\s+", "", sentence) for sentence in said if sentence]


# ---- every page answers


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("/", ["公示", "提出异议", "督察轮次"]),
        ("/notices/", ["筛选", "发布单位"]),
        ("/rounds/", ["督察轮次"]),
        ("/objections/track/", ["回执码"]),
        ("/objections/received/", ["没有可显示的回执"]),
        ("/help/", ["sha256sum", "公示日志", "也有查不出的", "公示期怎么算", "怎样提出异议", "提出之后会怎样"]),
        ("/privacy/", ["处理者", "为什么", "保存多久", "您的权利"]),
        ("/accessibility/", ["无障碍"]),
    ],
)
def test_page_answers_on_an_empty_site(client, url, holds):
    html = page(client, url)
    for word in holds:
        assert word in html
    assert '<html lang="zh-CN">' in html
    assert 'name="SiteName"' in html
    assert "跳到正文" in html


def test_pages_of_a_notice_answer(client):
    notice = notice_in("open")
    base, title = f"/notices/{notice.reference}/", notice.edition.title
    for url in ("/", "/notices/", base, f"{base}history/", f"{base}editions/1/", f"{base}object/"):
        assert title in text_of(page(client, url)), url
    task = notice.tasks.get()
    assert notice.reference in page(client, f"/tasks/{task.pk}/")
    assert f"/tasks/{task.pk}/" in page(client, f"/rounds/{task.round.slug}/")
    assert f"/rounds/{task.round.slug}/" in page(client, "/rounds/")


def test_unknown_addresses_are_not_found(client):
    for url in (
        "/notices/2026-9999/",
        "/notices/2026-9999.json",
        "/notices/2026-9999.txt",
        "/notices/2026-9999/history/",
        "/notices/2026-9999/editions/1/",
        "/notices/2026-9999/object/",
        "/notices/hello/",
        "/rounds/nowhere/",
        "/tasks/1/",
    ):
        assert "没有这个页面" in page(client, url, 404)


def test_a_draft_is_nowhere(client):
    draft = make.make_draft(title="关于不该看到的整改情况公示")
    task = draft.tasks.get()
    assert "不该看到" not in page(client, "/") + page(client, "/notices/")
    page(client, f"/tasks/{task.pk}/", 404)
    html = page(client, f"/rounds/{task.round.slug}/")
    assert f"/tasks/{task.pk}/" not in html
    assert task.label in html
    assert "尚未公示" in html


# ---- the notice


@pytest.mark.parametrize("state", ["open", "upcoming", "closed", "withdrawn"])
def test_a_notice_says_every_sentence_in_every_state(client, state):
    notice = notice_in(state)
    document = notice.edition.read()
    html = page(client, f"/notices/{notice.reference}/")
    said = text_of(html)
    for sentence in sentences(document):
        assert sentence in said
    article = re.search(r"<article[^>]*>", html)[0]
    assert f'data-state="{state}"' in article
    assert f'data-reference="{notice.reference}"' in article
    assert 'data-edition="1"' in article
    assert notice.edition.digest in html
    assert 'href="tel:00001234567"' in html


def test_only_an_open_notice_leads_to_the_form(client):
    for state in ("open", "upcoming", "closed", "withdrawn"):
        notice = notice_in(state, tasks=[])
        html = page(client, f"/notices/{notice.reference}/")
        assert (f"/notices/{notice.reference}/object/" in html) == (state == "open"), state
        assert ("object/?item=measures-1" in html) == (state == "open"), state


def test_each_item_has_an_address_and_a_way_to_object(client):
    html = page(client, f"/notices/{notice_in('open').reference}/")
    for part in ("measures-1", "measures-2", "progress-1", "progress-2"):
        assert f'id="{part}"' in html
        assert f"object/?item={part}" in html
    assert "object/?item=acceptance" in html


@pytest.mark.parametrize("item", ["measures-1", "progress-2", "acceptance", "notice"])
def test_the_form_knows_the_item(client, item):
    notice = notice_in("open")
    html = page(client, f"/notices/{notice.reference}/object/?item={item}")
    assert re.search(rf'<option value="{item}" selected', html)


@pytest.mark.parametrize(
    "item", ["", "measures-99", '"><script>alert(1)</script>', "%00", "progress-1' OR 1=1", "事项"]
)
def test_a_strange_item_is_harmless(client, item):
    notice = notice_in("open")
    html = client.get(f"/notices/{notice.reference}/object/", {"item": item}).content.decode()
    assert "提出异议" in html
    assert "<script>alert" not in html


def test_the_reference_notice_is_there_whole(client, reference_file):
    options = importing.Options(organisation="370300", create=True, publish=True)
    notice = importing.store(reading.read_file(reference_file), options).notice
    published = notice.edition.read()
    assert any(isinstance(block, Pairing) for block in published.blocks())
    for url in (f"/notices/{notice.reference}/", f"/notices/{notice.reference}/editions/1/"):
        said = text_of(page(client, url))
        for sentence in sentences(published):
            assert sentence in said


def test_an_edition_keeps_the_printed_order(client):
    notice = notice_in("open")
    said = text_of(page(client, f"/notices/{notice.reference}/editions/1/"))
    places = [said.index(sentence) for sentence in sentences(notice.edition.read())[1:]]
    assert places == sorted(places)


def test_a_pairing_stands_side_by_side_and_shows_what_is_missing(client):
    draft = make.make_draft()
    progress = draft.sections.get(kind="progress")
    progress.body = "(一)清理河道。已清运垃圾三百吨。\n(三)增设监控。安装摄像头十二个。"
    progress.save()
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    said = text_of(page(client, f"/notices/{draft.reference}/"))
    assert said.index("已清运垃圾三百吨") < said.index("每周巡查一次")
    assert "原文没有写明与这条措施同号的工作开展情况" in said
    assert "原文没有与这条情况同号的整改措施" in said


def body(document: NoticeDocument) -> str:
    """The body of a document as a page shows it, without a row in the database."""
    context = {"document": document, "blocks": document.blocks(), "anchored": views.anchored(document)}
    return render_to_string("notices/_document.html", context)


def document_with(*sections: Section, **fields) -> NoticeDocument:
    return NoticeDocument(title="关于整改情况的公示", basis="根据规定公示。", sections=sections, **fields)


def test_an_ordinal_that_stands_twice_loses_no_item():
    twice = (Item(ordinal=1, label="1.", text="甲措施。"), Item(ordinal=1, label="1.", text="乙措施。"))
    document = document_with(
        Section(kind="measures", heading="二、整改措施", items=twice),
        Section(kind="progress", heading="三、进展", items=(Item(ordinal=1, label="1.", text="丙进展。"),)),
    )
    html = body(document)
    for text in ("1.甲措施。", "1.乙措施。", "1.丙进展。"):
        assert text in html
    assert html.count('id="measures-1"') == 0


def test_sections_of_one_kind_share_no_id():
    items = (Item(ordinal=1, label="1.", heading="清理", text="措施。"),)
    again = (Item(ordinal=1, label="1.", heading="巡查", text="别的措施。"),)
    html = body(document_with(Section(kind="measures", items=items), Section(kind="measures", items=again)))
    assert html.count('id="measures-1"') == 1
    assert "别的措施。" in html


def test_items_without_heading_or_text_are_shown():
    items = (
        Item(ordinal=1, label="一是", text="加强巡查。\n第二段。"),
        Item(ordinal=2, label="二是", heading="只有小标题"),
        Item(ordinal=3, label="三、"),
    )
    said = text_of(body(document_with(Section(kind="other", items=items, paragraphs=("前言。",)))))
    assert (
        said.index("前言。")
        < said.index("一是加强巡查。第二段。")
        < said.index("二是只有小标题。")
        < said.index("三、")
    )


def test_a_document_with_next_to_nothing_is_shown():
    html = body(NoticeDocument(title="公示", tasks=(TaskReference(),)))
    assert "notice-text" in html


HOSTILE = "<script>alert(1)</script>\"'&{{ 7|add:7 }}{% now 'Y' %}<img src=x onerror=alert(2)>"


def test_hostile_text_is_escaped_everywhere(client):
    draft = make.make_draft(title=f"关于{HOSTILE[:60]}的公示", basis=HOSTILE, signatories="<b>某局</b>")
    draft.sections.all().delete()
    for ordinal, kind in enumerate(("problem", "measures", "progress", "other"), 1):
        text = f"（一）{HOSTILE}。{HOSTILE}\n{HOSTILE}"
        NoticeSection.objects.create(notice=draft, ordinal=ordinal, kind=kind, heading=HOSTILE, body=text)
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    draft.begin_correction(by=make.make_user("zhang"), reason=HOSTILE)
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    make.withdraw(draft, HOSTILE)
    base = f"/notices/{draft.reference}/"
    task = draft.tasks.get()
    for url in (
        "/",
        "/notices/",
        base,
        f"{base}history/",
        f"{base}editions/1/",
        f"{base}object/",
        f"/tasks/{task.pk}/",
    ):
        html = page(client, url)
        assert "<script>alert" not in html, url
        assert "<img" not in html, url
        assert "<b>某局" not in html, url


# ---- editions, corrections, archive


def corrected():
    notice = notice_in("open")
    notice.begin_correction(by=make.make_user("zhang"), reason="受理电话印错一位。")
    notice.submit(by=make.make_user("zhang"))
    notice.publish(confirmed=True, by=make.make_user("li"))
    return notice


def test_a_correction_says_why_and_the_old_edition_points_to_the_new(client):
    notice = corrected()
    base = f"/notices/{notice.reference}/"
    html = page(client, base)
    assert 'data-edition="2"' in html
    assert "受理电话印错一位。" in html
    old = page(client, f"{base}editions/1/")
    assert "这是旧版本" in old
    assert f'href="{base}"' in old
    assert "这是旧版本" not in page(client, f"{base}editions/2/")
    listed = page(client, f"{base}history/")
    for edition in notice.editions.all():
        assert edition.digest in listed
        assert f"{base}editions/{edition.number}/" in listed
        assert f"{base}editions/{edition.number}.json" in listed


def test_an_archive_notice_is_marked_with_the_true_time_of_entry(client):
    notice = notice_in("closed")
    html = page(client, f"/notices/{notice.reference}/")
    assert "补录" in html
    assert f"{timezone.localtime(notice.published_at):%Y-%m-%d %H:%M}" in html  # PubDate
    assert "补录" in page(client, "/notices/")
    assert "补录" not in page(client, f"/notices/{notice_in('open', tasks=[]).reference}/")


def test_a_withdrawn_notice_says_why(client):
    notice = notice_in("withdrawn")
    for url in (f"/notices/{notice.reference}/", f"/notices/{notice.reference}/editions/1/"):
        html = page(client, url)
        assert "撤回原因：落款单位有误。" in html
    assert "落款单位有误。" in page(client, f"/notices/{notice.reference}/history/")


def test_the_digest_is_that_of_the_bytes(client):
    notice = corrected()
    for url in (f"/notices/{notice.reference}.json", f"/notices/{notice.reference}/editions/1.json"):
        response = client.get(url)
        assert response["Digest-SHA256"] == hashlib.sha256(response.content).hexdigest()
    shown = client.get(f"/notices/{notice.reference}/")
    current = client.get(f"/notices/{notice.reference}.json")
    assert shown["Digest-SHA256"] == current["Digest-SHA256"]
    assert current["Digest-SHA256"] in shown.content.decode()


def test_a_preview_is_marked_and_not_indexed(client):
    draft = make.make_draft()
    html = render_to_string("notices/preview.html", views.draft_context(draft))
    assert "预览" in html
    assert "noindex" in html
    assert "item__object" not in html
    said = text_of(html)
    for sentence in sentences(draft.document()):
        assert sentence in said


def test_a_preview_without_dates_and_office_is_shown():
    draft = make.make_draft()
    draft.opens_on = draft.closes_on = draft.receiving_office = draft.signed_on = None
    html = render_to_string("notices/preview.html", views.draft_context(draft))
    assert "还没有填写公示开始日期" in html
    assert "还没有选择受理部门" in html


# ---- cost


def count_queries(client, url):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        page(client, url)
    return len(queries)


def test_queries_do_not_grow_with_the_notice(client):
    small = notice_in("open", tasks=[make.make_task(1)])
    draft = make.make_draft(tasks=[make.make_task(2)])
    for kind in ("measures", "progress"):
        section = draft.sections.get(kind=kind)
        section.body = "\n".join(f"{number}. 清理河道。第{number}段河道的情况。" for number in range(1, 100))
        section.save()
    draft.submit(by=make.make_user("zhang"))
    draft.publish(confirmed=True, by=make.make_user("li"))
    assert len(draft.edition.read().section("measures").items) == 99  # a label has two digits
    few, many = (count_queries(client, f"/notices/{each.reference}/") for each in (small, draft))
    assert few == many
    assert few <= 4


def test_queries_do_not_grow_with_the_list(client):
    for url in ("/", "/notices/"):
        notice_in("open", tasks=[])
        client.get(url)  # which takes what is new into the search index
        few = count_queries(client, url)
        for _ in range(5):
            notice_in("open", tasks=[])
        client.get(url)
        assert count_queries(client, url) == few


def test_queries_do_not_grow_with_the_round(client):
    url = f"/rounds/{make.make_round().slug}/"
    notice_in("open", tasks=[make.make_task(1)])
    few = count_queries(client, url)
    for number in range(2, 8):
        notice_in("open", tasks=[make.make_task(number)])
    assert count_queries(client, url) == few


# ---- the site's own facts


def test_the_facts_of_the_site_are_shown_only_where_set(client, settings):
    bare = page(client, "/")
    for label in ("主办单位", "网站标识码", "ICP", "公安", "找错", "SiteIDCode"):
        assert label not in bare
    settings.SITE_OPERATOR = "青澜市生态环境局"
    settings.SITE_ID_CODE = "9903000001"
    settings.SITE_ICP = "青ICP备00000000号"
    settings.SITE_POLICE_FILING = "青公网安备00000000000000号"
    settings.SITE_ERROR_REPORT_URL = "https://zhaocuo.example/"
    full = page(client, "/")
    assert '<meta name="SiteIDCode" content="9903000001">' in full
    for fact in (
        "主办单位：青澜市生态环境局",
        "青ICP备00000000号",
        "青公网安备00000000000000号",
        "https://zhaocuo.example/",
    ):
        assert fact in full


def test_the_meta_set_of_a_notice(client):
    notice = notice_in("open")
    html = page(client, f"/notices/{notice.reference}/")
    published = timezone.localtime(notice.edition.published_at)
    assert f'<meta name="ArticleTitle" content="{notice.edition.title}">' in html
    assert f'<meta name="PubDate" content="{published:%Y-%m-%d %H:%M}">' in html
    assert '<meta name="ContentSource" content="青澜市生态环境局">' in html
    assert '<meta name="SiteDomain" content="testserver">' in html


def test_nothing_inline_and_nothing_from_outside(client):
    notice = notice_in("open")
    for url in ("/", "/notices/", f"/notices/{notice.reference}/", f"/notices/{notice.reference}/object/", "/help/"):
        html = page(client, url)
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?! type=\"application/ld.json\">|[^>]*\ssrc=)", html), (
            url
        )
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html), url


def test_windows_of_one_day_and_across_years_are_said_plainly():
    def said(opens, closes):
        return text_of(render_to_string("notices/_window.html", {"opens_on": opens, "closes_on": closes}))

    day = datetime.date(2025, 12, 31)
    assert said(day, day) == "2025年12月31日（1天）"
    assert said(day, day + DAY) == "2025年12月31日至2026年1月1日"
    assert said(day - DAY, day) == "2025年12月30日至12月31日"
    assert Window(opens_on=day, closes_on=day).working_days is None


def test_what_a_correction_s_working_copy_says_is_not_public_yet(client):
    notice = notice_in("open")
    hidden, other = make.make_task(77), make.make_office(notice.organisation, name="督察科", phone="0000-9999999")
    notice.begin_correction(by=make.make_user("zhang"), reason="更正")
    notice.tasks.add(hidden)
    type(notice).objects.filter(pk=notice.pk).update(receiving_office=other)
    assert client.get(f"/tasks/{hidden.pk}/").status_code == 404
    assert f"/tasks/{hidden.pk}/" not in page(client, f"/notices/{notice.reference}/")
    assert "督察科" not in page(client, f"/notices/{notice.reference}/object/")
    assert hidden.stage() == "rectifying"
    notice.refresh_from_db()
    notice.submit(by=make.make_user("zhang"))
    notice.publish(by=make.make_user("li"), confirmed=True)
    assert client.get(f"/tasks/{hidden.pk}/").status_code == 200  # the control
    assert "督察科" in page(client, f"/notices/{notice.reference}/object/")
