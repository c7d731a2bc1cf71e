"""Step up, never lock out: everybody gets through, haste and floods answer a question, nothing is dropped silently."""

import datetime
import re
import threading

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from notices import senders
from notices.documents.numerals import to_chinese
from notices.models import Counter
from objections import receipts, throttle
from objections.models import Objection
from tests.make import make_notice, make_objection
from tests.test_objection_form import GOOD, send, token_of, track, url

pytestmark = pytest.mark.django_db
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture
def clock():
    with time_machine.travel(datetime.datetime(2025, 9, 24, 2, tzinfo=datetime.UTC), tick=False) as clock:
        yield clock


def object_to(client, notice, number, answer=None, address=ELSEWHERE, wait=0, clock=None, token=None):
    token = token or token_of(client.get(url(notice)))
    if wait:
        clock.shift(wait)
    data = GOOD | {"content": f"第{number}条", "token": token} | ({} if answer is None else {"answer": answer})
    return client.post(url(notice), data, **address)


def asked(response) -> int:
    """The sum that the page asks for."""
    words = re.search(r"([一二三四五六七八九])加([一二三四五六七八九])等于几", response.content.decode())
    return sum("零一二三四五六七八九".index(word) for word in words.groups())


def test_two_hundred_from_one_address_in_five_minutes_all_get_through(client, clock):
    notice, questions = make_notice(), 0
    for number in range(200):
        response = object_to(client, notice, number)
        if response.status_code == 422:
            questions += 1
            token = token_of(response)
            assert f"第{number}条" in response.content.decode()
            response = object_to(client, notice, number, answer=str(asked(response)), token=token)
        assert response.status_code == 303, number
    assert Objection.objects.count() == 200
    assert questions == 200 - throttle.HASTY


def test_who_takes_three_seconds_is_not_asked(client, clock):
    notice = make_notice()
    for number in range(throttle.HASTY + 5):
        assert object_to(client, notice, number).status_code in (303, 422)
    assert object_to(client, notice, "hasty").status_code == 422
    assert object_to(client, notice, "slow", wait=3, clock=clock).status_code == 303


def test_waiting_is_another_way_through(client, clock, monkeypatch):
    monkeypatch.setattr(throttle, "HASTY", 0)
    notice = make_notice()
    first = object_to(client, notice, 1)
    assert "稍等几秒" in first.content.decode()
    assert object_to(client, notice, 1, token=token_of(first), wait=3, clock=clock).status_code == 303


@pytest.mark.parametrize(
    ("address", "status"), [("198.51.100.7", 422), ("2001:db8::1", 422), ("127.0.0.1", 303), ("::1", 303), ("", 303)]
)
def test_in_a_flood_everybody_is_asked_where_the_address_names_somebody(client, clock, monkeypatch, address, status):
    monkeypatch.setattr(throttle, "FLOOD", 2)
    notice, address = make_notice(), {"REMOTE_ADDR": address}
    answers = [object_to(client, notice, number, address=address, wait=3, clock=clock) for number in range(3)]
    assert [each.status_code for each in answers] == [303, 303, status]
    if status == 422:
        assert "稍等几秒" not in answers[2].content.decode()
        right = to_chinese(asked(answers[2]))
        again = object_to(client, notice, 2, answer=right, address=address, token=token_of(answers[2]))
        assert again.status_code == 303


def test_a_wrong_answer_is_asked_again_beside_its_field_with_all_text_kept(client, clock, monkeypatch):
    monkeypatch.setattr(throttle, "HASTY", 0)
    notice = make_notice()
    first = object_to(client, notice, 1)
    wrong = object_to(client, notice, 1, answer="99", token=token_of(first))
    assert wrong.status_code == 422
    assert "答得不对" in "".join(wrong.context["form"].errors["answer"])
    assert asked(wrong) == asked(first)
    assert "第1条" in wrong.content.decode()
    # An error elsewhere does not cost the answer.
    both = send(client, notice, token_of(first), name="", answer=str(asked(first)))
    assert both.status_code == 422
    assert f'value="{asked(first)}"' in both.content.decode()


