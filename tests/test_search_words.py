"""What search takes for the same and what not: width, case, numerals, words, borders."""

import pytest

from notices.search import asking, words
from notices.search.excerpts import excerpts, marked


def found(question: str, text: str) -> bool:
    """Whether every word of the question stands in the text."""
    return all(words.stands_in(run, text) for term in asking.terms(question) for run in term.runs)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("污水", "建成污水处理厂"),
        ("水处", "建成污水处理厂"),  # across the border of two words
        ("厂", "建成污水处理厂"),
        ("第10项", "第十项整改任务"),
        ("第十项", "第10项整改任务"),
        ("第４７项", "第四十七项问题五"),
        ("第四十七项问题5", "第47项问题五"),
        ("一百零三处", "清理103处"),
        ("第1轮", "第一轮督察"),
        ("一", "统一部署"),
        ("统一", "统一部署十项"),
        ("十四五", "“十四五”规划"),
        ("进一步", "进一步巡查"),
        ("二〇二五年", "2025年4月"),
        ("2025年4月", "2025 年 4 月底"),
        ("ＰＭ2.5", "pm2.5浓度"),
        ("2.5", "达标2.5公里"),
        ("X2SD202109080018", "（受理编号x2sd202109080018）"),
        ("COD", "ＣＯＤ和氨氮"),
        ("DN 300", "DN300 dn 300"),
        ("2026-0012", "2026-0012\n关于"),
        ("“河道 治理”", "河道治理"),
        ("河道 清淤", "先清淤，后修河道"),
        ("①", "①清理"),
        ("𠮷", "𠮷林"),
    ],
)
def test_found(question, text):
    assert found(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("河道治理", "河道。治理"),
        ("河道治理", "河道，治理，河道"),
        ("河道治理", "河道\n治理"),
        ("道治", "河道、治理"),
        ("第1项", "第10项"),
        ("十项", "四十项"),
        ("0", "10"),
        ("202", "2025年"),
        ("2", "2.5公里"),
        ("CO", "COD"),
        ("ab", "a b"),
        ("11", "一1"),
    ],
)
def test_not_found(question, text):
    assert not found(question, text)


@pytest.mark.parametrize(
    "question",
    ["", "   ", "。。，", "\0", '"', '""', "“”", "\ud800", "\u2060\u200b", "🙂"],
)
def test_nothing_is_asked(question):
    assert asking.terms(question) == []


def test_what_is_marked_is_what_is_found():
    text = "第四十七项：建成<污水>处理厂2.5 公里"
    wanted = {run for term in asking.terms("第47项 污水 2.5公里") for run in term.runs}
    assert marked(text, wanted) == "<mark>第四十七项</mark>：建成&lt;<mark>污水</mark>&gt;处理厂<mark>2.5 公里</mark>"
    assert marked("a&b", set()) == "a&amp;b"


def test_excerpts_show_each_word_once():
    text = "前文。" * 40 + "这里有污水。" + "后文。" * 40 + "\n\u3000\u3000河道在这一行。\n又是河道。"
    wanted = {run for term in asking.terms("污水 河道") for run in term.runs}
    first, second = excerpts(text, wanted)
    assert "<mark>污水</mark>" in first
    assert first.startswith("…")
    assert first.endswith("…")
    assert len(first) < 120
    assert second == "<mark>河道</mark>在这一行。"


@pytest.mark.parametrize(
    ("question", "text", "shown"),
    [
        ("第47项", "目录第四十七项整改", ["目录<mark>第四十七项</mark>整改"]),
        ("cod", "降低ＣＯＤ\n降低COD浓度", ["降低<mark>COD</mark>浓度"]),  # the letters first
        ("202", "2025年\n第202号", ["第<mark>202</mark>号"]),
        ("河道 污水", "河道污水<\n河道", ["<mark>河道污水</mark>&lt;"]),  # one piece for both
        (
            "河道 第5项",
            "河道" + "后文。" * 40 + "第五项",
            ["<mark>河道</mark>" + ("后文。" * 12), "<mark>第五项</mark>"],
        ),
        ("不在", "河道", []),
        ("河道", "İİ河道", ["İİ<mark>河道</mark>"]),  # a text that is longer in small letters
    ],
)
def test_excerpts_of_words_written_otherwise(question, text, shown):
    found = excerpts(text, {run for term in asking.terms(question) for run in term.runs})
    assert len(found) == len(shown)
    assert all(part in piece for part, piece in zip(shown, found, strict=True))


@pytest.mark.parametrize(
    "place", [asking.Place("1", 7, 2), asking.Place("20261123", 10**17, 99, backward=True), asking.Place("9", 0, 1)]
)
def test_places_are_read_as_written(place):
    assert asking.Place.read(str(place)) == place


@pytest.mark.parametrize("text", ["", "2", "-1", "abc", "%%%", "PjEuNy4", "é", "A" * 5000, "\0", "PjEuNy4w"])
def test_other_places_are_none(text):
    assert asking.Place.read(text) is None


@pytest.mark.parametrize(
    ("code", "regions"),
    [
        ("370000", ["37"]),
        ("370300", ["37", "3703"]),
        ("370302-2", ["37", "3703", "370302"]),
        ("370302001", ["37", "3703", "370302"]),
    ],
)
def test_districts(code, regions):
    assert asking.districts(code) == regions
