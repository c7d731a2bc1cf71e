"""Open data: what the document of the interface promises, whatever is asked; nothing that is not public."""

import json
import pathlib

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from notices import api
from notices.models import PublicityNotice
from tests.make import make_draft, make_notice, make_objection, make_organisation, make_round, make_task, withdraw
from tests.test_pdf import corrected

schema = schemathesis.openapi.from_dict(json.loads(pathlib.Path(api.OPENAPI).read_text(encoding="utf-8")))
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]


@pytest.fixture
def some_notices(transactional_db):
    corrected()
    withdraw(make_notice(tasks=[]))
    make_draft(tasks=[])


@schema.parametrize()
@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_every_answer_is_as_the_document_says(case, some_notices, live_server):
    answer = case.call_and_validate(base_url=live_server.url, checks=PROMISES)  # raises what does not fit
    assert answer.status_code < 500


def test_a_notice_that_is_there_is_as_the_document_says(some_notices, live_server):
    for notice in PublicityNotice.objects.public():
        for path in ("/api/v1/notices/{reference}", "/api/v1/notices/{reference}/editions"):
            case = schema[path]["GET"].Case(path_parameters={"reference": notice.reference})
            assert case.call_and_validate(base_url=live_server.url, checks=PROMISES).status_code == 200


def read(client, path: str, status: int = 200, **query):
    response = client.get(path if path.startswith("/") else f"/api/v1/{path}", query)
    assert response.status_code == status, response.content
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Content-Type"] == "application/json"
    return response.json()


@pytest.mark.django_db
def test_pages_follow_each_other_without_a_gap_or_a_repetition(client):
    references = {make_notice(tasks=[]).reference for _ in range(5)}
    found, url = [], "/api/v1/notices?limit=2"
    while url:
        page = read(client, url)
        assert len(page["results"]) <= 2
        found += [each["reference"] for each in page["results"]]
        if len(found) == 2:
            references.add(make_notice(tasks=[]).reference)  # published while somebody reads: on the first page only
        url = page["next"] and page["next"].removeprefix("http://testserver")
    assert len(found) == len(set(found)) == 5
    assert set(found) < references
    assert found == sorted(found, reverse=True)


@pytest.mark.django_db
def test_the_filters_filter(client):
    other = make_organisation("990400", "赤屿市生态环境局")
    here = make_notice()
    there = make_notice(organisation=other, tasks=[make_task(3, round=make_round("provincial-2", "第二轮省督察"))])
    gone = withdraw(make_notice(tasks=[]))

    def references(**query):
        return {each["reference"] for each in read(client, "notices", **query)["results"]}

    assert references() == {here.reference, there.reference, gone.reference}
    assert references(state="withdrawn") == {gone.reference}
    assert references(organisation="990400") == references(round="provincial-2") == {there.reference}
    assert references(year=int(here.reference[:4])) == references()
    assert references(year=2001) == references(organisation="990500") == references(round="nowhere") == set()
    assert {each["round"] for each in read(client, "tasks")["results"]} == {"central-1", "provincial-2"}
    assert len(read(client, "tasks", round="provincial-2")["results"]) == 1
    assert {each["code"] for each in read(client, "organisations")["results"]} == {"990300", "990400"}


@pytest.mark.django_db
def test_a_notice_holds_its_document_and_leads_to_everything_else(client):
    notice = corrected()
    said = read(client, f"notices/{notice.reference}")
    assert said["document"] == json.loads(bytes(notice.edition.document))
    editions = read(client, f"notices/{notice.reference}/editions")["results"]
    assert [(each["number"], each["act"], each["digest"]) for each in editions] == [
        (each.number, each.act, each.digest) for each in notice.editions.order_by("number")
    ]
    urls = [said["url"], said["editions_url"], *said["files"].values(), *said["tasks"]]
    urls += [each[name] for each in editions for name in ("url", "json_url", "proof_url")]
    urls += [read(client, "log")[name] for name in ("checkpoint_url", "entries_url")]
    urls += [each["tasks_url"] for each in read(client, "rounds")["results"]]
    for url in urls:
        assert client.get(url.removeprefix("http://testserver")).status_code == 200, url


@pytest.mark.django_db
def test_what_is_not_public_and_who_objected_is_nowhere(client):
    draft = make_draft(title="关于不该看到的整改情况公示", tasks=[make_task(9)])
    make_objection(make_notice(), name="王小明", phone="0000-7654321")
    everything = [read(client, name) for name in ("notices", "tasks", "organisations", "rounds", "log")]
    said = json.dumps(everything, ensure_ascii=False)
    assert "不该看到" not in said
    assert "王小明" not in said
    assert [each["number"] for each in everything[1]["results"]] == [1]
    read(client, f"notices/2026-{draft.pk + 100:04d}", 404)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        {"state": "draft"},
        {"limit": "0"},
        {"limit": "101"},
        {"year": "x"},
        {"organisation": "\0"},
        {"round": "a b"},
        {"cursor": "1"},
        {"cursor": "1:forged"},
        {"cursor": "\0"},
        {"stat": "open"},
    ],
)
def test_a_parameter_that_cannot_be_is_told(client, query):
    (name,) = query
    assert name in read(client, "notices", 400, **query)["error"]


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_changed(client, method):
    assert getattr(client, method)("/api/v1/notices").status_code == 405


@pytest.mark.django_db
def test_an_answer_is_kept_until_it_changes(client):
    notice = make_notice()
    tag = client.get("/api/v1/notices")["ETag"]
    again = client.get("/api/v1/notices", headers={"if-none-match": tag})
    assert (again.status_code, again["Access-Control-Allow-Origin"]) == (304, "*")
    withdraw(notice)
    assert client.get("/api/v1/notices", headers={"if-none-match": tag}).status_code == 200


@pytest.mark.django_db
def test_the_document_of_the_interface_is_served_with_this_site_s_address(client):
    served = read(client, "openapi.json")
    assert served["servers"] == [{"url": "http://testserver"}]
    assert set(served["paths"]) == set(schema.raw_schema["paths"])
