"""A plan's list of tasks in admin: upload, look at every task and every fault by its cell, save."""

import dataclasses

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from notices import plans
from notices.documents.files import MAX_BYTES, Unreadable, too_large
from notices.downloads import as_download
from notices.models import InspectionRound, Organisation

KEPT = "notices.planning"


class PlanForm(forms.Form):
    """Whose tasks of which round; the file, or what was read from it before. Its cleaned `plan` is a Plan."""

    organisation = forms.ModelChoiceField(label="单位", queryset=None)
    round = forms.ModelChoiceField(label="督察轮次", queryset=None)
    file = forms.FileField(
        label="任务清单",
        required=False,
        help_text="Excel（.xlsx）或 CSV，不超过 10 MB。读入后先核对，确认后才保存。",
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict:
        known = super().clean()
        upload, word = known.get("file"), known.get("kept")
        try:
            if upload:
                known["plan"] = _read(upload)
            elif word:
                known["plan"] = unpack(word)
            elif "file" not in self.errors:
                self.add_error("file", "请选择文件。")
        except Unreadable as error:
            self.add_error("file", str(error))
        except signing.BadSignature:
            self.add_error("file", "页面内容不完整，请重新选择文件。")
        return known


def _read(upload) -> plans.Plan:
    if upload.size > MAX_BYTES:
        raise Unreadable(too_large(upload.size))
    return plans.read(upload.name, upload.read())


def pack(plan: plans.Plan) -> str:
    """A plan as one signed word, for the form that asks whether to save it."""
    return signing.dumps(dataclasses.asdict(plan), salt=KEPT, compress=True)


def unpack(word: str) -> plans.Plan:
    """The plan of a word that `pack` gave. Raises signing.BadSignature for any other."""
    said = signing.loads(word, salt=KEPT)
    tasks = [plans.Planned(**task | {"measures": tuple(map(tuple, task["measures"]))}) for task in said["tasks"]]
    return plans.Plan(tasks, *([plans.Fault(**row) for row in said[name]] for name in ("faults", "remarks")))


@never_cache
def intake(request, model_admin):
    """Upload a list, look at what was read and at its faults, save it."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = _form(request, request.POST or None, request.FILES or None)
    if not form.is_valid():
        return _page(request, {"form": form}, 422 if form.is_bound else 200)
    known, saving = form.cleaned_data, "_save" in request.POST
    stored, faults = _tried(known["plan"], known["organisation"], known["round"], storing=saving)
    if saving and not faults:
        return _saved(request, model_admin, stored)
    hidden = {"organisation": known["organisation"], "round": known["round"], "kept": pack(known["plan"])}
    context = {
        "form": _form(request, initial=hidden),
        "plan": known["plan"],
        "stored": stored,
        "faults": faults,
        **hidden,
    }
    return _page(request, context, 422 if faults else 200)


def _form(request, *data, **options) -> PlanForm:
    """The form, with the units that this user works for."""
    form = PlanForm(*data, **options)
    form.fields["organisation"].queryset = Organisation.objects.own(request.user)
    form.fields["round"].queryset = InspectionRound.objects.all()
    return form


def _tried(plan: plans.Plan, organisation: Organisation, round_: InspectionRound, *, storing: bool):
    """(what was stored, faults): exactly what saving does, undone again unless `storing`."""
    try:
        with transaction.atomic():
            stored = plans.store(plan, organisation, round_)
            transaction.set_rollback(not storing)
        return stored, []
    except plans.Refused as refusal:
        return None, refusal.faults


def _saved(request, model_admin, stored: plans.Stored):
    for tasks, log in ((stored.new, model_admin.log_addition), (stored.filled, model_admin.log_change)):
        for task in tasks:
            log(request, task, "从任务清单导入")
    new, filled = len(stored.new), len(stored.filled)
    messages.success(request, f"已导入：新增 {new} 项，补充 {filled} 项，未变 {stored.unchanged} 项。")
    return redirect("admin:notices_rectificationtask_changelist")


def _page(request, context: dict, status: int):
    context = {**admin.site.each_context(request), "title": "从任务清单导入", **context}
    return render(request, "admin/notices/rectificationtask/intake.html", context, status=status)


def template(request):
    """The empty list, to fill in."""
    return as_download(plans.template(), "整改任务清单模板.xlsx", "xlsx")
