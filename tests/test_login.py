"""Logging in: password, then the code of a telephone; how long it lasts; who is locked out; how staff are invited."""

import base64
import re
from io import StringIO

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.conf import settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP

from notices.mail import send_due
from notices.models import Invitation, TrailEntry
from portal import roles
from portal.models import RecoveryCodes, Telephone
from tests.make import make_member, make_organisation, make_user

pytestmark = pytest.mark.django_db
INDEX, LOGIN, SECOND, MINE = "/admin/", "/admin/login/", "/admin/second-factor/", "/admin/logins/"
PASSWORD = "河道-垃圾-清运-三百吨"


@pytest.fixture
def two_factors(settings):
    settings.STAFF_SECOND_FACTOR = True


@pytest.fixture
def user():
    user = make_member("wu", "editor")
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client, password=PASSWORD, username="wu", **extra):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


def code_of(user, steps: int = 0) -> str:
    device = Telephone.objects.get(user=user)
    totp = TOTP(base64.b32decode(device.secret), drift=device.drift)
    totp.time = timezone.now().timestamp() + steps * totp.step
    return f"{totp.token():06d}"


def enrol(client, user) -> list[str]:
    """Logged in with a telephone; the recovery codes."""
    log_in(client)
    client.get(SECOND)
    page = client.post(SECOND, {"code": code_of(user)})
    return re.findall(r"<code>(\w+)</code>", page.content.decode())


def actions() -> list[str]:
    return list(TrailEntry.objects.order_by("id").values_list("action", flat=True))


def test_the_first_login_enrols_a_telephone_and_shows_recovery_codes_once(client, user, two_factors):
    assert log_in(client).status_code == 302
    page = client.get(INDEX, follow=True).content.decode()
    assert 'src="data:image/svg+xml' in page
    assert "style=" not in page
    assert client.get(INDEX).status_code == 302  # the password alone opens nothing
    assert client.get("/admin/notices/publicitynotice/").status_code == 302
    assert client.post(SECOND, {"code": "000000"}).status_code == 422
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=3)):
        page = client.post(SECOND, {"code": code_of(user)})
    assert len(re.findall(r"<code>\w{8}</code>", page.content.decode())) == 10
    assert "no-store" in page["Cache-Control"]
    assert client.get(INDEX).status_code == 200
    assert client.get(SECOND).status_code == 302
    assert actions() == ["login", "login_failed", "changed"]


def test_later_logins_ask_for_a_code_and_none_counts_twice(client, user, two_factors):
    codes = enrol(client, user)
    used, now = code_of(user), timezone.now()
    other = Client()
    log_in(other)
    assert other.post(SECOND, {"code": used}).status_code == 422
    assert other.get(INDEX).status_code == 302
    with time_machine.travel(now + timezone.timedelta(seconds=61)):
        assert other.post(SECOND, {"code": code_of(user)}).status_code == 302
        assert other.get(INDEX).status_code == 200
        third = Client()
        log_in(third)
        assert (
            third.post(SECOND, {"code": f" {codes[0].upper()} "}).status_code == 302
        )  # a recovery code, as one types it
        assert third.get(INDEX).status_code == 200
        fourth = Client()
        log_in(fourth)
        assert fourth.post(SECOND, {"code": codes[0]}).status_code == 422
        assert fourth.get(INDEX).status_code == 302


def test_guessing_codes_waits_longer_and_longer(client, user, two_factors):
    enrol(client, user)
    other = Client()
    log_in(other)
    pages = [other.post(SECOND, {"code": "000000"}).content.decode() for _ in range(4)]
    assert re.search(r"请 \d+ 秒后再试", pages[-1])
    with time_machine.travel(timezone.now() + timezone.timedelta(hours=1)):
        log_in(other)
        assert other.post(SECOND, {"code": code_of(user)}).status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/admin/notices/"]
)
def test_next_stays_on_the_own_host(client, user, two_factors, target):
    enrol(client, user)
    other = Client()
    first = other.post(f"{LOGIN}?next={target}", {"username": "wu", "password": PASSWORD, "next": target})
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=61)):
        second = other.post(SECOND, {"code": code_of(user), "next": target})
    expected = target if target.startswith("/admin") else INDEX
    assert (first.url, second.url) == (expected, expected)


