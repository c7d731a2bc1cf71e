"""Admin of what stands around objections: the tasks with their gate before closure, the terms of the offices."""

from django import forms
from django.contrib import admin

from notices.admin.ledger import RectificationTaskAdmin
from notices.admin.verbs import Verb, ask
from notices.models import RectificationTask, Stage
from objections import outcomes
from objections.models import HandlingTerms

CLOSE = "notices.close_rectificationtask"


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


@admin.register(HandlingTerms)
class HandlingTermsAdmin(admin.ModelAdmin):
    list_display = ("office", "decide_within", "reply_within", "unit")
    list_select_related = ("office",)
