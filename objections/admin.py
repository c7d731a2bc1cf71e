"""Admin of objections: read what was said, act through the verbs."""

from django import forms
from django.contrib import admin

from notices.admin.ledger import RectificationTaskAdmin
from notices.admin.verbs import Verb, VerbsAdmin, ask, words
from notices.models import RectificationTask, Stage

from . import outcomes
from .forms import parts
from .models import Event, Objection, OutgoingMail, Status

HANDLE = "objections.handle_objection"
FINDINGS = [("", "请选择"), *Objection.Finding.choices]
NO_FINDING = {"invalid_choice": "请选择核查结论。"}


class EventInline(admin.TabularInline):
    model = Event
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "kind", "by", "text")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Objection)
class ObjectionAdmin(VerbsAdmin):
    list_display = ("number", "notice", "received_at", "channel", "status_label", "late")
    list_filter = ("channel", "finding")
    list_select_related = ("notice__edition",)
    date_hierarchy = "received_at"
    inlines = (EventInline,)
    fieldsets = (
        (None, {"fields": ("number", "notice", "received_at", "late", "status_label")}),
        ("异议", {"fields": ("part", "content", "content_digest")}),
        ("异议人（对责任单位保密）", {"fields": ("kind", "anonymous", "name", "phone", "email")}),
        ("办理", {"fields": ("decline_reason", "finding", "reply")}),
    )

    verbs = {
        "accept": Verb("受理", HANDLE, lambda each, user: each.status == Status.RECEIVED),
        "decline": Verb(
            "不予受理",
            HANDLE,
            lambda each, user: each.status == Status.RECEIVED,
            ask(reason=words("原因（异议人会看到）")),
        ),
        "verify": Verb(
            "记录核查结论",
            HANDLE,
            lambda each, user: each.status == Status.ACCEPTED,
            ask(
                finding=forms.ChoiceField(label="核查结论", required=False, choices=FINDINGS, error_messages=NO_FINDING)
            ),
        ),
        "answer": Verb(
            "答复",
            HANDLE,
            lambda each, user: each.status in (Status.VERIFIED, Status.DECLINED),
            ask(reply=words("答复内容（异议人会看到）")),
        ),
        "finish": Verb("办结", HANDLE, lambda each, user: each.status == Status.REPLIED),
    }

    def get_readonly_fields(self, request, obj=None):
        return [name for _, options in self.fieldsets for name in options["fields"]]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="受理编号", ordering="id")
    def number(self, objection):
        return objection.number

    @admin.display(description="办理状态")
    def status_label(self, objection):
        return objection.status.label

    @admin.display(description="逾期提出")
    def late(self, objection):
        return "是，公示期结束后收到" if objection.is_late else "否"

    @admin.display(description="针对内容")
    def part(self, objection):
        return dict(parts(objection.edition.read())).get(objection.concerns, objection.concerns)


@admin.register(RectificationTask)
class GatedTaskAdmin(RectificationTaskAdmin):
    """The ledger's tasks, with the button that strikes one off the list once no objection is open."""

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


@admin.register(OutgoingMail)
class OutgoingMailAdmin(admin.ModelAdmin):
    list_display = ("__str__", "kind", "created_at", "due_at", "attempts", "last_error", "sent_at")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("objection",)
    fields = ("objection", "kind", "created_at", "due_at", "attempts", "last_error", "sent_at", "message_id")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
