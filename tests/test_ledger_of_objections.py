"""What a notice's pages tell of objections to it: counts, never who."""

import re

import pytest
from django.urls import reverse

from tests.test_public_pages import notice_in, page

from . import make

pytestmark = pytest.mark.django_db


# ---- objections


def test_the_form_says_what_happens_and_until_when(client):
    notice = notice_in("open")
    html = page(client, f"/notices/{notice.reference}/object/")
    assert 'enctype="multipart/form-data"' in html
    assert "novalidate" in html
    assert 'name="token"' in html
    for word in ("接下来会怎样", "截止时间", "个人信息处理告知", "回执码"):
        assert word in html


def test_a_bad_form_lists_its_errors_with_links(client):
    notice = notice_in("open")
    url = f"/notices/{notice.reference}/object/"
    token = re.search(r'name="token" value="([^"]+)"', page(client, url))[1]
    response = client.post(url, {"token": token, "kind": "nobody", "content": "", "email": "不是邮箱"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "<title>有错误：" in html
    summary = re.search(r'<div class="error-summary".*?</div>', html, re.DOTALL)[0]
    targets = re.findall(r'href="#([^"]+)"', summary)
    assert {"id_content", "id_email", "id_consent", "id_kind_0"} <= set(targets)
    for target in targets:
        assert f'id="{target}"' in html
    assert "不是邮箱" in html


@pytest.mark.parametrize(
    ("state", "says"), [("upcoming", "公示还没有开始"), ("closed", "公示期已经结束"), ("withdrawn", "公示已经撤回")]
)
def test_a_closed_form_says_why_and_whom_to_call(client, state, says):
    notice = notice_in(state)
    html = page(client, f"/notices/{notice.reference}/object/")
    assert says in html
    assert "0000-1234567" in html


def test_typed_text_is_handed_back_when_the_form_is_closed(client):
    notice = notice_in("closed")
    response = client.post(f"/notices/{notice.reference}/object/", {"content": "垃圾</textarea><script>还在"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "垃圾&lt;/textarea&gt;&lt;script&gt;还在" in html
    assert "readonly" in html


def test_tracking_shows_the_story_but_no_names_of_staff(client):
    from objections import receipts

    objection = make.make_objection()
    staff = make.make_user("li", first_name="四", last_name="李经办")
    objection.accept(by=staff)
    objection.verify(by=staff, finding="partly")
    objection.answer(by=staff, reply="您好：\n已责成清运。<b>谢谢</b>")
    response = client.post(reverse("objections:track"), {"code": receipts.code_for("token")})
    html = response.content.decode()
    assert response.status_code == 200
    for word in (objection.number, "已受理", "部分属实", "已责成清运。", "&lt;b&gt;谢谢"):
        assert word in html
    for secret in ("李经办", "王小明", "0000-7654321", "wang@citizen.example"):
        assert secret not in html


def test_tracking_shows_why_an_objection_was_declined(client):
    from objections import receipts

    objection = make.make_objection()
    objection.decline(by=make.make_user("li"), reason="所述地点不在本市。")
    html = client.post(reverse("objections:track"), {"code": receipts.code_for("token")}).content.decode()
    assert "所述地点不在本市。" in html


def test_an_unknown_code_is_answered_beside_the_field(client):
    response = client.post(reverse("objections:track"), {"code": "0000-0000-0000-0000-0000-0000-0000"})
    assert response.status_code == 422
    assert 'href="#id_code"' in response.content.decode()
