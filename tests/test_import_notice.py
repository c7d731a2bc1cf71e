"""import_notice: a file becomes a draft or a published notice, whole or not at all, and only once."""

import datetime
import io
import time

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, load_command_class
from django.utils import timezone

from notices import importing
from notices.documents.reading import read_text
from notices.models import (
    InspectionRound,
    Organisation,
    PublicityNotice,
    ReceivingOffice,
    RectificationTask,
)
from tests.make import DAY, make_draft, make_office, make_organisation, make_user

pytestmark = pytest.mark.django_db

NOTICE = """关于第二轮省级生态环境保护督察第{number}项整改任务的整改情况公示
根据《沧澜省生态环境保护督察整改方案》,现对青澜市第二轮省级生态环境保护督察第{number}项任务整改工作进行公示。
一、反馈问题内容
青澜河两岸堆放垃圾。
二、整改措施
(一)清理河道。清运两岸垃圾。
(二)加强巡查。每周巡查一次。
三、工作开展情况
(一)清理河道。已清运垃圾三百吨。
(二)加强巡查。已巡查二十次。
四、自我验收意见
于2025年4月15日完成自我验收,达到销号标准。
公示期为2025年4月30日至2025年5月16日。如有异议,请联系青澜市生态环境局,电话:0000-1234567。
青澜市生态环境局
2025年4月30日
"""


@pytest.fixture
def write(tmp_path):
    """Writes an invented notice to a file and gives its path."""

    def write(number="三", name="notice.txt", text=None) -> str:
        path = tmp_path / name
        path.write_text(text or NOTICE.format(number=number))
        return str(path)

    return write


