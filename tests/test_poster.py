"""The poster: one page whatever the notice is like, with what a reader of the board needs."""

import dataclasses
import datetime

import pytest

from notices.documents.notice import Acceptance, Item, NoticeDocument, Office, Section, Window
from notices.documents.printing import poster_sheet
from notices.documents.rendering import Mark
from tests.make import make_notice, withdraw
from tests.test_pdf import IMPRINT, plain, read_pdf

POINTS = {"a4": (595, 842), "a3": (842, 1191)}


def notice(length: int = 1, **fields) -> NoticeDocument:
    """A notice whose every text is `length` times as long as usual."""
    measures = tuple(
        Item(ordinal=number, label=f"（{number}）", heading="清理河道" * length, text="清运垃圾。" * length)
        for number in range(1, 3 * length)
    )
    return NoticeDocument(
        title="关于" + "第一轮督察" * length + "整改情况的公示",
        sections=(
            Section(kind="problem", paragraphs=("河道两岸堆放垃圾。" * length, "W" * 9 * length)),
            Section(kind="measures", items=measures),
        ),
        acceptance=Acceptance(
            accepted_on=datetime.date(2026, 4, 15), conclusion="达到销号标准" + "，符合要求" * (length - 1)
        ),
        window=Window(
            opens_on=datetime.date(2026, 4, 30), closes_on=datetime.date(2026, 5, 15), unit="working", working_days=10
        ),
        office=Office(name="青澜市生态环境局" * length, phone="0000-1234567", address="观澜路1号" * length),
        **fields,
    )


@pytest.mark.parametrize("paper", ["a4", "a3"])
@pytest.mark.parametrize("length", [1, 5, 200])
def test_whatever_is_to_be_said_fits_on_one_page(length, paper):
    reason = Mark("已撤回", "本公示已撤回。\n撤回原因：" + "责任单位写错。" * length, void=True)
    for imprint in (IMPRINT, dataclasses.replace(IMPRINT, publisher="青澜市" * length, marks=(reason,) * 3)):
        (page,) = read_pdf(poster_sheet(notice(length), imprint, paper).pdf()).pages
        assert (round(page.mediabox.width), round(page.mediabox.height)) == POINTS[paper]
        text = plain(page.extract_text())
        assert "2026年4月30日至2026年5月15日10个工作日" in text  # nothing lies over the window
        assert IMPRINT.code in text
        assert page.images


def test_a_poster_names_problem_measures_and_whom_to_tell():
    text = plain(read_pdf(poster_sheet(notice(), IMPRINT).pdf()).pages[0].extract_text())
    for words in (
        "关于第一轮督察整改情况的公示",
        "河道两岸堆放垃圾。",
        "（1）清理河道（2）清理河道",
        "2026年4月15日完成自我验收,达到销号标准",
        "请在2026年5月15日24时前提出。青澜市生态环境局电话：0000-1234567地址：观澜路1号",
    ):
        assert words in text
    long = plain(read_pdf(poster_sheet(notice(9), IMPRINT).pdf()).pages[0].extract_text())
    assert "共26项,全文见网页" in long


def test_a_poster_of_next_to_nothing_is_printed():
    (page,) = read_pdf(poster_sheet(NoticeDocument(title="公示"), IMPRINT).pdf()).pages
    assert "公示" in page.extract_text()


@pytest.mark.django_db
def test_the_poster_opens_the_notice_and_a_withdrawn_one_invites_nobody(client):
    notice = make_notice()
    url = f"/notices/{notice.reference}/poster.pdf"
    first = client.get(url)
    text = plain(read_pdf(first.content).pages[0].extract_text())
    assert f"http://testserver/notices/{notice.reference}/" in text
    assert "请提出异议" in text
    assert client.get(url, headers={"if-none-match": first["ETag"]}).status_code == 304
    assert client.get(url, {"size": "a3"})["ETag"] != first["ETag"]
    withdraw(notice, "落款单位有误。")
    text = plain(read_pdf(client.get(url).content).pages[0].extract_text())
    assert "撤回原因：落款单位有误。" in text
    assert "请提出异议" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["A3", "", "a0", "../a4", "\0", "😀"])
def test_a_size_that_does_not_exist_is_not_found(client, size):
    assert client.get(f"/notices/{make_notice().reference}/poster.pdf", {"size": size}).status_code == 404
