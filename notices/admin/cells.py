"""The rows of a list as HTML, drawn as Django does: what holds for a whole column is found out once, not once a row.

Each cell names its column as well, for a telephone shows no heads.
"""

import datetime
import functools
from collections.abc import Callable

from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString

IN_ONE_LINE = (models.DateField, models.TimeField, models.ForeignKey)


def rows(cl: ChangeList) -> list[list[SafeString]]:
    """All cells of each row in one piece, as `admin/change_list_results.html` wants them."""
    columns = [_column(cl, name) for name in cl.list_display]
    back = f"?{cl.preserved_filters}" if cl.preserved_filters else ""
    return [[SafeString("".join(_cells(columns, row, cl.url_for_result(row) + back)))] for row in cl.result_list]


def _cells(columns, row, url: str):
    for kind, said, leads, tell in columns:
        shown, in_one_line = tell(row)
        kind = f"{kind} nowrap" if in_one_line else kind
        if leads:
            yield f'<th class="{kind}"{said}><a href="{escape(url)}">{shown}</a></th>'
        else:
            yield f'<td class="{kind}"{said}>{shown}</td>'


def _column(cl: ChangeList, name: str) -> tuple[str, str, bool, Callable]:
    """Its class, its name as an attribute, whether it leads to the page of the row, and from a row: (what is shown,
    whether that stays in one line)."""
    if name == "action_checkbox":
        said = ""
    else:
        said = format_html(' data-label="{}"', label_for_field(name, cl.model, cl.model_admin))
    kind = "action-checkbox" if name == "action_checkbox" else f"field-{name}"
    admin, nothing = cl.model_admin, cl.model_admin.get_empty_value_display()
    try:
        field = admin.opts.get_field(name)
    except FieldDoesNotExist:
        return kind, said, name in cl.list_display_links, functools.partial(_told, admin, name, nothing)
    in_one_line, shown = isinstance(field, IN_ONE_LINE), functools.cache(functools.partial(_shown, field, nothing))
    return kind, said, name in cl.list_display_links, lambda row: (shown(getattr(row, name)), in_one_line)


def _shown(field: models.Field, nothing: str, value) -> SafeString:
    """A value of the database; the same day, choice or organisation is drawn once for all rows of the page."""
    if field.is_relation:
        return conditional_escape(nothing if value is None else value)
    return conditional_escape(display_for_field(value, field, nothing))


def _told(admin, name: str, nothing: str, row) -> tuple[SafeString, bool]:
    """What a method says of the row."""
    _, method, value = lookup_field(name, row, admin)
    shown = display_for_value(value, nothing, getattr(method, "boolean", False))
    return conditional_escape(shown), isinstance(value, datetime.date)
