"""What is erased by law: no byte of it stays, the digest and the line in the log do."""

import pytest
from django.contrib.admin.models import LogEntry as StaffAct
from django.db import connection

from notices import transparency
from notices.models import (
    Checkpoint,
    LogEntry,
    NotAllowed,
)
from tests.filling import filled
from tests.make import make_draft, make_user
from tests.test_acts import (
    CANARY,
    EDIT,
    GROUND,
    PUBLISH,
    VIEW,
    change_url,
    correct,
    fresh,
    leaked,
    li,
    page,
    press_url,
    zhang,
)

pytestmark = pytest.mark.django_db


def tables_with(word: str) -> set[str]:
    """Every table of the database in which some cell holds the word."""
    needle, found = word.encode(), set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for value in (value for row in cursor.fetchall() for value in row):
                content = bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                if needle in content:
                    found.add(table)
    return found


def test_a_redaction_takes_two_people():
    notice = leaked()
    with pytest.raises(NotAllowed, match="没有对这个版本的遮盖提议"):
        notice.redact(by=li(), number=1)
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    with pytest.raises(NotAllowed, match="不能自己确认"):
        notice.redact(by=zhang(), number=1)
    assert CANARY in notice.editions.get(number=1).read().title
    notice.redact(by=li(), number=1)  # the control
    assert notice.editions.get(number=1).is_redacted
    with pytest.raises(NotAllowed, match="已经遮盖"):
        fresh(notice).redact(by=li(), number=1)
    assert LogEntry.objects.filter(act="redact").count() == 1


def test_what_was_redacted_is_in_no_table_of_the_database_any_more():
    notice = leaked()
    digest = notice.editions.get(number=1).digest
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    assert tables_with(CANARY) == {"notices_edition"}  # the control
    notice.redact(by=li(), number=1)
    assert tables_with(CANARY) == set()
    assert tables_with(digest) == {"notices_edition", "notices_logentry"}


def test_what_was_redacted_is_gone_from_the_history_of_staff_as_well(client):
    draft = make_draft(title=f"关于{CANARY}所反映问题的整改情况公示", tasks=[])
    draft.sections.filter(kind="problem").update(heading="", body=f"{CANARY}反映河道堆放垃圾。")
    permissions = [VIEW, EDIT, PUBLISH]
    permissions += [f"notices.{verb}_noticesection" for verb in ("view", "change", "add", "delete")]

    def saved(**changes):
        """The form of the notice as zhang saves it, every problem section with a new text."""
        client.force_login(make_user("zhang", *permissions))
        data = filled(client, change_url(draft), **{"sections-0-body": changes.pop("body")}, **changes)
        assert client.post(change_url(draft), data).status_code == 302

    def press(person, verb, **typed):
        client.force_login(make_user(person, *permissions))
        assert "已办理" in client.post(press_url(draft, verb), typed, follow=True).content.decode()

    saved(body=f"{CANARY}反映河道两岸堆放垃圾。")
    press("zhang", "submit")
    press("li", "publish", confirmed="on")
    press("zhang", "begin_correction", reason="删去个人信息")
    saved(title="关于群众反映问题的整改情况公示", body="群众反映河道两岸堆放垃圾。")
    press("zhang", "submit")
    press("li", "publish", confirmed="on")
    press("zhang", "propose_redaction", number=1, ground=GROUND)
    assert tables_with(CANARY) == {"notices_edition", "django_admin_log"}  # the control
    press("li", "redact", number=1)
    assert tables_with(CANARY) == set()
    assert StaffAct.objects.filter(object_id=draft.pk, change_message="审核发布").count() == 2  # who did what stays


def test_what_was_redacted_answers_410_with_digest_and_ground(client):
    notice = leaked()
    digest = notice.editions.get(number=1).digest
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    urls = [f"/notices/{notice.reference}/editions/1/", f"/notices/{notice.reference}/editions/1.json"]
    assert all(CANARY in page(client, url) for url in urls)  # a proposal erases nothing
    notice.redact(by=li(), number=1)
    for url in urls:
        html = page(client, url, 410)
        assert digest in html
        assert GROUND in html
        assert CANARY not in html
    everywhere = [f"/notices/{notice.reference}{end}" for end in ("/", "/history/", ".txt", ".json", "/editions/2/")]
    for url in [
        *everywhere,
        "/",
        "/notices/",
        "/log/",
        "/log/entries",
        f"/notices/{notice.reference}/history/?from=1&to=2",
    ]:
        assert CANARY not in page(client, url)


def test_the_history_marks_what_was_redacted_and_compares_it_with_nothing(client):
    notice = leaked()
    correct(notice, "再更正", body="青澜河西岸堆放垃圾。")
    history = f"/notices/{notice.reference}/history/"
    assert '<option value="1"' in page(client, history)
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    notice.redact(by=li(), number=1)
    html = page(client, f"{history}?from=1&to=2")
    assert f"内容已依法遮盖，依据：{GROUND}" in html
    assert '<option value="1"' not in html
    assert '<option value="2"' in html


def test_after_a_redaction_the_log_still_audits_and_still_proves_the_edition(client, settings):
    notice = leaked()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    notice.redact(by=li(), number=1)
    lines = [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]
    signed = Checkpoint.objects.newest().note.encode()
    kept = {"2": bytes(notice.edition.document)}
    assert transparency.audit(lines, signed, [settings.LOG_VERIFIER_KEY], editions=kept).size == 3
    assert client.get(f"/notices/{notice.reference}/editions/1/proof.json").json()["sequence"] == 0


def test_the_current_edition_is_corrected_before_it_is_redacted():
    notice = leaked()
    with pytest.raises(NotAllowed, match="请先更正公示"):
        notice.propose_redaction(by=zhang(), number=2, ground=GROUND)
    correct(notice, "再更正")
    notice.propose_redaction(by=zhang(), number=2, ground=GROUND)  # the control
    notice.redact(by=li(), number=2)
    assert [each.is_redacted for each in notice.editions.all()] == [False, True, False]


@pytest.mark.parametrize(("number", "ground"), [(1, " "), (3, GROUND), (0, GROUND), (10**30, GROUND)])
def test_a_redaction_needs_a_ground_and_an_edition(number, ground):
    notice = leaked()
    with pytest.raises(NotAllowed):
        notice.propose_redaction(by=zhang(), number=number, ground=ground)
    with pytest.raises(NotAllowed):
        notice.redact(by=li(), number=number)
    assert not any(each.is_redacted for each in notice.editions.all())


def test_a_redaction_is_proposed_once():
    notice = leaked()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    with pytest.raises(NotAllowed, match="正在等待确认"):
        notice.propose_redaction(by=li(), number=1, ground="另一条")
    notice.redact(by=li(), number=1)
    assert notice.editions.get(number=1).redaction.ground == GROUND
