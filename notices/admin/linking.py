"""A related row that is only shown is a link where its page opens for the reader, and text for everybody else."""

import functools
from collections.abc import Callable

from django.contrib.admin.utils import flatten_fieldsets, quote
from django.db import models
from django.urls import reverse
from django.utils.html import format_html

Link = Callable[..., str]


def links(site, request) -> Link:
    """From a row, and what it is called if not by its own name, to that name: as a link where it opens for this user."""

    @functools.cache
    def link(row: models.Model, name: str = "") -> str:
        admin = site.get_model_admin(type(row)) if site.is_registered(type(row)) else None
        if not admin or not admin.opens(request, row):
            return name or str(row)
        url = reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_change", args=[quote(row.pk)])
        return format_html('<a href="{}">{}</a>', url, name or row)

    return link


def relink(part, model: type[models.Model], link: Link) -> None:
    """Lets `link` say what the related rows are called that `part` of a change form only shows: its AdminForm, or an
    InlineAdminFormSet, which shows all of its fields where nothing may be typed."""
    names = set(part.readonly_fields)
    if not getattr(part, "has_change_permission", True) and not part.has_add_permission:
        names |= set(flatten_fieldsets(part.fieldsets))
    keys = [each for each in model._meta.fields if each.remote_field and each.name in names]
    shown = {each.name: _shown(each, link) for each in keys}
    part.readonly_fields = [*part.readonly_fields, *shown.values()]
    part.fieldsets = [
        (title, options | {"fields": _put(shown, options["fields"])}) for title, options in part.fieldsets
    ]


def _put(shown: dict, lines) -> list:
    return [shown.get(each, each) if isinstance(each, str) else _put(shown, each) for each in lines]


def _shown(key: models.ForeignKey, link: Link) -> Callable:
    """In place of the field's name, what Django calls a callable of `readonly_fields`."""

    def related(row) -> str:
        found = getattr(row, key.name)
        return "-" if found is None else link(found)

    related.__name__, related.short_description = key.name, key.verbose_name
    return related
