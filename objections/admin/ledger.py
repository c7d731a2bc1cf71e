"""Admin of what stands around objections: the tasks with their gate before closure, the terms of the offices."""

from django import forms
from django.contrib import admin

from notices.admin.ledger import RectificationTaskAdmin
from notices.admin.verbs import Verb, ask
from notices.models import RectificationTask, Stage
from objections import outcomes
from objections.models import HandlingTerms


@admin.register(RectificationTask)
class GatedTaskAdmin(RectificationTaskAdmin):
    """The ledger's tasks, with the button that strikes one off the list once no objection speaks against it."""

    verbs = {
        "close": Verb(
            "销号",
            "notices.close_rectificationtask",
            lambda task, user: task.stage() == Stage.PUBLICITY_ENDED,
            ask(
                closed_on=forms.DateField(label="销号日期", widget=forms.DateInput(attrs={"type": "date"})),
                filing=forms.CharField(label="备案文号", required=False, max_length=100),
            ),
            outcomes.close_task,
        ),
        **RectificationTaskAdmin.verbs,
    }


@admin.register(HandlingTerms)
class HandlingTermsAdmin(admin.ModelAdmin):
    list_display = ("office", "decide_within", "reply_within", "unit")
    list_select_related = ("office",)