def run(*arguments, organisation="990300", **options) -> str:
    out = io.StringIO()
    call_command("import_notice", *arguments, organisation=organisation, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue().strip()


def counts() -> dict:
    models = [*apps.get_app_config("notices").get_models(), *apps.get_app_config("auth").get_models()]
    return {model.__name__: model.objects.count() for model in models}


def test_the_reference_notice_becomes_rows_and_a_page(reference_file, client):
    printed = run(str(reference_file), organisation="370300", create=True, mailbox="office@zibo.example", publish=True)
    notice = PublicityNotice.objects.get(reference=printed)
    task = notice.tasks.get()
    assert (task.round.name, task.number, task.number_text) == ("第一轮中央生态环境保护督察", 1, "第一项")
    assert (task.round.level, task.round.kind, task.round.ordinal) == ("central", "routine", 1)
    assert task.problem.startswith("通过个别谈话和部门走访了解到")
    assert [measure.label for measure in task.measures.all()] == ["(一)", "(二)", "(三)", "(四)", "(五)", "(六)"]
    assert [report.measure.heading for report in task.reports.all()] == [m.heading for m in task.measures.all()]
    acceptance = task.acceptances.get()
    assert (acceptance.accepted_on, acceptance.conclusion) == (datetime.date(2025, 4, 15), "达到销号标准")
    assert (notice.opens_on, notice.closes_on) == (datetime.date(2025, 4, 30), datetime.date(2025, 5, 16))
    assert notice.edition.read().window.working_days == 10
    office = notice.receiving_office
    assert (office.name, office.phone, office.mailboxes) == ("淄博市生态环境局", "0533-2793032", "office@zibo.example")
    assert (notice.signatories, notice.signed_on) == ("淄博市生态环境局", datetime.date(2025, 4, 30))
    assert notice.is_archive
    assert notice.edition.via == "command"


def test_the_reference_notice_is_imported_in_less_than_a_second(reference_file):
    started = time.perf_counter()
    run(str(reference_file), organisation="370300", create=True)
    assert time.perf_counter() - started < 1


def test_a_draft_prints_its_id_and_is_not_public(write):
    printed = run(write(), create=True)
    draft = PublicityNotice.objects.get()
    assert printed == f"draft {draft.pk}"
    assert draft.is_editable
    assert not draft.reference


def test_a_dry_run_stores_nothing(write):
    before = counts()
    assert "可以导入" in run(write(), create=True, dry_run=True)
    assert counts() == before
    run(write(), create=True)
    assert counts() != before  # the control: without --dry-run it does


@pytest.mark.parametrize("publish", [False, True])
def test_run_twice_is_run_once(write, publish):
    first = run(write(), create=True, publish=publish)
    stored = counts()
    assert run(write(), create=True, publish=publish) == first
    assert counts() == stored


def test_another_text_for_a_notice_that_exists_is_refused(write):
    run(write(), create=True)
    stored = counts()
    changed = write(name="changed.txt", text=NOTICE.format(number="三").replace("三百吨", "九百吨"))
    with pytest.raises(CommandError, match="已经存在"):
        run(changed, create=True)
    assert counts() == stored


def test_natural_keys_tasks_and_rounds_are_found_again(write):
    run(write("三"), write("四", "fourth.txt"), create=True)
    assert InspectionRound.objects.count() == Organisation.objects.count() == ReceivingOffice.objects.count() == 1
    assert sorted(RectificationTask.objects.values_list("number", flat=True)) == [3, 4]


def test_what_the_ledger_knows_is_not_overwritten(write):
    run(write(), create=True)
    RectificationTask.objects.update(problem="台账里改过的问题")
    later = NOTICE.format(number="三").replace("整改情况公示", "销号情况公示").replace("三百吨", "九百吨")
    run(write(name="later.txt", text=later), create=True)
    task = RectificationTask.objects.get()
    assert task.problem == "台账里改过的问题"
    assert task.reports.count() == 2
    assert PublicityNotice.objects.count() == 2


def test_one_bad_file_stores_none_and_every_fault_is_listed(write, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "shopping.txt").write_text("牛奶\n鸡蛋\n面包\n")
    before = counts()
    with pytest.raises(CommandError) as refusal:
        run(write(), str(tmp_path / "empty.txt"), str(tmp_path / "shopping.txt"), create=True)
    lines = str(refusal.value).splitlines()
    assert any("empty.txt" in line for line in lines)
    assert any("shopping.txt" in line for line in lines)
    assert counts() == before


def test_an_unknown_organisation_is_a_fault_unless_it_may_be_created(write):
    with pytest.raises(CommandError, match="990300"):
        run(write())
    run(write(), create=True)
    organisation = Organisation.objects.get(code="990300")
    assert (organisation.name, organisation.kind) == ("青澜市生态环境局", "ecology_bureau")


def test_an_unknown_office_is_a_fault_unless_it_may_be_created(write):
    make_office(make_organisation(), phone="0000-7777777")
    with pytest.raises(CommandError, match="受理部门"):
        run(write())
    run(write(), create=True)
    assert ReceivingOffice.objects.filter(phone="0000-1234567").exists()


def test_a_known_office_is_used_and_told_of_a_new_mailbox(write):
    office = make_office(make_organisation(), phone="0000-1234567")
    run(write(), mailbox="second@qinglan.example")
    office.refresh_from_db()
    assert office.mailbox_list() == ["office@qinglan.example", "second@qinglan.example"]


def test_a_fault_names_its_field(write):
    with pytest.raises(CommandError, match=r"公示开始：.*2000"):
        run("--window", "1926-01-05", "1926-01-18", write(), create=True)


@pytest.mark.parametrize("mailbox", ["not an address", "a@b", "a@b.example\nBcc: c@d.example"])
def test_a_bad_mailbox_is_refused(write, mailbox):
    with pytest.raises(CommandError, match="不是邮箱地址"):
        run(write(), create=True, mailbox=mailbox)


def test_a_window_replaces_the_dates_their_sentence_and_the_signing_date(write):
    today = timezone.localdate()
    reference = run(write(), create=True, publish=True, window=(today, today + 14 * DAY))
    notice = PublicityNotice.objects.get(reference=reference)
    document = notice.edition.read()
    assert (document.window.opens_on, document.window.closes_on) == (today, today + 14 * DAY)
    assert document.signed_on == today
    text = "".join(line for section in document.sections for line in section.paragraphs)
    assert f"公示期为{today.year}年{today.month}月{today.day}日至" in text
    assert "2025年5月16日" not in text
    assert "2025年4月15日" in text  # other dates stay
    assert not notice.is_archive


@pytest.mark.parametrize(
    "window",
    [("2026-02-02", "2026-02-01"), ("昨天", "今天"), ("2026-02-30", "2026-03-01"), ("2026-01-01", "2062-01-01")],
)
def test_a_window_that_is_none_is_refused(write, window):
    with pytest.raises(CommandError):
        run("--window", *window, write(), create=True)
    assert not PublicityNotice.objects.exists()


def test_two_users_publish_with_four_eyes(write):
    make_user("zhang"), make_user("li")
    reference = run(write(), create=True, publish=True, drafter="zhang", approver="li")
    edition = PublicityNotice.objects.get(reference=reference).edition
    assert (edition.via, edition.drafted_by.username, edition.published_by.username) == ("review", "zhang", "li")


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ({"drafter": "zhang", "approver": "zhang"}, "起草人不能发布"),
        ({"drafter": "zhang", "approver": "nobody"}, "没有名为 nobody"),
        ({"drafter": "zhang"}, "要一起写"),
        ({"approver": "zhang"}, "要一起写"),
    ],
)
def test_four_eyes_are_two_people_that_exist(write, people, message):
    make_user("zhang")
    with pytest.raises(CommandError, match=message):
        run(write(), create=True, publish=True, **people)
    assert not PublicityNotice.objects.exists()


