"""What can be added to a form has an empty row for it, without any script; left empty it adds nothing."""

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.filling import filled
from tests.make import make_draft, make_member, make_organisation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("make", "rows", "typed"),
    [
        (make_draft, "sections", {"heading": "七、其他", "body": "新的部分。"}),
        (make_organisation, "receiving_offices", {"name": "信访室", "phone": "0000-7654321"}),
        (make_organisation, "publicity_rules", {"stage": "self_acceptance", "length": "12"}),
        (lambda: make_member("wu", "editor", email="wu@office.example"), "memberships", {"organisation": "other"}),
    ],
)
def test_the_empty_row_is_stored_when_it_is_filled_in_and_only_then(admin_client, make, rows, typed):
    other = make_organisation("990400", "云岭市生态环境局")
    row = make()
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    before = getattr(row, rows).count()
    for said, more in (({}, 0), (typed, 1)):
        values = {name: other.pk if value == "other" else value for name, value in said.items()}
        sent = filled(admin_client, url) | {f"{rows}-{before}-{name}": value for name, value in values.items()}
        answer = admin_client.post(url, sent)
        assert answer.status_code == 302, answer.context["errors"]
        assert getattr(row, rows).count() == before + more


def test_wherever_rows_can_be_added_there_is_an_empty_one(admin_client):
    seen = 0
    for model, model_admin in admin.site._registry.items():
        if not model_admin.inlines:
            continue
        page = admin_client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
        for each in page.context["inline_admin_formsets"] if page.status_code == 200 else ():
            if each.has_add_permission and each.formset.max_num:
                assert each.formset.extra_forms, each.opts
                seen += 1
    assert seen >= 7
