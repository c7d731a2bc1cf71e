"""A locked or killed database and a silent mail server: no false thanks, the text kept, recovery by itself."""

import os

import pytest
from django.db import connection

from . import outages
from .world import World


@pytest.fixture(scope="module")
def world():
    with World(connection.vendor) as world:
        world.web("tests.faults.careless:says_sorry", workers=1)
        world.web(workers=1)
        yield world


def test_a_short_lock_is_waited_for_and_pages_are_read_meanwhile(world):
    found = outages.lock(world, 2)
    assert (found["status"], found["reading"]) == (303, 200)
    assert found["seconds"] >= 1


def test_a_long_lock_hands_the_text_back_and_the_site_recovers(world):
    found = outages.lock(world, 24, careless=world.ports[0])
    assert (found["status"], found["reading"], found["text kept"]) == (503, 200, True)
    assert found["retry after"] == "30"
    assert found["recovered after (s)"] <= 10
    assert not found["text kept by the control"]


if connection.vendor == "postgresql":

    @pytest.mark.parametrize("option", ["fsync=off", "synchronous_commit=off"])
    def test_gunicorn_does_not_start_on_a_server_that_may_lose_data(option):
        code, said = outages.refused(option)
        assert code
        assert f"{option.removesuffix('=off')} 设为 off" in said

    def test_postgresql_killed_under_load_loses_nothing_and_is_found_again():
        found = outages.postgres_killed(posts=60)
        assert outages.is_sound(found), found
        assert found["acknowledged"] == 60
        assert found["503"]
        assert found["recovered after (s)"] <= 10

    def test_a_server_that_answers_too_early_is_found_guilty():
        found = outages.taken_back()
        assert found["acknowledged"] >= found["lost"] > 0

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
    def test_a_full_disk_of_postgresql_thanks_nobody_and_keeps_the_text():
        found = outages.postgres_disk_full()
        assert found["database"] == "503, Retry-After 30, text kept"
        assert (found["reading"], found["control"].split()[-1]) == (200, "lost")
        assert found["recovered after (s)"] <= 10
        assert found["acknowledged"] == found["stored"]

else:

    def test_one_recipient_about_whom_nothing_is_answered_delays_nobody_else():
        found = outages.hanging_for_one(4)
        assert found["accepted"] == 4
        assert found["all others' mail out after (s)"] < 60

    def test_a_portal_that_mails_at_once_makes_people_wait():
        assert outages.mailed_at_once(2) >= 2

    def test_nobody_waits_for_a_silent_mail_server_and_its_mails_come_later():
        found = outages.silent_mailhost(3)
        assert (found["accepted"], found["mails while silent"], found["mails"]) == (3, 0, 6)
        assert found["slowest post (s)"] < 20

    def test_a_full_disk_thanks_nobody_and_keeps_the_text():
        found = outages.disk_full()
        told = "503, Retry-After 30, text kept"
        assert [found[place] for place in ("temporary folder", "vault", "database")] == [told] * 3
        assert found["stored"] == found["acknowledged"] > 0
        assert (found["reading"], found["afterwards"]) == (200, 303)
