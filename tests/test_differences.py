"""The difference between two editions: nothing invented, nothing missing, both texts can be read back from it."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from notices.documents.differences import ADDED, REMOVED, SAME, differences
from notices.documents.notice import NoticeDocument, Section

WORDS = st.sampled_from(["清运垃圾", "三百吨", "东岸", "每周巡查一次。", "，", "2025年4月15日", ""])
PARAGRAPHS = st.lists(st.lists(WORDS, min_size=1, max_size=5).map("".join).filter(bool), max_size=6)


def document(paragraphs) -> NoticeDocument:
    return NoticeDocument(
        title="公示", sections=(Section(kind="other", heading="一、情况", paragraphs=tuple(paragraphs)),)
    )


def test_equal_editions_have_no_difference():
    assert differences(document(["清运三百吨。"]), document(["清运三百吨。"])) == []


def test_a_changed_number_is_shown_within_its_paragraph():
    (change,) = differences(document(["清运垃圾三百吨。", "每周巡查。"]), document(["清运垃圾九百吨。", "每周巡查。"]))
    assert change.pieces == ((SAME, "清运垃圾"), (REMOVED, "三"), (ADDED, "九"), (SAME, "百吨。"))


def test_a_number_is_one_piece():
    (change,) = differences(document(["新建收集系统78套。"]), document(["新建收集系统87套。"]))
    assert change.pieces == ((SAME, "新建收集系统"), (REMOVED, "78"), (ADDED, "87"), (SAME, "套。"))


def test_a_day_is_one_piece():
    (change,) = differences(document(["至2026年11月30日。"]), document(["至2026年12月2日。"]))
    assert change.pieces == ((SAME, "至2026年"), (REMOVED, "11月30日"), (ADDED, "12月2日"), (SAME, "。"))


def test_what_reference_and_salt_add_is_no_difference():
    one = document(["清运垃圾。"])
    assert differences(one, dataclasses.replace(one, edition=2, salt="x", reference="2026-0001")) == []


@settings(max_examples=200, deadline=None)
@given(PARAGRAPHS, PARAGRAPHS)
def test_removed_and_same_pieces_are_the_old_text_added_and_same_the_new(old, new):
    changes = differences(document(old), document(new))
    gone = sum(len(text) for change in changes for kind, text in change.pieces if kind != ADDED)
    came = sum(len(text) for change in changes for kind, text in change.pieces if kind != REMOVED)
    assert came - gone == sum(map(len, new)) - sum(map(len, old))
    assert bool(changes) == (old != new)
    for change in changes:
        assert any(kind != SAME for kind, _ in change.pieces)
