"""With the receipt code, and nothing else: add material, withdraw, take one's data, ask for erasure."""

import hashlib
import io
import json
import re
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from notices import attachments
from notices.models import NotAllowed
from objections import keyring, outcomes, receipts, vault
from objections.keyring import ring
from objections.models import Attachment, Objection, OutgoingMail, Supplement
from objections.models.objector import MAX_SUPPLEMENTS
from tests.hostile import PDF, PNG
from tests.make import DAY, make_notice, make_objection, make_user
from tests.test_outages import again

pytestmark = pytest.mark.django_db
CODE = {"code": receipts.code_for("token")}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture
def objection():
    return make_objection()


def post(client, act: str = "", **fields):
    return client.post(f"/objections/track/{act}", CODE | fields)


def material(client, text="又拍到两张照片。", token=None, **fields):
    token = token or post(client).context["token"]
    return post(client, "add/", text=text, token=token, **fields)


def upload(name="照片.png", content=PNG):
    return SimpleUploadedFile(name, content)


def kinds(objection) -> list[str]:
    return list(objection.events.values_list("kind", flat=True))


# --- Add material ---------------------------------------------------------------------------------------------------


def test_material_is_kept_told_and_has_a_digest_of_its_own(client, objection):
    before = objection.content_digest
    page = material(client, attachments=[upload(), upload("说明.pdf", PDF)])
    assert page.status_code == 200
    row = Supplement.objects.get()
    assert [each.read() for each in row.attachments.order_by("id")] == [PNG, PDF]
    assert hashlib.sha256(row.said()).hexdigest() == row.content_digest
    text = page.content.decode()
    for told in ("补充材料已收到", "又拍到两张照片。", row.content_digest, "照片.png", "异议人补充了材料"):
        assert told in text
    assert kinds(objection)[-1] == "supplemented"
    (office,) = OutgoingMail.objects.filter(kind="supplement")
    body = office.compose().body
    assert objection.number in body
    assert "两张照片" not in body
    objection.refresh_from_db()
    assert objection.content_digest == before == hashlib.sha256(objection.said()).hexdigest()


def test_a_double_click_adds_once_and_other_words_are_asked_about_and_kept(client, objection):
    token = post(client).context["token"]
    for _ in range(2):
        assert "补充材料已收到" in material(client, token=token).content.decode()
    other = material(client, "另外的话", token=token)
    assert other.status_code == 422
    assert "另外的话" in other.content.decode()
    assert Supplement.objects.count() == OutgoingMail.objects.filter(kind="supplement").count() == 1
    assert material(client, "另外的话", token=other.context["token"]).status_code == 200
    assert Supplement.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ""}, "请填写要补充的内容"),
        ({"text": "长" * 5001}, "内容太长"),
        ({"text": "身份证号110101199003074514"}, "请不要填写身份证号"),
        ({"attachments": [upload("病毒.exe")]}, "不能接收这种文件"),
        ({"attachments": [upload("假.pdf")]}, "内容不是 PDF"),
        ({"photo": upload()}, "没有收下"),
        ({"token": "forged"}, "表单已经失效"),
    ],
)
def test_bad_material_is_refused_beside_its_field_and_the_text_is_kept(client, objection, fields, message):
    page = material(client, **fields)
    assert page.status_code == 422
    assert message in page.content.decode()
    assert fields.get("text", "又拍到两张照片。")[:20] in page.content.decode()
    assert not Supplement.objects.exists()
    assert not Attachment.objects.exists()


def test_a_token_of_another_objection_adds_nothing(client, objection):
    foreign = client.post("/objections/track/", {"code": receipts.code_for("other")})
    assert foreign.status_code == 422
    make_objection(objection.notice, "other")
    token = client.post("/objections/track/", {"code": receipts.code_for("other")}).context["token"]
    assert material(client, token=token).status_code == 422
    assert not Supplement.objects.exists()


def test_a_wrong_code_hands_the_text_back(client, objection):
    page = client.post("/objections/track/add/", {"code": "0" * 28, "text": "写了很久的话"})
    assert page.status_code == 422
    assert "写了很久的话" in page.content.decode()
    assert objection.number not in page.content.decode()


