"""Publishing freezes an edition; who drafted does not publish; what is public is never edited in place."""

import datetime
import hashlib
import json
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from notices.documents.notice import NoticeDocument
from notices.models import Edition, NotAllowed, PublicityNotice, ReferenceYear
from tests.make import DAY, make_draft, make_notice, make_user, withdraw

pytestmark = pytest.mark.django_db


def submitted(**fields):
    draft = make_draft(**fields)
    draft.submit(by=make_user("zhang"))
    return draft


def test_publishing_freezes_the_working_copy_as_edition_1():
    notice = submitted()
    edition = notice.publish(confirmed=True, by=make_user("li"))
    document = edition.read()
    assert (document.edition, document.reference) == (1, notice.reference)
    assert notice.reference == f"{timezone.localdate().year}-0001"
    assert edition.digest == hashlib.sha256(bytes(edition.document)).hexdigest()
    assert [item.label for item in document.section("measures").items] == ["（一）", "（二）"]
    assert document.window.working_days == notice.window().working_days
    assert not notice.is_editable


def test_a_change_of_the_rows_does_not_reach_the_public():
    notice = make_notice()
    before = bytes(notice.edition.document)
    notice.sections.all().delete()
    PublicityNotice.objects.filter(pk=notice.pk).update(title="改过的标题")
    assert bytes(Edition.objects.get(notice=notice).document) == before
    assert notice.edition.read().title != "改过的标题"


def test_the_drafter_cannot_publish():
    with pytest.raises(NotAllowed, match="起草人不能发布自己的公示"):
        submitted().publish(confirmed=True, by=make_user("zhang"))
    assert not Edition.objects.exists()


def copy_of(edition, **changes) -> Edition:
    """An unsaved edition like this one, with the next number."""
    fields = {field.attname: getattr(edition, field.attname) for field in Edition._meta.fields if not field.primary_key}
    return Edition(**fields | {"number": edition.number + 1, "sequence": 1000, "reason": "更正"} | changes)


def test_the_database_refuses_an_edition_published_by_its_drafter():
    edition = make_notice().edition
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_of(edition, published_by_id=edition.drafted_by_id).save()
    copy_of(edition, published_by_id=make_user("wu").pk).save()  # the control


def test_an_edition_keeps_a_whole_secrecy_review_or_none():
    edition = make_notice().edition
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_of(edition, published_by_id=make_user("wu").pk, secrecy_reviewed_at=timezone.now()).save()
    whole = {"secrecy_reviewed_at": timezone.now(), "secrecy_reviewed_by_id": make_user("sun").pk}
    copy_of(edition, published_by_id=make_user("wu").pk, **whole).save()  # the control


def test_an_emergency_needs_a_reason_and_is_recorded_as_one():
    draft = make_draft()
    with pytest.raises(NotAllowed, match="紧急发布要写明原因"):
        draft.publish(confirmed=True, by=make_user("zhang"), via="emergency", emergency_reason="  ")
    edition = draft.publish(confirmed=True, by=make_user("zhang"), via="emergency", emergency_reason="汛期抢险")
    assert (edition.via, edition.emergency_reason) == ("emergency", "汛期抢险")


def test_the_command_line_publishes_without_review_and_is_recorded_as_such():
    assert make_draft().publish(confirmed=True, by=make_user("zhang"), via="command").via == "command"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"opens_on": timezone.localdate() - DAY}, "不能倒填日期"),
        ({"receiving_office": None}, "请选择受理部门"),
    ],
)
def test_what_is_not_fit_for_the_public_is_refused(fields, message):
    draft = submitted(**fields)
    with pytest.raises(NotAllowed, match=message):
        draft.publish(confirmed=True, by=make_user("li"))
    assert not ReferenceYear.objects.exists()  # no number is lost


def test_a_draft_must_be_submitted_before_it_is_published():
    with pytest.raises(NotAllowed, match="请先送审"):
        make_draft().publish(confirmed=True, by=make_user("li"))


def test_publishing_twice_is_refused():
    notice = make_notice()
    with pytest.raises(NotAllowed, match="送审"):
        notice.publish(confirmed=True, by=make_user("li"))
    assert notice.editions.count() == 1


