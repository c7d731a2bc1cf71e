"""What anyone can fetch of the publication log, and check."""

import base64
import json

import pytest
from django.conf import settings

from notices import log_views, transparency
from notices.models import (
    Checkpoint,
)
from tests.test_publication_log import all_acts, lines, published

pytestmark = pytest.mark.django_db


# ---- what anyone can fetch


def test_the_page_of_the_log_shows_the_acts_in_words_and_the_short_line(client):
    notice = all_acts()
    page = client.get("/log/").content.decode()
    short = str(Checkpoint.objects.newest())
    for word in ("发布", "更正", "延期", "停机补偿", "遮盖", "第二人确认", "撤回", short, settings.LOG_VERIFIER_KEY):
        assert word in page
    assert f'href="/notices/{notice.reference}/"' in page


def test_an_empty_log_has_a_page_but_no_checkpoint(client):
    assert "还没有发布过公示" in client.get("/log/").content.decode()
    assert client.get("/log/checkpoint").status_code == 404
    entries = client.get("/log/entries")
    assert (entries.status_code, entries.content) == (200, b"")


def test_the_checkpoint_is_served_as_it_was_signed(client):
    published()
    response = client.get("/log/checkpoint")
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode() == Checkpoint.objects.newest().note
    assert transparency.verified(response.content, [settings.LOG_VERIFIER_KEY]).size == 1


def test_the_lines_are_served_as_they_were_hashed(client):
    all_acts()
    response = client.get("/log/entries")
    assert response["Content-Type"].startswith("application/jsonl")
    assert transparency.saved_lines(response.content) == lines()
    signed = client.get("/log/checkpoint").content
    served = transparency.saved_lines(response.content)
    assert transparency.audit(served, signed, [settings.LOG_VERIFIER_KEY]).size == len(lines())


@pytest.mark.parametrize("start", [0, 1, 5, 8, 9, 1000, 999_999_999_999_999])
def test_lines_are_served_from_a_start(client, start):
    all_acts()
    assert transparency.saved_lines(client.get(f"/log/entries?start={start}").content) == lines()[start:]


@pytest.mark.parametrize("start", ["", "-1", "1.5", "x", "²", "1e3", " 1", "1" * 16, "0\0", "1;DROP", "None"])
def test_a_start_that_is_no_number_is_a_bad_request(client, start):
    published()
    response = client.get("/log/entries", {"start": start})
    assert response.status_code == 400
    assert "start" in response.content.decode()


def test_lines_come_in_pages_that_join_without_gap_or_overlap(client, monkeypatch):
    monkeypatch.setattr(log_views, "PER_PAGE", 4)
    all_acts()
    read, pages = [], 0
    while page := transparency.saved_lines(client.get(f"/log/entries?start={len(read)}").content):
        assert len(page) <= 4
        read, pages = read + page, pages + 1
    assert (read, pages) == (lines(), 3)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("url", ["/log/", "/log/checkpoint", "/log/entries"])
def test_the_log_is_only_ever_read(client, url, method):
    published()
    assert getattr(client, method)(url).status_code == 405


def test_a_proof_shows_that_an_edition_is_in_the_log(client):
    notice = all_acts()
    for number in (2, 3, 4):
        shown = client.get(f"/notices/{notice.reference}/editions/{number}/proof.json").json()
        checkpoint = transparency.verified(shown["checkpoint"].encode(), [settings.LOG_VERIFIER_KEY])
        path = [base64.b64decode(part) for part in shown["proof"]]
        assert checkpoint.size == shown["size"] == 9

        def shows(line, sequence=shown["sequence"], size=shown["size"], path=path, root=checkpoint.root):
            return transparency.verify_inclusion(transparency.leaf_hash(line.encode()), sequence, size, path, root)

        assert shows(shown["entry"])
        assert json.loads(shown["entry"])["digest"] == notice.editions.get(number=number).digest
        assert not shows(shown["entry"].replace("更正", "改正").replace("延期", "延迟").replace("停机", "停电"))
    assert client.get(f"/notices/{notice.reference}/editions/5/proof.json").status_code == 404


@pytest.mark.parametrize("url", ["/", "/notices/", "/rounds/", "/help/", "/privacy/", "/objections/track/", "/log/"])
def test_the_footer_of_every_page_names_the_newest_checkpoint(client, url):
    assert "检查点：<code>" not in client.get(url).content.decode()
    published()
    short = f"公示日志检查点：<code>{Checkpoint.objects.newest().read().short}</code>"
    assert short in client.get(url).content.decode()
    published(title="第二份", tasks=[])
    page = client.get(url).content.decode()
    assert short not in page
    assert f"公示日志检查点：<code>{Checkpoint.objects.newest()}</code>" in page
