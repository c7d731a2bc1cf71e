"""Every route takes hostile input without a 5xx; a portal with a careless view is found guilty."""

import logging

import pytest
from django.urls import get_resolver, path

import portal.urls
from tests import make

from . import malformed
from .inputs import campaign, seeded
from .routes import routes
from .world import World

pytestmark = pytest.mark.django_db


def careless(request):
    """A page as it is soon written: the number of a page is taken at its word."""
    return [][int(request.GET.get("page", 1))]


urlpatterns = [path("careless/", careless)]
handler400, handler500 = portal.urls.handler400, portal.urls.handler500


@pytest.fixture
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_hostile_input_makes_a_page_fail(client, quiet):
    found = campaign(1500, *seeded(client))
    assert not found.defects, "\n".join(found.defects)
    assert len(found.statuses) > 5


def test_every_route_is_tried():
    known = {route.address for route in routes()}
    assert {"/notices/{reference}/", "/en/notices/{reference}/", "/admin/login/", "/metrics"} <= known
    assert "/admin/objections/objection/{object_id}/change/" in known
    assert len(known) > 2 * len(get_resolver().reverse_dict)


@pytest.mark.urls(__name__)
def test_a_careless_page_is_found(client, quiet):
    found = campaign(20, *seeded(client))
    assert len(found.defects) > 5
    assert "IndexError" in "".join(found.defects)


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/admin/notices/organisation/{}/change/?_to_field=", None),
        ("/admin/notices/display/add/?notice=abc", None),
        ("/admin/notices/publicitynotice/add/?tasks=1,abc", None),
        ("/admin/objections/objection/enter/", {"attachments": make.SimpleUploadedFile("a.txt", b"x")}),
    ],
)
def test_what_once_made_a_page_fail(address, fields, client):
    notice, *_ = seeded(client)
    address = address.format(notice.organisation.pk)
    response = client.post(address, fields) if fields else client.get(address)
    assert response.status_code == 200


@pytest.mark.django_db(transaction=False)
def test_no_malformed_request_makes_the_server_fail():
    with World("sqlite") as world:
        world.web()
        found = malformed.campaign(world.port, 100)
    assert found["wrong"] == []
    assert found["served afterwards"]
    assert len(found["answers"]) > 3
