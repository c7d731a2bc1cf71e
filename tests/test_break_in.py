"""What somebody tries who has no business in the admin: old and borrowed codes, planted sessions, forged forms, spoofed addresses."""

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notices.admin.scoped import StaffAdmin
from tests.make import make_member
from tests.test_login import INDEX, LOGIN, PASSWORD, SECOND, code_of, enrol, log_in, two_factors, user  # noqa: F401

pytestmark = pytest.mark.django_db
SESSION = settings.SESSION_COOKIE_NAME


def later(seconds: int):
    return time_machine.travel(timezone.now() + timezone.timedelta(seconds=seconds))


def half_in(client=None) -> Client:
    """Somebody who knows the password, before the code."""
    client = client or Client()
    log_in(client)
    return client


@pytest.mark.parametrize(("steps", "opens"), [(-4, False), (-2, False), (0, True), (4, False)])
def test_a_code_is_taken_in_its_own_time_alone(client, user, two_factors, steps, opens):  # noqa: F811
    enrol(client, user)
    with later(300):
        thief = half_in()
        assert (thief.post(SECOND, {"code": code_of(user, steps)}).status_code == 302) == opens
        assert (thief.get(INDEX).status_code == 200) == opens


@pytest.mark.parametrize("borrowed", ["code", "recovery code"])
def test_a_code_of_somebody_else_opens_nothing(client, user, two_factors, borrowed):  # noqa: F811
    peer = make_member("zhao", "editor")
    peer.set_password(PASSWORD)
    peer.save()
    enrol(client, user)
    other = Client()
    log_in(other, username="zhao")
    other.get(SECOND)
    codes = other.post(SECOND, {"code": code_of(peer)}).context["codes"]
    with later(61):
        thief = half_in()
        assert (
            thief.post(SECOND, {"code": codes[0] if borrowed == "recovery code" else code_of(peer)}).status_code == 422
        )
        assert thief.get(INDEX).status_code == 302


def test_who_knows_the_password_enrols_no_second_telephone(client, user, two_factors):  # noqa: F811
    enrol(client, user)
    page = half_in().get(SECOND).content.decode()
    assert "data:image/svg+xml" not in page
    assert user.telephone_set.count() == 1


def test_each_step_of_a_login_has_a_session_of_its_own(client, user, two_factors):  # noqa: F811
    """Fixation: a cookie that was planted before, or seen between the steps, is worth nothing after them."""
    client.cookies[SESSION] = "planted0planted0planted0planted0"
    log_in(client)
    after_password = client.cookies[SESSION].value
    client.get(SECOND)
    client.post(SECOND, {"code": code_of(user)})
    after_code = client.cookies[SESSION].value
    assert len({"planted0planted0planted0planted0", after_password, after_code}) == 3
    assert client.get(INDEX).status_code == 200
    for stolen in ("planted0planted0planted0planted0", after_password):
        thief = Client()
        thief.cookies[SESSION] = stolen
        assert thief.get(INDEX).status_code == 302


def test_after_logging_out_the_cookie_opens_nothing(client, user):  # noqa: F811
    log_in(client)
    thief = Client()
    thief.cookies[SESSION] = client.cookies[SESSION].value
    assert thief.get(INDEX).status_code == 200  # until then
    client.post(reverse("admin:logout"))
    assert thief.get(INDEX).status_code == 302


@pytest.mark.parametrize(
    "address", [LOGIN, SECOND, "/admin/logout/", "/admin/password_change/", "/admin/notices/organisation/add/"]
)
def test_a_form_of_another_site_does_nothing(user, address):  # noqa: F811
    victim = Client(enforce_csrf_checks=True)
    victim.force_login(user)
    victim.get(INDEX)
    foreign = {"origin": "https://evil.example", "referer": "https://evil.example/"}
    for headers in ({}, foreign):
        assert victim.post(address, {"code": "0"}, headers=headers).status_code == 403
    assert victim.get(INDEX).status_code == 200


@pytest.mark.parametrize(
    "target", ["\\\\evil.example", "///evil.example", "https:evil.example", "http://testserver@evil.example/", "/\t/evil.example", " //evil.example"]
)  # fmt: skip
def test_next_leads_nowhere_else_however_it_is_written(client, user, target):  # noqa: F811
    answer = client.post(LOGIN, {"username": "wu", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.url) == (302, INDEX)


@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]])
def test_invented_forwarded_addresses_do_not_evade_the_lock(user, monkeypatch, trusted):  # noqa: F811
    """Behind a trusted proxy only what the proxy itself wrote, the last address, counts."""
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", trusted)
    answers = []
    for number in range(settings.AXES_FAILURE_LIMIT + 3):
        forwarded = f"198.51.100.{number}, 192.0.2.1" if trusted else f"198.51.100.{number}"
        spoofer = Client(
            headers={"x-forwarded-for": forwarded, "x-real-ip": forwarded, "forwarded": f"for={forwarded}"}
        )
        answers.append(log_in(spoofer, "wrong").status_code)
    assert answers[settings.AXES_FAILURE_LIMIT - 1 :] == [429] * 4


def test_no_number_of_wrong_logins_locks_the_office_out(user):  # noqa: F811
    for number in range(6 * settings.AXES_FAILURE_LIMIT):
        log_in(Client(), "wrong", username=f"nobody{number % 7}")
    assert log_in(Client()).status_code == 302


@pytest.mark.parametrize(
    "asked", ["password__startswith=", "email__startswith=a", "groups__user__password__startswith=", "nothing=1"]
)
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_list_answers_its_own_filters_alone(client, monkeypatch, asked, guarded):
    client.force_login(make_member("boss", "organisation_admin"))
    if not guarded:
        monkeypatch.setattr(StaffAdmin, "lookup_allowed", lambda site, lookup, value, request: True)
    assert client.get("/admin/auth/user/?is_active__exact=1").status_code == 200
    assert (client.get(f"/admin/auth/user/?{asked}").status_code == 400) == guarded


def test_no_list_takes_a_pattern(client):
    client.force_login(make_member("boss", "organisation_admin"))
    assert client.get("/admin/auth/user/?is_active__regex=(").status_code == 400
