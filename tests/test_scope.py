"""Staff see and change what is theirs: own organisations, from above to read, everything else is not found."""

import pytest
from django.apps import apps
from django.urls import reverse

from notices.models import PublicityNotice, TrailEntry
from notices.models.scope import ScopedQuerySet, organisation_of
from objections.models import Objection
from tests.make import (
    DAY,
    make_draft,
    make_member,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def bureau():
    return make_organisation(parent=make_organisation("990000", "沧澜省生态环境厅"))


@pytest.fixture
def district(bureau):
    return make_organisation("990302", "青澜市生态环境局临溪分局", parent=bureau)


def change_page(row) -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def listed(client, model: str, **query) -> list:
    return list(client.get(reverse(f"admin:{model}_changelist"), query).context["cl"].result_list)


def test_members_see_their_own_and_supervisors_what_is_below(client, bureau, district):
    above = make_draft(organisation=bureau.parent, tasks=[])
    own, below = make_draft(organisation=bureau, tasks=[]), make_draft(organisation=district, tasks=[])
    seen = {"editor": {own}, "supervisor": {own, below}}
    for key, drafts in seen.items():
        client.force_login(make_member(key, key, organisation=bureau))
        assert set(listed(client, "notices_publicitynotice")) == drafts
        assert {each for each in (above, own, below) if client.get(change_page(each)).status_code == 200} == drafts
        assert client.get(change_page(above)).status_code == 404


def test_a_supervisor_who_also_edits_changes_nothing_below(client, bureau, district):
    client.force_login(make_member("wu", "supervisor", "editor", organisation=bureau))
    below = make_draft(organisation=district, tasks=[])
    assert client.get(change_page(below)).status_code == 200
    assert client.post(change_page(below), {"title": "改过"}).status_code == 403
    assert client.post(f"/admin/notices/publicitynotice/{below.pk}/verb/submit/").status_code == 403
    own = make_draft(organisation=bureau, tasks=[])
    assert client.post(f"/admin/notices/publicitynotice/{own.pk}/verb/submit/").status_code == 302  # the control


def test_the_tree_may_be_deep_and_even_a_circle(bureau, district):
    town = make_organisation("990302001", "柳树镇", parent=make_organisation("990302-2", "临溪区", parent=district))
    reader = make_member("wu", "supervisor", organisation=bureau)
    assert make_draft(organisation=town, tasks=[]) in PublicityNotice.objects.of(reader)
    type(bureau).objects.filter(pk=bureau.parent_id).update(parent=town)
    assert PublicityNotice.objects.of(reader).count() == 1


def test_choices_filters_and_suggestions_hold_nothing_foreign(client, bureau, district):
    make_task(1, organisation=bureau, title="本局任务")
    make_task(2, organisation=district, title="分局任务")
    client.force_login(make_member("wu", "editor", organisation=bureau))
    form = client.get(reverse("admin:notices_publicitynotice_add")).content.decode()
    assert (bureau.name in form, district.name in form) == (True, False)
    page = client.get(reverse("admin:notices_rectificationtask_changelist")).content.decode()
    assert (bureau.name in page, district.name in page) == (True, False)
    asked = {"app_label": "notices", "model_name": "publicitynotice", "field_name": "tasks", "term": "任务"}
    assert len(client.get(reverse("admin:autocomplete"), asked).json()["results"]) == 1
    foreign = listed(client, "notices_rectificationtask", organisation__id__exact=district.pk)
    assert [task for task in foreign if task.organisation == district] == []


def test_an_editor_gives_no_row_to_another_organisation(client, bureau, district):
    client.force_login(make_member("wu", "editor", organisation=bureau))
    data = {"organisation": district.pk, "stage": "self_acceptance", "title": "别人的公示"}
    for prefix in ("sections", "editions", "displays"):
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    url = reverse("admin:notices_publicitynotice_add")
    assert "organisation" in client.post(url, data).context["errors"].as_text() or not PublicityNotice.objects.exists()
    client.post(url, data | {"organisation": bureau.pk})
    assert [each.organisation for each in PublicityNotice.objects.all()] == [bureau]


def test_an_objection_belongs_to_the_office_and_once_routed_to_the_one_above(client, bureau, district):
    office = make_office(bureau.parent, name="省厅", mailboxes="above@province.example")
    fair, judged = make_task(1, organisation=bureau), make_task(2, organisation=bureau, responsible_units=bureau.name)
    own = make_objection(make_notice(organisation=bureau, tasks=[fair]), "1")
    routed = make_objection(make_notice(organisation=bureau, tasks=[judged]), "2")
    assert (routed.routed_to, routed.organisation) == (office.organisation, office.organisation)
    handler, higher = (
        make_member(name, "handler", organisation=each) for name, each in [("wu", bureau), ("xu", bureau.parent)]
    )
    for user, mine, foreign in [(handler, own, routed), (higher, routed, own)]:
        client.force_login(user)
        assert listed(client, "objections_objection") == [mine]
        assert client.get(change_page(mine)).status_code == 200
        for name in ("change", "history"):
            url = reverse(f"admin:objections_objection_{name}", args=[foreign.pk])
            assert client.get(url).status_code == 404
        assert client.post(f"/admin/objections/objection/{foreign.pk}/verb/accept/").status_code == 404
        assert {mail.objection for mail in listed(client, "objections_outgoingmail")} == {mine}
    assert not Objection.objects.of(make_member("zhao", "handler", "supervisor", organisation=district)).exists()


def test_an_unrouted_objection_belongs_to_whoever_its_organisation_says(bureau):
    make_office(bureau.parent, name="省厅")
    tasks = [make_task(1), make_task(2, responsible_units=bureau.name)]
    objections = [make_objection(make_notice(tasks=[task]), str(task.pk)) for task in tasks]
    for objection in objections:
        assert objection in Objection.objects.within([objection.organisation.pk])


def test_a_case_is_assigned_among_colleagues(client, bureau, district):
    objection = make_objection(make_notice(organisation=bureau))
    for name, organisation in (("wu", bureau), ("zhao", bureau), ("outsider", district)):
        make_member(name, "handler", organisation=organisation)
    client.force_login(make_user("wu"))
    url = f"/admin/objections/objection/{objection.pk}/verb/assign/"
    assert client.post(url, {"to": make_user("outsider").pk}).status_code == 422
    assert client.post(url, {"to": make_user("zhao").pk}).status_code == 302
    objection.refresh_from_db()
    assert objection.assigned_to == make_user("zhao")


def test_files_and_statements_of_others_are_not_found(client, bureau, district):
    notice = make_notice(organisation=district, opens_on=None)
    display = notice.displays.create(
        kind="other", place="公告栏", shown_from=notice.opens_on, created_by=make_user("li"), photo="displays/x.png"
    )
    client.force_login(make_member("wu", "editor", "handler", organisation=bureau))
    for url in (
        f"/admin/notices/display/{display.pk}/photo/",
        f"/admin/notices/publicitynotice/{notice.pk}/preview/",
        reverse("admin:objections_outcome", args=[notice.pk]),
        reverse("admin:objections_outcome_file", args=[notice.pk, "docx"]),
        f"{reverse('admin:objections_objection_enter')}?notice={notice.reference}",
    ):
        assert client.get(url).status_code == 404, url
    client.force_login(make_member("zhao", "editor", "handler", organisation=district))
    assert client.get(reverse("admin:objections_outcome", args=[notice.pk])).status_code == 200


def test_an_auditor_reads_the_lines_of_the_own_organisation(client, bureau, district):
    lines = {each: TrailEntry.objects.record("changed", by=make_user("li"), target=each) for each in (bureau, district)}
    unknown = TrailEntry.objects.record("login_failed", username="nobody")
    client.force_login(make_member("wu", "auditor", organisation=bureau))
    assert set(listed(client, "notices_trailentry")) - set(TrailEntry.objects.filter(action="login")) == {
        lines[bureau],
        unknown,
    }
    assert client.get(change_page(lines[district])).status_code == 404


def test_every_scoped_row_says_the_same_of_itself(bureau):
    """What `within` finds by query and `organisation_of` says of one row agree."""
    notice = make_notice(organisation=bureau)
    make_objection(notice)
    notice.displays.create(kind="other", place="公告栏", shown_from=notice.opens_on - DAY, created_by=make_user("li"))
    elsewhere = make_organisation("980000", "别处")
    found = [model for model in apps.get_models() if isinstance(model._default_manager.all(), ScopedQuerySet)]
    assert len(found) >= 10
    for model in found:
        for row in model._default_manager.all():
            assert row in model._default_manager.within([organisation_of(row).pk]), model
            assert row not in model._default_manager.within([elsewhere.pk]) or row == elsewhere, model
