"""With a signer apart from the site nothing is public before its signature."""

import pytest
from django.conf import settings
from django.utils import timezone

from notices import transparency
from notices.models import (
    Checkpoint,
    LogEntry,
    NotAllowed,
    PublicityNotice,
)
from tests.make import DAY
from tests.test_publication_log import audited, correct, drafter, published, reviewer

pytestmark = pytest.mark.django_db


# ---- an external signer: nothing is public before its signature


def sign_now() -> None:
    Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())


def public_urls(notice: PublicityNotice, number: int = 1) -> list[str]:
    base = f"/notices/{notice.reference}"
    return [
        *(f"{base}/", f"{base}.txt", f"{base}.json", f"{base}/history/", f"{base}/object/"),
        *(f"{base}/editions/{number}/", f"{base}/editions/{number}.json", f"{base}/editions/{number}/proof.json"),
        *(f"/tasks/{task.pk}/" for task in notice.tasks.all()),
    ]


def test_nothing_is_public_before_the_external_signature(client, settings):
    settings.LOG_SIGNER = "external"
    notice = published(title="关于等待签名的整改情况公示")
    assert (notice.edition, LogEntry.objects.count()) == (None, 1)
    urls = public_urls(notice)
    assert len(urls) == 9

    def answers():
        return {client.get(url).status_code for url in urls}

    def listed():
        return ["等待签名" in client.get(url).content.decode() for url in ("/", "/notices/")]

    assert answers() == {404}
    assert client.get("/log/entries").content == b""
    assert client.get("/log/checkpoint").status_code == 404
    sign_now()
    assert answers() == {404}  # signed, not yet promoted
    PublicityNotice.objects.promote()
    assert answers() == {200}
    assert listed() == [True, True]
    assert len(transparency.saved_lines(client.get("/log/entries").content)) == 1


def test_promoting_without_a_signature_brings_nothing_out(client, settings):
    settings.LOG_SIGNER = "external"
    notice = published()
    PublicityNotice.objects.promote()
    assert {client.get(url).status_code for url in public_urls(notice)} == {404}


def test_a_correction_leaves_the_previous_edition_public_until_it_is_signed(client, settings):
    notice = published()
    settings.LOG_SIGNER = "external"
    correct(notice, "更正标题")
    base = f"/notices/{notice.reference}"

    def current():
        return client.get(f"{base}.json").json()["edition"]

    assert current() == 1
    assert 'data-edition="1"' in client.get(f"{base}/").content.decode()
    assert "更正标题" not in client.get(f"{base}/history/").content.decode()
    assert {client.get(url).status_code for url in public_urls(notice, 2)[5:8]} == {404}
    sign_now()
    assert current() == 1
    PublicityNotice.objects.promote()
    assert current() == 2
    assert "更正标题" in client.get(f"{base}/history/").content.decode()
    assert {client.get(url).status_code for url in public_urls(notice, 2)} == {200}


def test_an_extension_that_awaits_its_signature_is_not_shortened_meanwhile(settings):
    notice = published()
    end = notice.edition.closes_on
    settings.LOG_SIGNER = "external"
    notice.extend(by=drafter(), closes_on=end + 10 * DAY, reason="延期以便查阅")
    notice.publish(confirmed=True, by=reviewer())
    notice.begin_correction(by=drafter(), reason="更正")
    PublicityNotice.objects.filter(pk=notice.pk).update(closes_on=end + 3 * DAY)
    notice.refresh_from_db()
    notice.submit(by=drafter())
    with pytest.raises(NotAllowed, match="不能缩短"):
        notice.publish(confirmed=True, by=reviewer())
    PublicityNotice.objects.filter(pk=notice.pk).update(closes_on=end + 10 * DAY)
    assert notice.publish(confirmed=True, by=reviewer()).number == 3  # the control


def test_the_edition_that_awaits_its_signature_is_not_redacted(settings):
    notice = published()
    settings.LOG_SIGNER = "external"
    correct(notice)
    with pytest.raises(NotAllowed, match="现行版本不能遮盖"):
        notice.propose_redaction(by=drafter(), number=2, ground="依据某法第一条")
    sign_now()
    PublicityNotice.objects.promote()
    notice.refresh_from_db()
    notice.propose_redaction(by=drafter(), number=1, ground="依据某法第一条")  # the control
    assert notice.editions.get(number=1).redaction.ground == "依据某法第一条"


def test_one_signature_brings_out_everything_that_waited(client, settings):
    settings.LOG_SIGNER = "external"
    notices = [published(title=f"第{number}份", tasks=[]) for number in range(3)]
    correct_later = notices[0]
    sign_now()
    PublicityNotice.objects.promote()
    correct_later.refresh_from_db()
    correct(correct_later)
    sign_now()
    PublicityNotice.objects.promote()
    assert [client.get(f"/notices/{each.reference}.json").json()["edition"] for each in notices] == [2, 1, 1]
    assert audited().size == 4
