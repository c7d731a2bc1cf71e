"""Where the organisation demands it, nothing is published before a secrecy review of just this text is recorded."""

import pytest
from django.urls import reverse

from notices.models import NotAllowed, Organisation
from tests.filling import filled
from tests.make import make_draft, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    draft = make_draft()
    draft.submit(by=make_user("zhang"))
    return draft


def demand_review():
    Organisation.objects.update(requires_secrecy_review=True)


def publish(draft):
    return type(draft).objects.get(pk=draft.pk).publish(confirmed=True, by=make_user("li"))


def test_without_the_review_it_is_refused_and_with_it_published(draft):
    demand_review()
    with pytest.raises(NotAllowed, match="保密审查"):
        publish(draft)
    draft.review_secrecy(by=make_user("wu"))
    assert publish(draft).number == 1


def test_where_nobody_demands_it_nothing_is_asked(draft):
    assert publish(draft).number == 1


def test_a_correction_needs_a_review_of_its_own(draft):
    demand_review()
    draft.review_secrecy(by=make_user("wu"))
    publish(draft)
    draft.refresh_from_db()
    assert draft.secrecy_reviewed_at is None
    draft.begin_correction(by=make_user("zhang"), reason="更正")
    draft.submit(by=make_user("zhang"))
    with pytest.raises(NotAllowed, match="保密审查"):
        publish(draft)


def test_a_change_of_the_draft_takes_the_review_away(client):
    draft = make_draft()
    draft.review_secrecy(by=make_user("wu"))
    client.force_login(make_user("zhang", "notices.change_publicitynotice", "notices.view_publicitynotice"))
    page = reverse("admin:notices_publicitynotice_change", args=[draft.pk])
    assert client.post(page, filled(client, page)).status_code == 302
    draft.refresh_from_db()
    assert draft.secrecy_reviewed_at is None


def test_the_button_is_there_only_where_it_is_demanded(client, draft):
    client.force_login(make_user("li", "notices.publish_publicitynotice", "notices.view_publicitynotice"))
    page = reverse("admin:notices_publicitynotice_change", args=[draft.pk])
    assert "记录保密审查" not in client.get(page).content.decode()
    demand_review()
    assert "记录保密审查" in client.get(page).content.decode()