def test_a_submitted_draft_can_be_returned_with_a_reason_and_submitted_again():
    draft = submitted()
    with pytest.raises(NotAllowed, match="退回原因"):
        draft.send_back(by=make_user("li"), reason=" ")
    draft.send_back(by=make_user("li"), reason="第二条措施缺少数量")
    assert draft.is_editable
    assert draft.return_reason == "第二条措施缺少数量"
    draft.submit(by=make_user("zhang"))
    assert draft.return_reason == ""
    with pytest.raises(NotAllowed):
        draft.submit(by=make_user("zhang"))


def test_a_correction_is_a_new_edition_with_a_public_reason():
    notice = make_notice()
    notice.begin_correction(by=make_user("zhang"), reason="更正联系电话")
    notice.sections.filter(kind="problem").update(body="青澜河东岸堆放垃圾。")
    assert "两岸" in notice.edition.read().section("problem").paragraphs[0]  # the public still reads edition 1
    notice.submit(by=make_user("zhang"))
    second = notice.publish(confirmed=True, by=make_user("li"))
    assert (second.number, second.reason) == (2, "更正联系电话")
    assert second.read().reason == "更正联系电话"
    assert "东岸" in notice.edition.read().section("problem").paragraphs[0]
    assert notice.reference == second.read().reference == notice.editions.get(number=1).read().reference
    assert notice.change_reason == ""


def test_a_correction_without_a_reason_is_refused():
    with pytest.raises(NotAllowed, match="原因"):
        make_notice().begin_correction(by=make_user("zhang"), reason="")


def test_a_withdrawn_notice_keeps_its_edition_and_takes_no_other():
    notice = make_notice()
    withdraw(notice)
    assert notice.edition.number == 1
    with pytest.raises(NotAllowed):
        notice.begin_correction(by=make_user("zhang"), reason="更正")
    with pytest.raises(NotAllowed):
        withdraw(notice)


def test_a_stale_copy_of_the_row_undoes_nothing():
    notice = submitted()
    stale = PublicityNotice.objects.get(pk=notice.pk)
    notice.publish(confirmed=True, by=make_user("li"))
    with pytest.raises(NotAllowed):
        stale.send_back(by=make_user("li"), reason="晚了一步")
    assert PublicityNotice.objects.get(pk=notice.pk).submitted_at is None


def test_references_count_on_within_the_year_and_start_anew_with_the_next():
    assert make_notice().reference.endswith("-0001")
    assert make_notice(tasks=[], title="第二份").reference.endswith("-0002")
    new_year = datetime.datetime(2031, 1, 1, 0, 0, tzinfo=timezone.get_default_timezone())
    draft = make_draft(new_year.date(), tasks=[], title="元旦")
    draft.submit(by=make_user("zhang"))
    draft.publish(confirmed=True, by=make_user("li"), at=new_year)
    assert draft.reference == "2031-0001"


@pytest.mark.django_db(transaction=True)
def test_simultaneous_publishers_leave_no_gap_and_no_collision():
    drafts = [make_draft(tasks=[], title=f"公示{number}") for number in range(6)]
    zhang, li = make_user("zhang"), make_user("li")
    for draft in drafts:
        draft.submit(by=zhang)
    faults = []

    def publish(draft):
        try:
            draft.publish(confirmed=True, by=li)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish, args=[draft]) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    year = timezone.localdate().year
    given = sorted(PublicityNotice.objects.values_list("reference", flat=True))
    assert given == [f"{year}-{number:04d}" for number in range(1, 7)]


def test_an_archive_notice_is_marked_and_says_when_it_was_entered():
    notice = make_notice(datetime.date(2025, 4, 30), datetime.date(2025, 5, 16))
    assert notice.is_archive
    assert timezone.localdate(notice.published_at) == timezone.localdate()
    assert not make_notice(tasks=[], title="今天的").is_archive


def test_the_bytes_are_canonical_json():
    document = bytes(make_notice().edition.document)
    plain = json.loads(document)
    again = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert again == document
    assert NoticeDocument.from_bytes(document).to_bytes() == document
