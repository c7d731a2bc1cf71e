"""Receipt codes: long enough, readable over the telephone, the same for the same form, never stored."""

import pytest
from django.db import connection

from objections import receipts
from objections.models import Objection
from tests.make import make_objection


def test_a_code_has_at_least_128_bits_in_groups():
    code = receipts.code_for("token")
    groups = code.split("-")
    assert {len(group) for group in groups} == {4}
    assert len("".join(groups)) * 5 >= 128
    assert set("".join(groups)) <= set(receipts.ALPHABET)
    assert not set("ILOU") & set(receipts.ALPHABET)


def test_the_same_form_gives_the_same_code_and_another_form_another():
    assert receipts.code_for("token") == receipts.code_for("token") != receipts.code_for("token2")


def test_codes_use_the_whole_alphabet_evenly():
    text = "".join(receipts.code_for(str(number)).replace("-", "") for number in range(2000))
    counts = [text.count(letter) for letter in receipts.ALPHABET]
    assert min(counts) > 0.85 * len(text) / 32
    assert max(counts) < 1.15 * len(text) / 32


def full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


@pytest.mark.parametrize(
    "heard",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f"  {code}\n",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
        lambda code: code.replace("-", "\u2014"),
        full_width,
    ],
)
def test_how_a_code_is_typed_is_forgiven(heard):
    code = next(code for code in map(receipts.code_for, "abcdefghij") if "0" in code and "1" in code)
    assert receipts.digest(heard(code)) == receipts.digest(code) != ""


@pytest.mark.parametrize("typed", ["", "ABCD", "U" * 28, "0" * 27, "0" * 29, "\u4e00" * 28, "\x00" * 28])
def test_what_cannot_be_a_code_has_no_digest(typed):
    assert receipts.digest(typed) == ""


@pytest.mark.django_db
def test_an_objection_is_found_by_its_code_and_by_nothing_else():
    objection = make_objection(token="form token")
    code = receipts.code_for("form token")
    assert Objection.objects.by_code(code.lower()) == objection
    assert Objection.objects.by_code(receipts.code_for("other")) is None
    assert Objection.objects.by_code("") is None
    assert Objection.objects.by_code(objection.number) is None


@pytest.mark.django_db
def test_neither_code_nor_personal_data_stand_in_the_database():
    make_objection(token="form token", content="第三条措施没有落实")
    with connection.cursor() as cursor:
        stored = ""
        for table in ("objections_objection", "objections_event", "objections_outgoingmail"):
            cursor.execute(f"SELECT * FROM {table}")
            stored += repr(cursor.fetchall())
    assert "web" in stored  # the control: what is not personal can be read there
    for secret in (
        receipts.code_for("form token"),
        receipts.normalise(receipts.code_for("form token")),
        "form token",
        "王小明",
        "0000-7654321",
        "wang@citizen",
        "第三条措施",
    ):
        assert secret not in stored
