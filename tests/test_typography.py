"""Lines end where a reader would pause: titles between their parts, office hours not within a span."""

import pytest
from django.utils.safestring import mark_safe

from notices.templatetags.typography import phrased, unbroken_times


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        (
            "关于第一轮中央生态环境保护督察第三项整改任务的整改情况公示",
            ["关于", "第一轮中央", "生态环境保护督察", "第三项", "整改任务的", "整改情况公示"],
        ),
        (
            "青澜市督察反馈问题（第八项、第十项）整改情况公示",
            ["青澜市督察", "反馈问题", "（第八项、", "第十项）", "整改情况公示"],
        ),
        ("第12项任务拟销号公示", ["第12项任务", "拟销号公示"]),
        ("没有这些词的标题", ["没有这些词的标题"]),
        ("<b>第一项", ["&lt;b&gt;", "第一项"]),
        (mark_safe("<mark>第一项</mark>整改"), ["<mark>第一项</mark>", "整改"]),
    ],
)
def test_a_title_breaks_between_its_parts_only(title, parts):
    assert phrased(title).split("<wbr>") == parts


@pytest.mark.parametrize("said", ["9:00—12:00", "8：30至17：00", "14:00 - 17:30"])
def test_the_two_ends_of_office_hours_stay_together(said):
    assert unbroken_times(f"工作日 {said}，<b>") == f'工作日 <span class="whole">{said}</span>，&lt;b&gt;'