def test_an_answer_is_good_for_one_form(client, clock, monkeypatch):
    monkeypatch.setattr(throttle, "HASTY", 0)
    notice = make_notice()
    forms = [object_to(client, notice, number) for number in range(20)]
    assert len({asked(each) for each in forms}) > 3
    first, other = forms[0], next(each for each in forms if asked(each) != asked(forms[0]))
    assert object_to(client, notice, 1, answer=str(asked(first)), token=token_of(other)).status_code == 422


def test_a_second_post_of_what_was_received_is_not_asked(client, clock, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    assert object_to(client, notice, 1, token=token).status_code == 303
    monkeypatch.setattr(throttle, "HASTY", 0)
    assert object_to(client, notice, 1, token=token).status_code == 303
    assert Objection.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "right"),
    [("12", True), ("１２", True), ("十二", True), (" 12 。", True), ("", False), ("13", False), ("\x00", False)],
)
def test_an_answer_in_digits_or_words(monkeypatch, typed, right):
    monkeypatch.setattr(throttle, "_terms", lambda token: (5, 7))
    assert throttle.question("token") == "五加七等于几？"
    assert throttle.is_right("token", typed) is right


def test_what_fills_in_the_hidden_field_is_told_that_nothing_was_taken(client):
    notice = make_notice()
    page = client.get(url(notice)).content.decode()
    assert re.search(r'class="[^"]*\btrap\b', page)
    response = send(client, notice, homepage="https://spam.example")
    assert response.status_code == 422
    assert "这次没有收下" in "".join(response.context["form"].errors["homepage"])
    assert GOOD["content"] in response.content.decode()
    assert not re.search(r'class="[^"]*\btrap\b', response.content.decode())  # a person can see and empty it
    assert not Objection.objects.exists()
    assert send(client, notice, token_of(response), homepage="").status_code == 303


# --- The counter ------------------------------------------------------------------------------------------------------


def test_addresses_are_counted_apart_an_ipv6_household_as_one_and_none_is_kept():
    now = timezone.now()
    places = ["198.51.100.7", "198.51.100.8", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "nonsense"]
    keys = [senders.place("objection", each, now)[0] for each in places]
    assert keys[2] == keys[3]
    assert senders.place("objection", "::ffff:198.51.100.7", now)[0] == keys[0]
    assert len(set(keys)) == len(places) - 1
    for each in places:
        throttle.doubts(each, now, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notices_counter")
        stored = repr(cursor.fetchall())
    assert keys[0] in stored
    assert not [each for each in places if each in stored]


def test_a_new_stretch_begins_anew_and_old_counts_are_removed(clock):
    now = timezone.now()
    for _ in range(throttle.HASTY):
        assert not throttle.doubts("198.51.100.7", now, now)
    assert throttle.doubts("198.51.100.7", now, now)
    later = now + senders.STRETCH
    assert not throttle.doubts("198.51.100.7", later, later)
    assert throttle.forget(later) == 1
    assert Counter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_hit_is_lost_between_threads():
    def work():
        try:
            for _ in range(25):
                Counter.objects.hit("key", timezone.now() + senders.STRETCH)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter.objects.hits("key") == 100


# --- Guesses ----------------------------------------------------------------------------------------------------------


def test_many_wrong_codes_are_told_so_and_a_right_one_still_opens(client, clock, caplog):
    objection = make_objection()
    for _ in range(throttle.GUESSES):
        page = track(client, receipts.code_for("guess"))
        assert "输错的次数很多" not in page.content.decode()
    page = track(client, receipts.code_for("guess"))
    assert page.status_code == 422
    assert "输错的次数很多" in page.content.decode()
    assert len([each for each in caplog.records if "wrong receipt codes" in each.message]) == 1
    assert objection.number in track(client, receipts.code_for("token")).content.decode()
    clock.shift(senders.STRETCH)
    assert "输错的次数很多" not in track(client, receipts.code_for("guess")).content.decode()


def test_a_flood_of_guesses_writes_no_more(client, clock):
    make_objection()
    for _ in range(throttle.GUESSES):
        track(client, receipts.code_for("guess"))
    hits = Counter.objects.get().hits
    track(client, receipts.code_for("guess"))
    assert Counter.objects.get().hits == hits == throttle.GUESSES
