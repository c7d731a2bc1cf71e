"""Admin of what stands around objections: the tasks with their gate before closure, the terms of the offices."""

import tempfile

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.admin.ledger import RectificationTaskAdmin
from notices.admin.scoped import StaffAdmin
from notices.admin.verbs import Verb, ask
from notices.attachments import clean_name
from notices.models import RectificationTask, Stage, TrailEntry
from objections import casefile, outcomes
from objections.models import HandlingTerms

CLOSE = "notices.close_rectificationtask"
CASE_FILE = "notices_rectificationtask_case_file"
EXPORT = "notices.export_case_file"


@admin.register(RectificationTask)
class GatedTaskAdmin(RectificationTaskAdmin):
    """The ledger's tasks, with the buttons by which two people strike one off the list once no objection speaks
    against it."""

    verbs = {
        "propose_closure": Verb(
            "提议销号",
            CLOSE,
            lambda task, user: task.stage() == Stage.PUBLICITY_ENDED and not task.closures.proposed().exists(),
            ask(
                closed_on=forms.DateField(label="销号日期", widget=forms.DateInput(attrs={"type": "date"})),
                filing=forms.CharField(label="备案文号", required=False, max_length=100),
            ),
            outcomes.propose_closure,
        ),
        "close": Verb(
            "确认销号",
            CLOSE,
            lambda task, user: task.closures.proposed().exclude(proposed_by=user).exists(),
            act=outcomes.close_task,
        ),
        "drop_closure": Verb("不销号", CLOSE, lambda task, user: task.closures.proposed().exists()),
        **RectificationTaskAdmin.verbs,
    }

    def get_queryset(self, request):
        return outcomes.sent_back(super().get_queryset(request))

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_safe(self.case_file)))
        return [path("<int:pk>/case-file/", view, name=CASE_FILE), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        allowed = object_id.isascii() and object_id.isdecimal() and request.user.has_perm(EXPORT)
        url = reverse(f"admin:{CASE_FILE}", args=[object_id]) if allowed else ""
        return super().change_view(request, object_id, form_url, {"case_file_url": url, **(extra_context or {})})

    def case_file(self, request, pk):
        """The case file of a task as a ZIP; who took it is in the trail."""
        task = get_object_or_404(self.get_queryset(request), pk=pk)
        if not (request.user.has_perm(EXPORT) and self.has_view_permission(request, task)):
            raise PermissionDenied
        file = tempfile.TemporaryFile()  # noqa: SIM115 – the answer closes it
        casefile.write(task, file)
        file.seek(0)
        TrailEntry.objects.record(
            TrailEntry.Action.EXPORTED, by=request.user, target=task, organisation=task.organisation, request=request
        )
        name = clean_name(f"一案一档 {task}.zip")
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@admin.register(HandlingTerms)
class HandlingTermsAdmin(StaffAdmin):
    list_display = ("office", "decide_within", "reply_within", "unit")
    list_select_related = ("office",)
