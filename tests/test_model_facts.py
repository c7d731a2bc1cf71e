"""Every model keeps its facts in pairs: what has a time has an author, and the database insists on it."""

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from tests.make import make_draft, make_notice, make_objection, make_task, make_user

# Times without a person behind them: who made them is the system, the objector or the mail server.
NOBODY = {
    "created": "the row's own time of entry",
    "opened": "the objector opened the form",
    "received": "the objector sent it",
    "sent": "the mail worker",
    "due": "a plan, not a fact",
    "refused": "the mail server of the recipient",
    "signed": "the signer of the log",
    "audited": "the audit of the log",
    "tallied": "the worker",
    "begun": "the mail server, or this site, fell silent",
    "probe": "a plan, not a fact",
    "ended": "the mail server, or this site, came back",
    "purged": "the nightly run",
    "expires": "a plan, not a fact",
    "erasure_asked": "the objector",
    "asked": "whoever subscribes",
    "told": "the worker",
}
BY_THE_PUBLIC = {("Objection", "withdrawn"), ("Subscription", "confirmed")}

OWN_MODELS = [model for app in ("notices", "objections") for model in apps.get_app_config(app).get_models()]


def pairs(model) -> list[str]:
    names = [field.name for field in model._meta.fields if isinstance(field, models.DateTimeField)]
    return [name.removesuffix("_at") for name in names if name.endswith("_at")]


FACTS = [
    (model, fact)
    for model in OWN_MODELS
    for fact in pairs(model)
    if fact not in NOBODY and (model.__name__, fact) not in BY_THE_PUBLIC
]


def make_row(model):
    """Some row of `model` whose facts can be bent."""
    if model._meta.app_label == "objections":
        return make_objection()
    match model.__name__:
        case "Closure":
            task = make_task()
            now, signed = timezone.now(), {"closed_at": timezone.now(), "closed_by": make_user("li")}
            return task.closures.create(closed_on="2025-01-01", proposed_at=now, proposed_by=make_user("wu"), **signed)
        case "Edition":  # nothing of it is ever updated; test_publishing.py tries the pair on a new row
            return make_notice().edition
        case "Redaction":
            notice = make_notice()
            notice.begin_correction(by=make_user("zhang"), reason="更正")
            notice.submit(by=make_user("zhang"))
            notice.publish(confirmed=True, by=make_user("li"))
            return notice.editions.get(number=1).propose_redaction(by=make_user("zhang"), ground="依据某法")
    return make_draft()


def test_every_time_has_an_author_field():
    assert len(FACTS) >= 13
    for model, fact in FACTS:
        assert isinstance(model._meta.get_field(f"{fact}_by"), models.ForeignKey), (model, fact)


def test_every_date_time_field_is_named_as_a_fact():
    for model in OWN_MODELS:
        for field in model._meta.fields:
            if isinstance(field, models.DateTimeField):
                assert field.name.endswith("_at") or field.name in ("at", "leased_until", "public_from"), (
                    model,
                    field.name,
                )


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "fact"), FACTS, ids=lambda value: getattr(value, "__name__", value))
def test_the_database_refuses_half_a_fact(model, fact):
    if not model._meta.get_field(f"{fact}_at").null:
        assert not model._meta.get_field(f"{fact}_by").null  # both always there
        return
    row = make_row(model)
    rows = model.objects.filter(pk=row.pk)
    for half in ({f"{fact}_at": timezone.now(), f"{fact}_by": None}, {f"{fact}_at": None, f"{fact}_by": make_user()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**half)


@pytest.mark.django_db
def test_the_control_both_halves_are_taken():
    draft = make_draft()
    rows = type(draft).objects.filter(pk=draft.pk)
    assert rows.update(submitted_at=timezone.now(), submitted_by=make_user()) == 1
    assert rows.update(submitted_at=None, submitted_by=None) == 1


def test_every_constraint_of_the_ledger_says_something_a_clerk_can_read():
    for model in OWN_MODELS:
        for constraint in model._meta.constraints:
            if constraint.name in NEVER_SEEN:
                continue
            message = str(constraint.violation_error_message)
            assert message != str(constraint.default_violation_error_message), constraint.name
            assert message.endswith("。"), constraint.name


# Rows that no form edits: their constraints guard against the portal's own mistakes.
NEVER_SEEN = {"notices_edition_number_once", "notices_edition_window_order", "notices_treenode_once"} | {
    "notices_editiontask_once",
    "notices_publishedfile_number_once",
}
