"""Buttons that call the verbs of a model: which are offered, who may press them, what they ask for."""

import collections.abc
import dataclasses

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from notices.models import NotAllowed


@dataclasses.dataclass(frozen=True)
class Verb:
    """One button. `fits(row, user)` says when it is offered; `field` names the text the verb takes, if any."""

    label: str
    permission: str
    fits: collections.abc.Callable
    field: str = ""
    field_label: str = ""
    choices: tuple = ()


class VerbsAdmin(admin.ModelAdmin):
    """A change page whose buttons are the model's verbs; the verb itself refuses what does not fit the facts."""

    change_form_template = "admin/verbs_change_form.html"
    verbs: dict[str, Verb] = {}

    def get_urls(self):
        act = self.admin_site.admin_view(require_POST(self.act))
        name = f"{self.opts.app_label}_{self.opts.model_name}_verb"
        return [path("<int:pk>/verb/<str:name>/", act, name=name), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        row = self.get_object(request, object_id)
        offered = row and [
            (reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_verb", args=[row.pk, name]), verb)
            for name, verb in self.verbs.items()
            if request.user.has_perm(verb.permission) and verb.fits(row, request.user)
        ]
        return super().change_view(request, object_id, form_url, {"verbs": offered, **(extra_context or {})})

    def act(self, request, pk, name):
        """Check the permission, call the verb, record it, say what happened."""
        row, verb = get_object_or_404(self.get_queryset(request), pk=pk), self.verbs.get(name)
        if not verb or not request.user.has_perm(verb.permission):
            raise PermissionDenied
        said = {verb.field: request.POST.get(verb.field, "")} if verb.field else {}
        try:
            getattr(row, name)(by=request.user, **said)
        except NotAllowed as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, row, verb.label)
            self.message_user(request, f"{row}:{verb.label}，已办理。", messages.SUCCESS)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        )
