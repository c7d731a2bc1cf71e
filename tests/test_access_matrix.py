"""Every address of the site, asked for by every role, for what is its own, below it and foreign: as the table says.

A new page fails the first test until it stands here.
"""

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver
from django.utils import timezone

from notices.admin.verbs import VerbsAdmin
from notices.models import CalendarDay, Evidence, Invitation, Outage, TrailEntry
from notices.models.scope import ScopedQuerySet
from objections.models import HandlingTerms
from tests.make import (
    DAY,
    make_files,
    make_member,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_round,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

# One letter a role; "n" is staff without any, "u" the superuser.
ROLES = {
    "e": ["editor"],
    "r": ["reviewer"],
    "h": ["handler"],
    "o": ["organisation_admin"],
    "s": ["supervisor"],
    "a": ["auditor"],
    "n": [],
    "u": [],
}
# model: who reads, adds, changes, deletes; "*" after it: shared by all organisations
MODELS = {
    "notices_organisation": ("erosu", "u", "u", "u"),
    "notices_receivingoffice": ("erosu", "ou", "ou", "u"),
    "notices_calendarday*": ("erosu", "u", "u", "u"),
    "notices_inspectionround*": ("erosu", "eu", "eu", "u"),
    "notices_display": ("erhosu", "ehu", "ehu", "u"),
    "notices_outage*": ("erhosu", "ehu", "ehu", "u"),
    "notices_publicitynotice": ("erhosu", "eu", "eru", ""),
    "notices_trailentry": ("au", "", "", ""),
    "notices_rectificationtask": ("erosu", "eu", "eu", ""),
    "notices_invitation": ("ou", "", "", ""),
    "objections_handlingterms": ("hosu", "ou", "ou", "u"),
    "objections_objection": ("hsu", "", "u", ""),
    "objections_outgoingmail": ("hsu", "", "", ""),
    "auth_user": ("ou", "ou", "ou", ""),
}
# Other pages of one row: name → (who, the row it is about)
OF_A_ROW = {
    "notices_display_photo": ("erhosu", "notices_display"),
    "notices_publicitynotice_preview": ("erhosu", "notices_publicitynotice"),
    "notices_rectificationtask_case_file": ("ru", "notices_rectificationtask"),
    "notices_rectificationtask_evidence": ("erosu", "evidence"),
    "objections_outcome": ("hu", "notices_publicitynotice"),
    "objections_outcome_file": ("hu", "outcome"),
    "objections_objection_attachment": ("hu", "attachment"),
}
ALL = "erhosanu"
# Pages of no row: name → (query, {who: status}); everybody else is refused
OTHER = {
    "index": ("", dict.fromkeys(ALL, 200)),
    "login": ("", dict.fromkeys(ALL, 302)),
    "logout": ("", dict.fromkeys(ALL, 405)),
    "second_factor": ("", dict.fromkeys(ALL, 302)),
    "password_change": ("", dict.fromkeys(ALL, 200)),
    "password_change_done": ("", dict.fromkeys(ALL, 200)),
    "handbook": ("", dict.fromkeys(ALL, 200)),
    "logins": ("", dict.fromkeys(ALL, 200)),
    "handbook_file": ("", dict.fromkeys(ALL, 200)),
    "jsi18n": ("", dict.fromkeys(ALL, 200)),
    "autocomplete": (
        "?app_label=notices&model_name=publicitynotice&field_name=tasks&term=1",
        dict.fromkeys("erosu", 200),
    ),
    "notices_publicitynotice_intake": ("", dict.fromkeys("eu", 200)),
    "notices_publicitynotice_counting": ("", {}),  # of no organisation it counts nothing: test_counting.py
    "notices_rectificationtask_intake": ("", dict.fromkeys("eu", 200)),
    "notices_rectificationtask_template": ("", dict.fromkeys(ALL, 200)),
    "notices_publicitynotice_export_xlsx": ("", dict.fromkeys("erhosu", 200)),
    "notices_publicitynotice_export_csv": ("", dict.fromkeys("erhosu", 200)),
    "notices_trailentry_export_xlsx": ("", dict.fromkeys("au", 200)),
    "notices_trailentry_export_csv": ("", dict.fromkeys("au", 200)),
    "notices_rectificationtask_export_xlsx": ("", dict.fromkeys("erosu", 200)),
    "notices_rectificationtask_export_csv": ("", dict.fromkeys("erosu", 200)),
    "objections_objection_export_xlsx": ("", dict.fromkeys("hsu", 200)),
    "objections_objection_export_csv": ("", dict.fromkeys("hsu", 200)),
    "objections_objection_export_personal": ("", dict.fromkeys(ALL, 405)),
    "objections_yearly": ("", dict.fromkeys("hsu", 200)),
    "objections_yearly_file": ("", dict.fromkeys("hsu", 200)),
    "objections_objection_enter": ("", dict.fromkeys("hu", 200)),
    "objections_outcomes": ("", dict.fromkeys("hu", 200)),
}
# Addresses without a name, or with arguments of their own: address → who gets which answer
UNNAMED = {
    "/admin/r/1/1/": {},
    "/admin/invitation/MQ/nothing/": dict.fromkeys(ALL, 200),
    "/admin/notices/": dict.fromkeys("erhosau", 200),
    "/admin/objections/": dict.fromkeys("hosu", 200),
    "/admin/auth/": dict.fromkeys("ou", 200),
    "/admin/nowhere/": {},
    "/admin/notices/organisation/1/": dict.fromkeys(ALL, 302),
}
BY_ADDRESS = {"view_on_site", "invitation", "app_list", "None"}
# Public pages are the same for everybody: name → arguments
PUBLIC = {
    **dict.fromkeys(
        [
            "notices:home",
            "notices:list",
            "notices:log",
            "notices:checkpoint",
            "notices:entries",
            "notices:feed",
            "notices:calendar",
            "notices:api-notices",
            "notices:api-rounds",
            "notices:api-tasks",
            "notices:api-organisations",
            "notices:api-log",
            "notices:openapi",
            "notices:rounds",
            "objections:received",
            "objections:receipt_text",
            "objections:track",
            "objections:add_material",
            "objections:withdraw",
            "objections:erase",
            "objections:download",
            "help",
            "privacy",
            "accessibility",
            "sitemap",
        ],
        (),
    ),
    **dict.fromkeys(
        [
            "notices:notice",
            "notices:text",
            "notices:json",
            "notices:pdf",
            "notices:docx",
            "notices:poster",
            "notices:history",
            "notices:api-notice",
            "notices:api-editions",
            "objections:object",
        ],
        ("reference",),
    ),
    **dict.fromkeys(
        [
            "notices:edition",
            "notices:edition-text",
            "notices:edition-json",
            "notices:edition-pdf",
            "notices:edition-docx",
            "notices:proof",
        ],
        ("reference", 1),
    ),
    "notices:file": ("reference", 1, 1, "x.txt"),
    **dict.fromkeys(["notices:subscribe", "notices:subscribe-sent"], ()),
    **dict.fromkeys(["notices:confirm", "notices:leave"], ("nothing",)),
    "notices:round": ("central-1",),
    "notices:task": ("task",),
    "sitemap-section": ("notices",),
    "notices:None": None,
    "None": None,
}


def named(patterns, space: str = ""):
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from named(each.url_patterns, f"{space}{each.namespace}:" if each.namespace else space)
        else:
            yield f"{space}{each.name}"


def standard(model: str) -> set[str]:
    acts = ["changelist", "add", "change", "delete", "history"]
    label = model.rstrip("*").split("_")
    found = next(each for each in admin.site._registry if each._meta.label_lower == ".".join(label))
    return {
        f"{model.rstrip('*')}_{act}"
        for act in [*acts, *(["verb"] if hasattr(admin.site._registry[found], "verbs") else [])]
    }


def test_every_address_stands_in_the_table():
    known = {name for model in MODELS for name in standard(model)} | {*OF_A_ROW, *OTHER, *BY_ADDRESS}
    expected = {f"admin:{name}" for name in known} | set(PUBLIC)
    assert set(named(get_resolver().url_patterns)) ^ expected == set()


@pytest.fixture
def places():
    """place → model → row: of the roles' own organisation, of one below it, of one that is neither."""
    own = make_organisation()
    organisations = {
        "own": own,
        "below": make_organisation("990302", "临溪分局", parent=own),
        "foreign": make_organisation("980300", "赤岭市生态环境局"),
    }
    return {place: rows_of(organisation, place) for place, organisation in organisations.items()}


def rows_of(organisation, place: str) -> dict:
    office = make_office(organisation, name=f"受理{place}", mailboxes=f"{place}@office.example")
    task = make_task(1, organisation=organisation)
    evidence = Evidence(task=task, file=ContentFile(b"hello", "x.txt"))
    evidence.clean()
    evidence.save()
    notice = make_notice(organisation=organisation, tasks=[task], receiving_office=office)
    display = notice.displays.create(
        kind="other",
        place="公告栏",
        shown_from=notice.opens_on - DAY,
        created_by=make_user("li"),
        photo=ContentFile(b"photo", "x.png"),
    )
    objection = make_objection(notice, place, make_files(("x.txt", b"hello")))
    user = make_user(f"member-{place}", organisation=organisation, email="member@office.example")
    return {
        "notices_organisation": organisation,
        "notices_receivingoffice": office,
        "notices_display": display,
        "notices_publicitynotice": notice,
        "notices_trailentry": TrailEntry.objects.record("changed", by=make_user("li"), target=office),
        "notices_rectificationtask": task,
        "notices_invitation": Invitation.objects.invite(user),
        "objections_handlingterms": HandlingTerms.objects.create(office=office),
        "objections_objection": objection,
        "objections_outgoingmail": objection.mails.first(),
        "auth_user": user,
        "evidence": evidence,
        "attachment": objection.attachments.get(),
    }


def shared_rows() -> dict:

    begun = timezone.now() - DAY
    return {
        "notices_calendarday": CalendarDay.objects.get_or_create(date="2031-01-01", defaults={"working": False})[0],
        "notices_inspectionround": make_round(),
        "notices_outage": Outage.objects.first()
        or Outage.objects.create(begun_at=begun, ended_at=begun + DAY / 2, entered_by=make_user("li")),
    }


def arguments(name: str, rows: dict) -> list:
    _, about = OF_A_ROW[name]
    match about:
        case "evidence":
            return [rows["notices_rectificationtask"].pk, rows["evidence"].pk]
        case "attachment":
            return [rows["objections_objection"].pk, rows["attachment"].pk]
        case "outcome":
            return [rows["notices_publicitynotice"].pk, "docx"]
    return [rows[about].pk]


def asked_of_models(rows_by_place: dict):
    """(method, address, who is answered, place) for the pages that every admin has."""
    common = shared_rows()
    for marked, (readers, adders, changers, deleters) in MODELS.items():
        model, pages = marked.rstrip("*"), standard(marked)
        yield "get", reverse(f"admin:{model}_changelist"), readers, "shared"
        yield "get", reverse(f"admin:{model}_add"), adders, "shared"
        yield "post", reverse(f"admin:{model}_add"), adders, "shared"
        places = {"shared": common} if marked.endswith("*") else rows_by_place
        for place, rows in places.items():
            key = [rows[model].pk]
            yield "get", reverse(f"admin:{model}_change", args=key), readers, place
            yield "get", reverse(f"admin:{model}_history", args=key), readers, place
            yield "post", reverse(f"admin:{model}_change", args=key), changers, place
            yield "get", reverse(f"admin:{model}_delete", args=key), deleters, place
            if f"{model}_verb" in pages:
                yield "post", reverse(f"admin:{model}_verb", args=[*key, "nothing"]), "", place


def expected(role: str, allowed: str, place: str) -> set[int]:
    """The answers that are right: what is not one's own is not found, whatever one may do elsewhere."""
    seen = place in ("own", "shared") or role == "u" or (place == "below" and role == "s")
    if role in allowed:
        return {200, 409} if seen else {404}  # 409: an empty post goes by nothing that a page showed
    return {403, 404}


def in_turn(client, role: str, places: dict):
    """(what was asked, what was answered, what is right) of one role; "" is nobody at all."""
    pages = list(asked_of_models(places))
    for name, (allowed, _) in OF_A_ROW.items():
        pages += [
            ("get", reverse(f"admin:{name}", args=arguments(name, rows)), allowed, place)
            for place, rows in places.items()
        ]
    for method, url, allowed, place in pages:
        answer = getattr(client, method)(url)
        yield f"{method} {url} {place}", answer.status_code, expected(role, allowed, place) if role else {302}
    others = {reverse(f"admin:{name}") + query: who for name, (query, who) in OTHER.items()} | UNNAMED
    for url, who in others.items():
        nobody = {200} if "/login/" in url or "/invitation/" in url else {302, 405}
        yield url, client.get(url).status_code, {who[role]} if role in who else {403, 404} if role else nobody


def addresses(rows: dict):
    given = {"reference": rows["notices_publicitynotice"].reference, "task": rows["notices_rectificationtask"].pk}
    for name, args in PUBLIC.items():
        if args is not None:
            yield reverse(name, args=[given.get(each, each) for each in args])


def test_every_role_gets_what_the_table_says_and_nothing_else(places):
    asked, wrong = 0, []
    public = list(addresses(places["foreign"]))
    answers = {url: Client().get(url).status_code for url in public}
    assert {status for status in answers.values() if status >= 500} == set()
    for role in ["", *ROLES]:
        client = Client()
        if role:
            client.force_login(person(role))
        for what, answered, right in in_turn(client, role, places):
            asked += 1
            if answered not in right:
                wrong.append((role, what, answered, right))
        for url in public:
            if role not in ("", "e") and url.endswith((".pdf", ".docx")):
                continue  # made anew for each request, which takes its time
            asked += 1
            if (status := client.get(url).status_code) != answers[url]:
                wrong.append((role, url, status, answers[url]))
    assert wrong == []
    assert asked >= 2500


def refused_verbs(role: str, rows: dict):
    """(what was pressed, what was answered) for each button that the role has no permission for, on rows of its own."""
    user, client = person(role), Client()
    client.force_login(user)
    for model, site in admin.site._registry.items():
        label = model._meta.label_lower.replace(".", "_")
        for name, verb in getattr(site, "verbs", {}).items():
            if not user.has_perm(verb.permission):
                url = reverse(f"admin:{label}_verb", args=[rows[label].pk, name])
                yield f"{role} {label} {name}", client.post(url).status_code


def test_no_verb_is_open_to_those_without_its_permission(places):
    answered = [found for role in ROLES for found in refused_verbs(role, places["own"] | shared_rows())]
    assert [each for each in answered if each[1] not in (403, 404)] == []
    assert len(answered) >= 100


def test_the_control_without_permissions_of_verbs_they_are(places, monkeypatch):
    monkeypatch.setattr(VerbsAdmin, "may", lambda site, request, row, verb: True)
    assert {status for _, status in refused_verbs("a", places["own"])} - {403, 404}


def test_the_control_without_scopes_the_table_does_not_hold(places, monkeypatch):
    monkeypatch.setattr(ScopedQuerySet, "of", lambda rows, user: rows)
    client = Client()
    client.force_login(person("h"))
    wrong = {what.split()[-1] for what, answered, right in in_turn(client, "h", places) if answered not in right}
    assert wrong == {"below", "foreign"}


def person(role: str):
    if role == "u":
        return make_user("root", is_superuser=True)
    return make_member(f"role-{role}", *ROLES[role])