def test_one_code_cannot_fill_the_disk(client, objection):
    for number in range(MAX_SUPPLEMENTS):
        material(client, f"第{number}次")
    page = material(client, "再一次", attachments=[upload()])
    assert page.status_code == 422
    assert "请直接联系受理部门" in page.content.decode()
    assert Supplement.objects.count() == MAX_SUPPLEMENTS
    assert not Attachment.objects.exists()


# --- Withdraw -------------------------------------------------------------------------------------------------------


def test_withdrawing_asks_then_is_a_fact_in_the_story_and_mail_to_the_office(client, objection):
    unsure = post(client, "withdraw/", reason="问题已解决")
    assert unsure.status_code == 422
    assert "请勾选确认" in unsure.content.decode()
    assert "问题已解决" in unsure.content.decode()
    for _ in range(2):  # pressed again, it says the same
        page = post(client, "withdraw/", reason="问题已解决", confirm="on")
        assert page.status_code == 200
        assert "异议已撤回" in page.content.decode()
    objection.refresh_from_db()
    assert objection.withdrawn_at
    assert objection.status.label == "异议人已撤回"
    assert kinds(objection).count("withdrawn") == OutgoingMail.objects.filter(kind="withdrawal").count() == 1
    assert objection.events.get(kind="withdrawn").text == "问题已解决"
    assert "补充材料</summary>" not in page.content.decode()


def test_a_withdrawn_objection_waits_for_nothing_holds_up_nothing_and_stays_counted(objection):
    wu, far = make_user("wu"), timezone.localdate() + 900 * DAY
    assert Objection.objects.pending().exists()
    objection.withdraw()
    for none in (Objection.objects.pending(), Objection.objects.overdue(far), Objection.objects.unnoticed(far)):
        assert not none.exists()
    assert (objection.due_on, objection.steps_ahead()) == (None, [])
    assert outcomes.counts(objection.notice) == {"received": 1, "late": 0, "upheld": 0, "withdrawn": 1, "pending": 0}
    for verb, words in (("accept", {}), ("decline", {"reason": "无关"})):
        with pytest.raises(NotAllowed, match="已经撤回"):
            getattr(objection, verb)(by=wu, **words)


def test_what_was_found_stays_found_when_the_objector_gives_in(objection):
    wu, task = make_user("wu"), objection.notice.edition.tasks.get()
    objection.accept(by=wu)
    objection.verify(by=wu, finding="substantiated")
    objection.withdraw(reason="不想再追究")
    assert list(outcomes.upheld_since_acceptance(task)) == [objection]
    assert outcomes.counts(objection.notice)["upheld"] == 1


def test_what_is_done_cannot_be_withdrawn_nor_added_to(client, objection):
    wu = make_user("wu")
    token = post(client).context["token"]
    objection.decline(by=wu, reason="与公示无关")
    objection.answer(by=wu, reply="不予受理。")
    objection.finish(by=wu)
    for page in (post(client, "withdraw/", confirm="on"), material(client, token=token)):
        assert page.status_code == 422
        assert "已经办结或撤回" in page.content.decode()
    objection.refresh_from_db()
    assert not objection.withdrawn_at
    assert not Supplement.objects.exists()


# --- One's own data -------------------------------------------------------------------------------------------------


def opened(response) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def test_ones_own_data_hold_everything_said_byte_for_byte_and_no_note(client):
    notice = make_notice()
    page = client.get(reverse("objections:object", args=[notice.reference]))
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    said = {"kind": "individual", "name": "王小明", "phone": "0000-7654321", "email": "wang@citizen.example"}
    said |= {"concerns": "notice", "content": "垃圾并没有清运。", "consent": "on", "attachments": [upload()]}
    client.post(reverse("objections:object", args=[notice.reference]), said | {"token": token})
    objection, wu = Objection.objects.get(), make_user("wu")
    code = {"code": receipts.code_for(token)}
    objection.add_material(token="t", text="又有两处。")
    objection.note(by=wu, text="不给异议人看")
    objection.reissue_code(by=wu, checked="回拨了电话")
    objection.accept(by=wu)
    Objection.objects.update(reissued_digest=None)  # the objector found the first code again
    response = client.post("/objections/track/data/", code)
    package = opened(response)
    assert f"{objection.number}.zip" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]
    receipt = client.get("/objections/received/").content.decode()
    assert hashlib.sha256(package.read("said.json")).hexdigest() in receipt
    assert package.read("files/1-照片.png") == PNG
    assert json.loads(package.read("supplement-1.json"))["text"] == "又有两处。"
    about = json.loads(package.read("objection.json"))
    assert about["mails"][0]["to"] == "wang@citizen.example"
    assert {each["what"] for each in about["events"]} >= {"已收到", "已受理", "异议人补充了材料"}
    everything = b"".join(package.read(name) for name in package.namelist()).decode("utf-8", "ignore")
    for word in ("王小明", "0000-7654321", "垃圾并没有清运。"):
        assert word in everything
    for private in ("不给异议人看", "回拨了电话"):
        assert private not in everything
    assert kinds(objection)[-1] == "exported"


