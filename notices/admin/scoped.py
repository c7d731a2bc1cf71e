"""What every page of the admin keeps to: staff see what is theirs, all else is not found; what they do is in the trail."""

import collections
import contextlib

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import connection
from django.http import Http404
from django.utils.html import format_html
from django.utils.translation import gettext

from notices.models import TrailEntry
from notices.models.scope import ScopedQuerySet

from . import conflicts, linking
from .listing import PER_PAGE, Listing, Pages, page_number

Action = TrailEntry.Action


class ScopedChoices:
    """For admins and their inlines: a related row is chosen among those the user may see, an owner among their own."""

    def formfield_for_foreignkey(self, field, request, **options):
        return super().formfield_for_foreignkey(field, request, **(self.choices(field, request) | options))

    def formfield_for_manytomany(self, field, request, **options):
        return super().formfield_for_manytomany(field, request, **(self.choices(field, request) | options))

    def choices(self, field, request) -> dict:
        """The rows that `field` offers, as an option of its form field; none where nobody owns such rows."""
        rows = field.remote_field.model._default_manager.all()
        if not isinstance(rows, ScopedQuerySet):
            return {}
        owner = getattr(self.model, "belongs_to", "").split("__")[0]
        offered = rows.own(request.user) if field.name == owner else self.mentioned(rows, request.user)
        return {"queryset": offered}

    def mentioned(self, rows, user):
        return rows.of(user)


class Table(ScopedChoices, admin.TabularInline):
    """Rows of a table in which something is typed: the head of a column names each of its fields."""

    extra = 1  # without a script there is no other way to add one

    def formfield_for_dbfield(self, field, request, **options):
        made = super().formfield_for_dbfield(field, request, **options)
        if made:
            made.widget.attrs.setdefault("aria-label", made.label)
        return made

    def get_formset(self, request, obj=None, **options):
        made = super().get_formset(request, obj, **options)
        made.deletion_widget = forms.CheckboxInput(attrs={"aria-label": "删除"})
        return made