def test_a_lost_telephone_is_taken_off_by_an_admin(client, user, two_factors, settings):
    enrol(client, user)
    settings.STAFF_SECOND_FACTOR = False
    boss = Client()
    boss.force_login(make_member("boss", "organisation_admin"))
    assert boss.post(f"/admin/auth/user/{user.pk}/verb/forget_device/").status_code == 302
    settings.STAFF_SECOND_FACTOR = True
    assert client.get(INDEX).status_code == 302
    assert "data:image/svg+xml" in client.get(SECOND).content.decode()


def test_the_database_alone_gives_nobody_a_code(client, user, two_factors):
    codes, telephone = enrol(client, user), Telephone.objects.get()
    stored = [str(row) for model in (Telephone, RecoveryCodes) for row in raw(model)]
    assert len(telephone.secret) == 32
    assert not [told for told in (telephone.secret, *codes) for row in stored if told.lower() in row.lower()]
    assert f"secret={telephone.secret}" in telephone.config_url  # what was looked for is what the telephone has


def raw(model) -> list[tuple]:
    """The rows as the database holds them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table}")
        return cursor.fetchall()


def test_a_new_site_key_takes_telephones_along(client, user, two_factors, settings):
    enrol(client, user)
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_keys", stdout=StringIO())
    settings.FIELD_ENCRYPTION_KEYS = [new]
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=61)):
        other = Client()
        log_in(other)
        assert other.post(SECOND, {"code": code_of(user)}).status_code == 302


def test_a_telephone_whose_secret_no_key_opens_is_refused_and_no_error(client, user, two_factors, settings):
    enrol(client, user)
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=61)):
        code = code_of(user)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        other = Client()
        log_in(other)
        assert other.post(SECOND, {"code": code}).status_code == 422


def test_devices_are_in_no_admin(client, user, two_factors, settings):
    settings.STAFF_SECOND_FACTOR = False
    client.force_login(make_user("root", is_superuser=True))
    assert [client.get(f"/admin/portal/{name}/").status_code for name in ("telephone", "recoverycodes")] == [404, 404]


@pytest.mark.parametrize(
    ("minutes", "step", "alive"), [(29, 29, True), (31, 31, False), (715, 25, True), (725, 25, False)]
)
def test_a_login_lasts_half_an_hour_without_a_page_and_twelve_hours_in_all(client, user, minutes, step, alive):
    log_in(client)
    start = timezone.now()
    for passed in [*range(step, minutes, step), minutes]:
        with time_machine.travel(start + timezone.timedelta(minutes=passed)):
            status = client.get(INDEX).status_code
    assert (status == 200) == alive


def test_a_changed_role_membership_or_password_ends_what_was_logged_in(client, user):
    def change_password():
        user.set_password("another-password-1")
        user.save()

    for change in (
        lambda: user.groups.add(roles.group("reviewer")),
        lambda: user.groups.through.objects.filter(user=user).delete(),
        lambda: user.memberships.create(organisation=make_organisation("990302", "临溪分局")),
        lambda: user.memberships.all().delete(),
        change_password,
        lambda: type(user).objects.filter(pk=user.pk).update(is_active=False),
    ):
        client.force_login(user)
        assert client.get(INDEX).status_code == 200
        change()
        assert client.get(INDEX).status_code == 302


def test_everybody_sees_and_ends_their_own_logins_and_no_other(client, user):
    peer = make_member("zhao", "editor")
    others = [Client(REMOTE_ADDR=address) for address in ("192.0.2.7", "192.0.2.8", "192.0.2.9")]
    for each in (client, *others[:2]):
        assert log_in(each).status_code == 302
    others[2].force_login(peer)
    assert others[2].get(INDEX).status_code == 200
    page = client.get(MINE).content.decode()
    assert [address in page for address in ("127.0.0.1", "192.0.2.7", "192.0.2.8", "192.0.2.9")] == [True] * 3 + [False]
    assert not [each for each in (client, *others) if each.session.session_key in page]
    marks = re.findall(r'name="login" value="(\w{64})"', page)
    assert len(marks) == 2
    assert (
        "已经结束" in others[2].post(MINE, {"login": marks[0]}, follow=True).content.decode()
    )  # not the peer's to end
    assert "已结束 1 处登录" in client.post(MINE, {"login": marks[0]}, follow=True).content.decode()
    assert sorted(each.get(INDEX).status_code for each in others[:2]) == [200, 302]
    assert client.post(MINE, {"login": "others"}).status_code == 302
    assert [each.get(INDEX).status_code for each in (client, *others)] == [200, 302, 302, 200]
    assert TrailEntry.objects.filter(action="logout", by=user).count() == 2


def test_wrong_passwords_lock_one_name_from_one_address_and_no_other(user):
    client, limit = Client(), settings.AXES_FAILURE_LIMIT
    answers = [log_in(client, "wrong").status_code for _ in range(limit)]
    assert answers == [200] * (limit - 1) + [429]
    locked = log_in(client)
    assert locked.status_code == 429
    assert "15 分钟" in locked.content.decode()
    peer = make_member("zhao", "editor")
    peer.set_password(PASSWORD)
    peer.save()
    assert log_in(Client(), username="zhao").status_code == 302  # the office
    assert log_in(Client(), REMOTE_ADDR="192.0.2.9").status_code == 302  # the same person elsewhere
    with time_machine.travel(timezone.now() + timezone.timedelta(minutes=16)):
        assert log_in(client).status_code == 302
    assert actions().count("login_failed") >= limit


def test_behind_a_proxy_the_visitor_is_locked_out_and_not_the_proxy(user, monkeypatch):
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", ["127.0.0.1"])
    bad, good = Client(headers={"x-forwarded-for": "192.0.2.1"}), Client(headers={"x-forwarded-for": "192.0.2.2"})
    for _ in range(settings.AXES_FAILURE_LIMIT):
        log_in(bad, "wrong")
    assert (log_in(bad).status_code, log_in(good).status_code) == (429, 302)


def test_login_failure_and_logout_are_in_the_trail_with_name_address_and_organisation(client, user):
    log_in(client, "wrong")
    log_in(client, username="nobody")
    log_in(client)
    client.post(reverse("admin:logout"))
    lines = list(TrailEntry.objects.order_by("id"))
    assert [(line.action, line.username) for line in lines] == [
        ("login_failed", "wu"),
        ("login_failed", "nobody"),
        ("login", "wu"),
        ("logout", "wu"),
    ]
    assert {line.address for line in lines} == {"127.0.0.1"}
    assert lines[0].organisation == make_organisation()
    assert PASSWORD not in str([line.as_line() for line in lines])


def test_a_name_that_is_too_long_is_an_error_beside_it(client):
    answer = log_in(client, username="王" * 300)
    assert answer.status_code == 200
    assert answer.context["form"].errors["username"] == ["确保该变量包含不超过 150 字符 (目前字符数 300)。"]


def invite(**changes):
    options = {"organisation": ["990300"], "role": ["editor"], "email": "sun@qinglan.example"} | changes
    call_command("create_staff", "sun", **options)


def test_staff_are_invited_by_mail_and_set_their_own_password(client):
    make_organisation()
    roles.write()
    invite()
    assert not mail.outbox  # a command queues, the worker sends
    send_due()
    (message,) = mail.outbox
    assert message.to == ["sun@qinglan.example"]
    link = re.search(r"http://testserver(/admin/invitation/\S+)", message.body)[1]
    form = client.get(link, follow=True)
    url = form.redirect_chain[-1][0]
    weak = client.post(url, {"new_password1": "12345678", "new_password2": "12345678"})
    assert "密码" in weak.content.decode()
    assert weak.status_code == 200
    assert client.post(url, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302
    assert log_in(client, username="sun").status_code == 302
    assert "已经用过" in Client().get(link, follow=True).content.decode()


def test_an_admin_invites_whoever_is_added(client):
    client.force_login(make_member("boss", "organisation_admin"))
    peer = make_member("sun", "editor", email="sun@qinglan.example")
    assert client.post(f"/admin/auth/user/{peer.pk}/verb/invite/").status_code == 302
    invitation = Invitation.objects.get()
    assert (invitation.user, invitation.recipient) == (peer, "sun@qinglan.example")
    assert client.get("/admin/notices/invitation/").status_code == 200
    assert client.get(f"/admin/notices/invitation/{invitation.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"organisation": ["999999"]}, "没有单位代码为 999999 的单位"),
        ({"role": ["king"]}, "没有角色 king"),
        ({"email": "nowhere"}, "Email 地址"),
        ({"role": []}, "请写明 --organisation 和 --role"),
        ({"superuser": True}, "系统管理员只写 --superuser"),
    ],
)
def test_what_does_not_fit_makes_no_account(changes, message):
    make_organisation()
    roles.write()
    with pytest.raises(CommandError, match=message):
        invite(**changes)
    assert not Invitation.objects.exists()