def test_a_file_that_cannot_be_read_is_explained(client, objection):
    (row,) = objection.add_material(token="t", text="", attachments=[attachments.check(upload())]).attachments.all()
    vault.remove(row.stored_as)
    page = post(client, "data/")
    assert page.status_code == 503
    assert "有附件暂时读不出来" in page.content.decode()


def test_what_was_erased_is_not_in_the_package(client, objection):
    objection.add_material(token="t", text="又有两处。", attachments=[attachments.check(upload())])
    ring.destroy(objection.data_key)
    package = opened(post(client, "data/"))
    assert [name for name in package.namelist() if name.startswith("files/")] == []
    assert b"\xe5\x8f\x88\xe6\x9c\x89" not in b"".join(package.read(name) for name in package.namelist())  # 又有


def test_while_the_keyring_is_away_the_text_is_handed_back(client, objection, monkeypatch):
    token = post(client).context["token"]

    def away(*arguments, **options):
        raise keyring.Unavailable("away")

    monkeypatch.setattr(ring, "cipher", away)
    page = material(client, token=token)
    assert page.status_code == 503
    assert "又拍到两张照片。" in page.content.decode()
    assert not Supplement.objects.exists()


def away(*arguments, **options):
    raise OperationalError("database is locked")


@pytest.mark.parametrize(
    "place", [(Objection.objects, "by_code"), (Objection, "add_material")], ids=["found", "stored"]
)
def test_while_the_database_is_away_material_is_handed_back_and_one_click_sends_it_again(
    client, objection, monkeypatch, place
):
    token = post(client).context["token"]
    with monkeypatch.context() as patched:
        patched.setattr(*place, away)
        response = material(client, token=token, attachments=[upload()])
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "附件没有保存，请重新选择" in response.content.decode()
    assert not Supplement.objects.exists()
    assert again(response, "text") == CODE | {"token": token, "text": "又拍到两张照片。"}
    for _ in range(2):
        assert client.post("/objections/track/add/", again(response, "text")).status_code == 200
    assert Supplement.objects.get().text == "又拍到两张照片。"


@pytest.mark.parametrize(
    ("act", "verb", "shown", "fields"),
    [
        ("withdraw/", "withdraw", "reason", {"reason": "写错了", "confirm": "on"}),
        ("erase/", "request_erasure", "", {"confirm": "on"}),
    ],
)
def test_what_else_was_to_be_done_can_be_sent_again_as_well(client, objection, monkeypatch, act, verb, shown, fields):
    with monkeypatch.context() as patched:
        patched.setattr(Objection, verb, away)
        response = post(client, act, **fields)
    assert response.status_code == 503
    assert again(response, shown) == CODE | fields
    assert post(client, act, **again(response, shown)).status_code == 200
    objection.refresh_from_db()
    assert objection.withdrawn_at or objection.erasure_asked_at


def test_a_question_while_the_database_is_away_may_be_asked_again(client, objection, monkeypatch):
    monkeypatch.setattr(Objection.objects, "by_code", away)
    response = post(client)
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "回执码没有问题" in response.content.decode()


# --- Erasure --------------------------------------------------------------------------------------------------------


