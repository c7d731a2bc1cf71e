"""Rows of the admin's lists are drawn without Django's tag, but as it would draw them."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags import admin_list
from django.urls import reverse

from notices.admin import cells, scoped
from tests.make import make_draft, make_user
from tests.test_access_matrix import places, shared_rows  # noqa: F401 – a fixture

LABEL = re.compile(r' data-label="([^"]*)"')
pytestmark = pytest.mark.django_db


def drawn(rows) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("query", ["", "?o=-1", "?o=2.-1&p=1"])
def test_each_list_shows_what_django_would(client, monkeypatch, query):
    shared_rows()
    make_draft(title="<b>&\"'", tasks=[])
    client.force_login(make_user("boss", is_superuser=True))
    lists = 0
    for model, model_admin in admin.site._registry.items():
        if not isinstance(model_admin, scoped.StaffAdmin):
            continue
        page = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query)
        ours, cl = drawn(cells.rows(page.context["cl"])), page.context["cl"]
        assert all(row in page.content.decode() for row in ours)
        with monkeypatch.context() as plain:
            plain.setattr(scoped.StaffAdmin, "action_checkbox", admin.ModelAdmin.action_checkbox)
            assert [LABEL.sub("", row) for row in ours] == drawn(admin_list.results(cl)), model
        heads = [
            head["text"]
            for head in admin_list.result_headers(cl)
            if "action-checkbox" not in head.get("class_attrib", "")
        ]
        assert all(LABEL.findall(row) == heads for row in ours)
        lists += len(ours) > 0
    assert lists == 14


def test_nothing_is_typed_into_a_list():
    """The rows have no fields for it."""
    assert not any(each.list_editable for each in admin.site._registry.values())
