"""Buttons that call the verbs of a model: which are offered, who may press them, what they ask for."""

import collections.abc
import dataclasses

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from notices.models import NotAllowed

from .scoped import Action, StaffAdmin


class Nothing(forms.Form):
    """A verb that takes nothing but the press of its button."""


def ask(**fields: forms.Field) -> type[forms.Form]:
    """A form with these fields: what a verb wants to know. Their names are the verb's arguments."""
    return type("Ask", (forms.Form,), fields)


def words(label: str) -> forms.CharField:
    """A few sentences in staff's own words; that they are there is for the verb to insist on."""
    return forms.CharField(label=label, required=False, widget=forms.Textarea(attrs={"rows": 2}))


@dataclasses.dataclass(frozen=True)
class Verb:
    """One button. `fits(row, user)` says when it is offered; `form` asks what the verb wants to know.

    `act(row, by=…, …)` is called where the verb is not a method of the row itself. What is done `seldom` is folded away;
    what cannot be taken back is `grave`, and looks like it.
    """

    label: str
    permission: str
    fits: collections.abc.Callable
    form: type[forms.Form] = Nothing
    act: collections.abc.Callable | None = None
    seldom: bool = False
    grave: bool = False


class VerbsAdmin(StaffAdmin):
    """A change page whose buttons are the model's verbs; the verb itself refuses what does not fit the facts."""

    change_form_template = "admin/verbs_change_form.html"
    verbs: dict[str, Verb] = {}

    def get_urls(self):
        act = self.admin_site.admin_view(require_POST(self.act))
        name = f"{self.opts.app_label}_{self.opts.model_name}_verb"
        return [path("<int:pk>/verb/<str:name>/", act, name=name), *super().get_urls()]

    def seen(self, row) -> str:
        """What the page showed, in a word: a verb pressed on a page that no longer holds is refused."""
        return ""

    def may(self, request, row, verb: Verb) -> bool:
        return request.user.has_perm(verb.permission) and self.is_own(request, row)

    def verb_form(self, request, row, verb: Verb, *args, **options) -> forms.Form:
        """What the verb asks for, for this row."""
        return verb.form(*args, **options)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The change page with its buttons; `typed` in its context is, by verb, what was sent to one that refused."""
        row, typed = self.get_object(request, object_id), (extra_context or {}).get("typed", {})
        offered = {
            name: (
                self._url("verb", row.pk, name),
                verb.label,
                self.verb_form(request, row, verb, initial=typed.get(name), auto_id=f"{name}-%s"),
                verb.grave,
            )
            for name, verb in self.verbs.items()
            if row and self.may(request, row, verb) and verb.fits(row, request.user)
        }
        seldom = [name for name in offered if self.verbs[name].seldom and name not in typed]
        context = {
            "verbs": [button for name, button in offered.items() if name not in seldom],
            "seldom": [offered[name] for name in seldom],
            "seen": row and self.seen(row),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def act(self, request, pk, name):
        """Check the permission, call the verb, record it, say what happened."""
        row, verb = get_object_or_404(self.get_queryset(request), pk=pk), self.verbs.get(name)
        if not verb or not self.may(request, row, verb):
            raise PermissionDenied
        form = self.verb_form(request, row, verb, request.POST)
        try:
            if request.POST.get("seen", self.seen(row)) != self.seen(row):
                raise NotAllowed("打开页面以后内容有变化，请核对下面的最新内容后再办理。")
            if not form.is_valid():
                raise NotAllowed(
                    "".join(f"{form.fields[name].label}：{errors[0]}" for name, errors in form.errors.items())
                )
            act = verb.act or getattr(type(row), name)
            act(row, by=request.user, **form.cleaned_data)
        except NotAllowed as refusal:
            return self._refused(request, row, name, refusal)
        self.log_change(request, row, verb.label)
        self.message_user(request, f"{row}：{verb.label}，已办理。", messages.SUCCESS)
        there = self.get_queryset(request).filter(pk=row.pk).exists()  # a case handed on is not the user's any more
        return HttpResponseRedirect(self._url("change", row.pk) if there else self._url("changelist"))

    def _refused(self, request, row, name: str, refusal: NotAllowed):
        """The change page again, with the reason and with what was typed."""
        self.message_user(request, str(refusal), messages.ERROR)
        self.trace(request, Action.REFUSED, row, f"{self.verbs[name].label}：{refusal}")
        typed, request.method = {name: request.POST.dict()}, "GET"
        response = self.change_view(request, str(row.pk), self._url("change", row.pk), {"typed": typed})
        response.status_code = 422 if response.status_code == 200 else response.status_code
        return response

    def _url(self, page: str, *arguments) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=arguments)