def test_the_command_line_user_cannot_log_in(write, client):
    run(write(), create=True)
    user = importing.command_line_user()
    assert not user.has_usable_password()
    assert not user.is_active
    assert not user.is_staff


def test_publishing_without_a_window_or_office_is_refused_and_stores_nothing(write):
    text = NOTICE.format(number="三").split("公示期为")[0] + "青澜市生态环境局\n2025年4月30日\n"
    with pytest.raises(CommandError, match="公示开始日期"):
        run(write(text=text), create=True, publish=True)
    assert not PublicityNotice.objects.exists()
    assert run(write(text=text), create=True).startswith("draft ")  # a draft may be unfinished


def test_a_notice_of_several_tasks_gives_each_its_item(write):
    text = NOTICE.format(number="三").replace("第三项", "第三项、第七项")
    run(write(text=text), create=True)
    third, seventh = RectificationTask.objects.order_by("number")
    assert [(task.number, task.measures.get().heading) for task in (third, seventh)] == [
        (3, "清理河道"),
        (7, "加强巡查"),
    ]


def test_rows_give_back_the_document_that_was_read(write):
    text = NOTICE.format(number="三")
    run(write(text=text), create=True)
    stored, read = PublicityNotice.objects.get().document(), read_text(text).document
    for field in ("title", "basis", "tasks", "sections", "acceptance", "office", "signatories", "signed_on"):
        assert getattr(stored, field) == getattr(read, field), field


def test_a_draft_made_by_hand_is_not_taken_for_an_imported_one(write):
    make_draft(tasks=[], title="另一份")
    assert run(write(), create=True) == f"draft {PublicityNotice.objects.latest('pk').pk}"


@pytest.mark.parametrize(
    "arguments", [["no.txt"], ["no.txt", "--organisation", "990300", "--window", "2025-13-01", "x"]]
)
def test_wrong_arguments_end_with_one_sentence_and_exit_code_1(arguments, capsys):
    parser_of = load_command_class("notices", "import_notice")
    parser_of._called_from_command_line = True
    with pytest.raises(SystemExit) as ended:
        parser_of.create_parser("manage.py", "import_notice").parse_args(arguments)
    assert ended.value.code == 1
    assert "没有保存任何内容" in capsys.readouterr().err