def test_asking_for_erasure_is_a_fact_with_a_date_that_staff_see(client, objection):
    assert post(client, "erase/").status_code == 422
    for _ in range(2):
        page = post(client, "erase/", confirm="on")
        assert "删除申请已收到" in page.content.decode()
    objection.refresh_from_db()
    assert objection.erase_by == timezone.localdate() + 15 * DAY
    assert f"{objection.erase_by:%Y年}{objection.erase_by.month}月{objection.erase_by.day}日" in page.content.decode()
    assert list(Objection.objects.erasure_asked()) == [objection]
    assert OutgoingMail.objects.filter(kind="erasure").count() == kinds(objection).count("erasure") == 1
    client.force_login(make_user("wu", "objections.view_objection", "objections.handle_objection"))
    queue = reverse("admin:objections_objection_changelist")
    assert "申请删除" in client.get(queue, {"queue": "erasure_asked"}).content.decode()
    assert (
        "处理删除申请的期限"
        in client.get(reverse("admin:objections_objection_change", args=[objection.pk])).content.decode()
    )


def test_a_request_is_carried_out_once_the_case_has_ended_and_nothing_breaks_afterwards(client, objection):
    objection.add_material(token="t", text="又有两处。", attachments=[attachments.check(upload())])
    objection.request_erasure()
    today, token = timezone.localdate(), post(client).context["token"]
    assert not Objection.objects.expired(today + DAY).exists()  # the case still runs
    objection.withdraw()
    for day, expired in ((today, False), (today + DAY, True)):
        assert Objection.objects.expired(day).exists() == objection.is_expired(day) == expired
    objection.purge()
    page = post(client)
    assert page.status_code == 200
    assert "又有两处。" not in page.content.decode()
    for answer in (material(client, token=token), post(client, "data/")):
        assert answer.status_code == 422
    assert post(client, "withdraw/", confirm="on").status_code == 200


@pytest.mark.parametrize("kind", ["supplement", "withdrawal", "erasure"])
def test_each_mail_to_the_office_names_the_number_and_nobody(objection, kind):
    objection.add_material(token="t", text="证人王五")
    objection.withdraw(reason="证人王五")
    objection.request_erasure()
    message = OutgoingMail.objects.get(kind=kind).compose()
    assert objection.number in message.subject
    for private in ("王小明", "王五", "0000-7654321", "wang@citizen.example"):
        assert private not in message.body + message.subject


# --- All of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["add/", "withdraw/", "erase/", "data/"])
def test_nothing_without_the_right_code_and_nothing_by_get(client, objection, act):
    objection.refresh_from_db()
    before = vars(objection).copy()
    wrong = client.post(f"/objections/track/{act}", {"code": "0" * 28, "confirm": "on", "text": "x"})
    assert wrong.status_code == 422
    assert client.get(f"/objections/track/{act}", CODE)["Location"] == "/objections/track/"
    objection.refresh_from_db()
    assert {**vars(objection), "_state": 0} == {**before, "_state": 0}
    assert kinds(objection) == ["received"]


def test_staff_write_down_what_they_are_told_by_telephone(client, objection):
    wu = make_user("wu", "objections.view_objection", "objections.handle_objection")
    client.force_login(wu)
    for verb, fields in (("withdraw", {"reason": "来电撤回，已回拨核实"}), ("request_erasure", {})):
        client.post(reverse("admin:objections_objection_verb", args=[objection.pk, verb]), fields)
    objection.refresh_from_db()
    assert objection.withdrawn_at
    assert objection.erasure_asked_at
    assert objection.events.get(kind="withdrawn").by == wu


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("照片.png", PDF, "the content is not a PNG picture"),
        ("a.docx", b"PK", "not a Word document"),
        ("a.txt", b"", "empty"),
    ],
)
def test_in_english_a_file_is_refused_in_english(client, objection, name, content, said):
    token = post(client).context["token"]
    fields = CODE | {"text": "more", "token": token, "attachments": upload(name, content)}
    answer = client.post("/en/objections/track/add/", fields)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_in_english_a_verb_refuses_in_english(client, objection):
    objection.withdraw()
    answer = client.post("/en/objections/track/add/", CODE | {"text": "more", "token": post(client).context["token"]})
    assert "This objection is closed or was withdrawn." in answer.content.decode()