class StaffAdmin(ScopedChoices, admin.ModelAdmin):
    """The base of every admin. Its model is scoped, or `shared` by all organisations.

    A save over somebody else's is not made but shows the difference, see `conflicts`.
    """

    shared = False
    linked_filters = ()  # what a link of the portal asks of the list beside its filters
    change_form_template = "admin/staff_change_form.html"
    list_per_page = PER_PAGE
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole list

    def get_changelist(self, request, **options):
        return Listing

    def action_checkbox(self, obj):
        """As Django draws it, without a template for each row."""
        said = gettext("Select this object for an action - {}").format(obj)
        drawn = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(drawn, admin.helpers.ACTION_CHECKBOX_NAME, obj.pk, said)

    def get_paginator(self, request, queryset, per_page, *args, **options):
        """For what a field offers while somebody types: counted no further than a list is."""
        return Pages(queryset, per_page, page_number(request))

    def lookup_allowed(self, lookup, value, request):
        """What a filter or a link of the list offers, and nothing beyond the rows it names: an address asks neither for
        the beginning of a password's digest nor for a pattern, which keeps a server busy or is none."""
        filters = [each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)]
        offered = {getattr(each, "parameter_name", each) for each in (*filters, *self.linked_filters)}
        asked = lookup.partition("__")[0] in offered and not lookup.endswith("regex")
        return asked and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if self.shared else rows.of(request.user)

    def get_object(self, request, object_id, from_field=None):
        """What is not there and what is somebody else's give the same answer. `?_to_field=` names no field.

        While a form is saved the row is locked: whoever else saves it, or presses one of its buttons, waits.
        """
        if request.method == "POST" and connection.in_atomic_block:
            with contextlib.suppress(ValidationError, ValueError):
                lock(self.model._base_manager.filter(pk=self.opts.pk.to_python(object_id)))
        found = super().get_object(request, object_id, from_field or None)
        if not found:
            raise Http404
        return found

    def _changeform_view(self, request, object_id, form_url, extra_context):
        """Inside of the transaction that saves: first look whether somebody else has saved since the page was opened."""
        request.conflict = None
        if request.method == "POST" and object_id:
            request.conflict = self._meet(request, unquote(object_id))
        response = super()._changeform_view(request, object_id, form_url, extra_context)
        if request.conflict and response.status_code == 200:
            response.status_code = 409
        return response

    def _meet(self, request, object_id: str) -> conflicts.Conflict | None:
        row = self.get_object(request, object_id)
        if not self.has_change_permission(request, row):
            return None
        prefixes, open_, locked = collections.Counter(), [], []
        for made, inline in self.get_formsets_with_inlines(request, row):
            prefix = made.get_default_prefix()
            prefixes[prefix] += 1
            prefix += f"-{prefixes[prefix]}" if prefixes[prefix] > 1 else ""
            lock(inline.model._base_manager.filter(**{made.fk.name: row}))
            formset = made(instance=row, prefix=prefix, queryset=inline.get_queryset(request))
            (open_ if inline.has_change_permission(request, row) else locked).append(formset)
        form = self.get_form(request, row, change=True)(instance=row)
        found = conflicts.meet(request, row, form, open_, locked)
        if found:
            self.trace(request, Action.REFUSED, row, "打开页面以后，别人改动了这里的内容。")
        return found

    def get_form(self, request, obj=None, change=False, **options):
        """While a conflict stands nothing is valid, so nothing is saved and everything typed comes back."""
        form = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (NotYet, form), {}) if getattr(request, "conflict", None) else form

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """The page carries what it shows; after a conflict, what stands now; after a mistake, what it went by before."""
        form = context["adminform"].form
        context["conflict"] = conflict = getattr(request, "conflict", None)
        if conflict:
            context["shown"] = conflict.shown
        elif form.is_bound:
            context["shown"] = request.POST.get(conflicts.SHOWN, "")
        elif obj and self.has_change_permission(request, obj):
            formsets = [each.formset for each in context["inline_admin_formsets"] if each.has_change_permission]
            context["shown"] = conflicts.signed(obj, conflicts.state_of(form, formsets))
        link = linking.links(self.admin_site, request)
        linking.relink(context["adminform"], self.model, link)
        for each in context["inline_admin_formsets"]:
            linking.relink(each, each.opts.model, link)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def changelist_view(self, request, extra_context=None):
        """A list without actions and without fields to fill in takes no posts: whoever sends one made it by hand."""
        if request.method == "POST" and not self.list_editable and not self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def get_changeform_initial_data(self, request):
        """What the address proposes for a new row, as far as its fields can hold it."""
        initial = super().get_changeform_initial_data(request)
        return {name: value for name, value in initial.items() if can_hold(self.model, name, value)}

    def opens(self, request, row) -> bool:
        """Whether the page of `row` answers this user."""
        return self.has_view_permission(request) and self.get_queryset(request).filter(pk=row.pk).exists()

    def is_own(self, request, obj) -> bool:
        """Whether the user may work on it as far as permissions go: a supervisor reads what is below, no more."""
        if obj is None or self.shared or request.user.is_superuser:
            return True
        return self.model._default_manager.own(request.user).filter(pk=obj.pk).exists()

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self.is_own(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self.is_own(request, obj)

    def log_addition(self, request, obj, message):
        self.trace(request, Action.ADDED, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        self.trace(request, Action.CHANGED, obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            self.trace(request, Action.DELETED, obj)
        return super().log_deletions(request, queryset)

    def trace(self, request, action: str, obj, message=None) -> None:
        """One line of the trail; `message` is what the admin's own history says, names of fields and no values."""
        told = {"message": nameless(message)} if message else {}
        TrailEntry.objects.record(action, by=request.user, target=obj, request=request, **told)


class NotYet:
    """Mixed into a form that must not be saved before somebody has chosen."""

    def clean(self):
        self.add_error(None, "还没有保存：打开页面以后，别人改动了这里的内容。请在上面选择后再次保存。")
        return super().clean()


def lock(rows) -> None:
    """Until the end of the transaction nobody else changes these rows. SQLite lets only one write at a time anyway."""
    list(rows.select_for_update().order_by("pk").values("pk"))


def can_hold(model, name: str, proposed) -> bool:
    """Whether the field `name` can be read from what is proposed: one value, or a list for many rows."""
    try:
        field = model._meta.get_field(name)
        target = getattr(field, "target_field", field)
        for value in proposed if isinstance(proposed, list) else [proposed]:
            target.run_validators(target.to_python(value))
    except FieldDoesNotExist:
        return True  # the form has fields of its own
    except (ValidationError, AttributeError):
        return False
    return True


def nameless(message):
    """The history's message without what the rows call themselves: a heading may have to be redacted one day."""
    if isinstance(message, str):
        return message
    return [
        {act: {key: each[key] for key in each if key != "object"} for act, each in entry.items()} for entry in message
    ]


class ScopedFilter(admin.RelatedFieldListFilter):
    """Offers, in a list's filter, the rows that the user may see."""

    def field_choices(self, field, request, model_admin):
        rows = field.remote_field.model._default_manager.of(request.user)
        return [(row.pk, str(row)) for row in rows]


def _is_scoped(field) -> bool:
    related = getattr(field, "related_model", None)
    return bool(related) and isinstance(related._default_manager.all(), ScopedQuerySet)


admin.FieldListFilter.register(_is_scoped, ScopedFilter, take_priority=True)
