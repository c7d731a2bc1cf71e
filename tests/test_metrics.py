"""The figures of /metrics, for whoever holds the token and nobody else."""

import datetime
import re

import pytest
from django.utils import timezone

from notices.models import LogAudit
from objections.models import OutgoingMail
from tests.make import DAY, make_notice, make_objection

from .test_settings import ROOT

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-more-than-twenty-characters"


def figures(client) -> dict[str, float]:
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    lines = [line.split() for line in response.content.decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("portal_"): float(value) for name, value in lines}


@pytest.mark.parametrize("sent", ["", "Bearer ", f"Bearer {TOKEN}x", TOKEN, "Bearer é"])
def test_without_the_token_there_is_no_such_page(client, settings, sent):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404


def test_without_the_setting_there_is_no_such_page(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_figures_follow_the_facts(client, settings):
    settings.METRICS_TOKEN = TOKEN
    before = figures(client)
    assert before["windows_open"] == before["objections_pending"] == before["mails_waiting"] == 0
    today = timezone.localdate()
    notice = make_notice(opens_on=today, closes_on=today)
    objection = make_objection(notice)
    OutgoingMail.objects.update(created_at=timezone.now() - datetime.timedelta(hours=2))
    OutgoingMail.objects.filter(kind="receipt").update(refused_at=timezone.now())
    LogAudit.objects.create(audited_at=timezone.now() - DAY, count=3, differences=["一处"])
    after = figures(client)
    assert after["windows_open"] == after["windows_closing_today"] == after["objections_pending"] == 1
    assert after["log_entries"] == 1
    assert after["log_unsigned"] == after["publications_not_out"] == after["objections_overdue"] == 0
    assert (after["mails_waiting"], after["mails_undeliverable"]) == (2, 1)
    assert after["mails_oldest_seconds"] >= 7200
    assert after["log_differences"] == 3
    assert after["log_audit_age_seconds"] >= 86400
    type(objection).objects.update(decide_by=today - DAY)
    assert figures(client)["objections_overdue"] == 1


def test_what_should_be_out_and_is_not_is_counted(client, settings):
    """Its time has come, and no checkpoint covers its line: the signer is away."""
    settings.METRICS_TOKEN = TOKEN
    make_notice(opens_on=timezone.localdate() + DAY)
    assert figures(client)["publications_not_out"] == 0
    settings.LOG_SIGNER = "external"
    make_notice(opens_on=timezone.localdate() + DAY, tasks=[])
    late = figures(client)
    assert (late["publications_not_out"], late["log_unsigned"], late["log_entries"]) == (1, 1, 2)


def test_the_manual_names_every_figure_and_no_other(client, settings):
    settings.METRICS_TOKEN = TOKEN
    manual = (ROOT / "deploy" / "DEPLOY.md").read_text()
    assert set(re.findall(r"`portal_(\w+)`", manual)) == set(figures(client))


def test_the_calendar_is_covered_to_the_end_of_the_last_published_year(client, settings):
    from portal.metrics import covered

    assert covered(datetime.date(2025, 12, 31)) >= 1
    assert covered(datetime.date(2099, 1, 1)) == 0
