"""The canonical bytes of a document and their digest."""

import datetime
import hashlib
import json

import pytest

from notices.documents.notice import (
    Acceptance,
    Attachment,
    Item,
    NotADocument,
    NoticeDocument,
    Office,
    Section,
    TaskReference,
    Window,
)

DOCUMENT = NoticeDocument(
    title="关于第二轮督察第三项整改任务的公示",
    basis="根据有关规定，现予公示。",
    tasks=(TaskReference(round="第二轮督察", number=3, number_text="第三项"),),
    sections=(Section(kind="measures", items=(Item(ordinal=1, label="（一）", heading="建章", text="立制。"),)),),
    acceptance=Acceptance(accepted_on=datetime.date(2025, 4, 15), conclusion="达到销号标准"),
    window=Window(opens_on=datetime.date(2025, 4, 30), closes_on=datetime.date(2025, 5, 16), working_days=10),
    office=Office(name="云岭市生态环境局", phone="0000-12345678"),
    signatories=("云岭市生态环境局",),
    signed_on=datetime.date(2025, 4, 30),
    attachments=(Attachment(name="附表.pdf", size=3, sha256="0" * 64),),
    reference="2025-0001",
    edition=1,
    salt="aa",
)
CONTRACT = (
    "schema reference edition title stage tasks basis sections acceptance window office signatories signed_on "
    "attachments reason salt"
)


def test_bytes_are_utf8_json_with_sorted_keys_and_no_spaces():
    plain = json.loads(DOCUMENT.to_bytes())
    expected = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert DOCUMENT.to_bytes() == expected
    assert "云岭市".encode() in DOCUMENT.to_bytes()


def test_keys_are_those_of_the_contract():
    plain = json.loads(DOCUMENT.to_bytes())
    assert set(plain) == set(CONTRACT.split())
    assert set(plain["tasks"][0]) == {"round", "number", "sub_number", "number_text"}
    assert set(plain["sections"][0]) == {"kind", "heading", "paragraphs", "items"}
    assert set(plain["sections"][0]["items"][0]) == {"ordinal", "label", "heading", "text"}
    assert plain["window"]["opens_on"] == "2025-04-30"


def test_digest_is_the_sha256_of_the_bytes():
    assert DOCUMENT.digest == hashlib.sha256(DOCUMENT.to_bytes()).hexdigest()


def test_the_document_comes_back_from_its_bytes():
    assert NoticeDocument.from_bytes(DOCUMENT.to_bytes()) == DOCUMENT
    bare = NoticeDocument(title="公示")
    assert NoticeDocument.from_bytes(bare.to_bytes()) == bare


def edited(**changes) -> bytes:
    plain = json.loads(DOCUMENT.to_bytes()) | changes
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(DOCUMENT.to_bytes() + b"\n", id="line break at the end"),
        pytest.param(DOCUMENT.to_bytes().replace(b'":', b'": ', 1), id="a space"),
        pytest.param(json.dumps(json.loads(DOCUMENT.to_bytes())).encode(), id="escaped and spaced"),
        pytest.param(edited(extra=1), id="unknown key"),
        pytest.param(edited(title=None), id="no title"),
        pytest.param(edited(title=1), id="number for text"),
        pytest.param(edited(edition=True), id="truth for a number"),
        pytest.param(edited(edition=1.0), id="float for a number"),
        pytest.param(edited(signed_on="2025-4-30"), id="date not ISO"),
        pytest.param(edited(signed_on="20250430"), id="date in short ISO"),
        pytest.param(edited(signatories="云岭"), id="text for a list"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(DOCUMENT.to_bytes()[:-1] + b',"title":"x"}', id="key twice"),
    ],
)
def test_other_bytes_are_refused(content):
    with pytest.raises(NotADocument):
        NoticeDocument.from_bytes(content)
