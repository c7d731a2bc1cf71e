"""The queue: what was said, by when it is to be answered, and the buttons that move it on."""

import contextlib
import re

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import path, re_path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join

from notices.admin import searching
from notices.admin.bulk import BulkVerbs
from notices.admin.listing import TimeFilter
from notices.admin.verbs import Verb, ask, words
from notices.models import Membership, NotAllowed, PublicityNotice
from notices.search import asking
from notices.search.index import Unavailable
from objections.forms import parts
from objections.keyring import ring
from objections.masking import masked_email, masked_name, masked_phone
from objections.models import Event, Note, Objection, Status, Supplement
from objections.models.queue import BY_DUE_DATE
from objections.statements import STEPS

from . import entering, statements, yearly
from .attachments import AttachmentInline, AttachmentsAdmin
from .exporting import TakenAlong
from .revealing import RevealingAdmin, reveal
from .today import SOON

HANDLE = "objections.handle_objection"
FINDINGS = [("", "请选择"), *Objection.Finding.choices]
NO_FINDING = {"invalid_choice": "请选择核查结论。"}
NOBODY = {"required": "请选择承办人。", "invalid_choice": "请选择承办人。"}


class RecordInline(admin.TabularInline):
    """Lines that are written by verbs alone."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(HANDLE) or super().has_view_permission(request, obj)

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class EventInline(RecordInline):
    model = Event
    fields = readonly_fields = ("at", "kind", "by", "text")


class NoteInline(RecordInline):
    model = Note
    fields = readonly_fields = ("at", "by", "text")


class SupplementInline(RecordInline):
    model = Supplement
    fields = readonly_fields = ("at", "text", "content_digest")


class QueueFilter(admin.SimpleListFilter):
    title = "办理"
    parameter_name = "queue"

    def lookups(self, request, model_admin):
        return [
            (Status.RECEIVED, "待受理"),
            (Status.ACCEPTED, "核查中"),
            (Status.VERIFIED, "待答复"),
            ("overdue", "逾期"),
            ("due", f"{SOON} 天内到期"),
            ("mine", "我的"),
            ("unnoticed", "未送达也未查看"),
            ("pending", "尚未办结"),
            ("is_doubled", "可能重复"),
            ("is_one_of_many", "短时间内大量提出"),
            (Status.WITHDRAWN, "异议人撤回"),
            ("erasure_asked", "申请删除个人信息"),
        ]

    def queryset(self, request, queryset):
        chosen, today = self.value(), timezone.localdate()
        match chosen:
            case "overdue" | "unnoticed":
                return getattr(queryset, chosen)(today)
            case "due":
                return queryset.due_within(SOON, today)
            case "mine":
                return queryset.filter(assigned_to=request.user)
            case "is_doubled":
                return queryset.filter(is_doubled=True)
            case "is_one_of_many":
                return queryset.one_of_many()
            case "pending" | "erasure_asked":
                return getattr(queryset, chosen)()
        return queryset.with_status(chosen) if chosen in Status.values else queryset


class LateFilter(admin.SimpleListFilter):
    title = "提出时间"
    parameter_name = "late"

    def lookups(self, request, model_admin):
        return [("no", "公示期内"), ("yes", "公示期结束后")]

    def queryset(self, request, queryset):
        return {"yes": queryset.late, "no": queryset.timely}.get(self.value(), queryset.all)()


class Assignment(forms.Form):
    """Asks who is to handle a case, among those who may."""

    to = forms.ModelChoiceField(label="承办人", queryset=None, error_messages=NOBODY)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        backend = "django.contrib.auth.backends.ModelBackend"
        users = get_user_model().objects.with_perm(HANDLE, backend=backend)
        self.fields["to"].queryset = users.order_by("username")
        self.fields["to"].label_from_instance = lambda user: user.get_full_name() or user.username


MARKS = {
    "nobody_noticed": "未送达也未查看",
    "is_doubled": "可能重复",
    "is_one_of_many": "短时间内大量提出",
    "erasure_asked_at": "申请删除",
}
MOST_SHOWN = 20


def is_open(objection: Objection, user) -> bool:
    return objection.is_open


def tells(objection: Objection | None, field: str) -> bool:
    """Whether this field of the page says something of this objection."""
    return getattr(objection, field, True) not in (None, "", False)


def is_kept(objection: Objection, user) -> bool:
    return not objection.purged_at


def searched(typed: str) -> Q:
    """Objections by their number, or by the number or the words of their notice."""
    if number := re.fullmatch(r"YY[0-9]{4}-0*([0-9]{1,18})", typed.upper()):
        return Q(pk=number[1])
    notices = list(PublicityNotice.objects.filter(reference=typed).values_list("pk", flat=True))
    with contextlib.suppress(Unavailable):
        notices += searching.published(said) if (said := asking.terms(typed)) else []
    return Q(notice__in=notices)


@admin.register(Objection)
class ObjectionAdmin(TakenAlong, BulkVerbs, AttachmentsAdmin, RevealingAdmin):
    actions = ("accept_selected", "assign_selected")
    change_list_template = "admin/objections/objection/change_list.html"
    list_display = (
        "number",
        "objector",
        "status_label",
        "due_label",
        "days_left",
        "assigned_to",
        "received_on",
        "late",
        "notice",
    )
    list_filter = (QueueFilter, LateFilter, "channel", "finding", ("received_on", TimeFilter))
    linked_filters = ("notice", *(f"{step}_at" for step in STEPS))  # by the figures of an outcome statement
    list_select_related = ("notice__edition", "assigned_to")
    search_fields = ("id",)  # that there is a search; get_search_results says where it looks
    search_help_text = (
        "受理编号（例如 YY2026-000012）、公示编号，或公示里的字词。姓名、联系方式和异议内容加密保存，不能搜索。"
    )
    inlines = (AttachmentInline, SupplementInline, EventInline, NoteInline)
    fieldsets = (
        (None, {"fields": ("number", "notice", "channel", "received_at", "received_on", "postmarked_on", "late")}),
        ("期限", {"fields": ("status_label", "decide_by", "reply_by", "days_left", "assigned_to", "routed_to")}),
        ("异议", {"fields": ("part", "content", "alike", "content_digest")}),
        ("异议人（对责任单位保密）", {"fields": ("kind", "anonymous", "name", "phone", "email", "entered_by")}),
        ("办理", {"fields": ("decline_reason", "finding", "reply")}),
        ("个人信息保存", {"fields": ("keep_until", "held_at", "held_by", "hold_reason", "purged_at")}),
        ("异议人的要求", {"fields": ("withdrawn_at", "erasure_asked_at", "erase_by")}),
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
        "assign": Verb("指派", HANDLE, is_open, Assignment),
        "forward": Verb(
            "转送上级单位办理",
            HANDLE,
            lambda each, user: is_open(each, user) and not each.routed_to_id,
            ask(reason=words("原因（例如异议针对受理部门本身；异议人看不到）")),
            seldom=True,
        ),
        "note": Verb("记内部备注", HANDLE, is_kept, ask(text=words("备注（异议人看不到）"))),
        "reopen": Verb(
            "重新办理",
            HANDLE,
            lambda each, user: each.status == Status.DONE and is_kept(each, user),
            ask(reason=words("重新办理的原因")),
        ),
        "withdraw": Verb("登记异议人撤回", HANDLE, is_open, ask(reason=words("原因和核实情况")), seldom=True),
        "request_erasure": Verb(
            "登记删除申请", HANDLE, lambda each, user: is_kept(each, user) and not each.erasure_asked_at, seldom=True
        ),
        "reissue_code": Verb(
            "补发回执码",
            HANDLE,
            is_kept,
            ask(checked=words("怎样核实了对方身份（例如回拨登记的电话）")),
            seldom=True,
        ),
    }

    masks = {"name": "masked_name", "phone": "masked_phone", "email": "masked_email"}
    verbs |= reveal(lambda each, user: is_kept(each, user) and bool(each.name or each.phone or each.email))
    verbs |= {
        "hold": Verb(
            "保留个人信息，暂不删除",
            HANDLE,
            lambda each, user: not each.held_at and not each.purged_at,
            ask(reason=words("保留的原因（异议人看不到）")),
            seldom=True,
        ),
        "release_hold": Verb("不再保留个人信息", HANDLE, lambda each, user: each.held_at, seldom=True),
    }

    def has_handle_permission(self, request) -> bool:
        return request.user.has_perm(HANDLE)

    def remarks(self, request, row, name):
        return [
            f"{self.status_label(row)}，期限 {row.due_on:%Y-%m-%d}，{row.notice}" if row.due_on else str(row.notice)
        ]

    @admin.action(description="受理所选的异议", permissions=["handle"])
    def accept_selected(self, request, rows):
        return self.in_bulk(request, rows, "accept")

    @admin.action(description="指派所选的异议", permissions=["handle"])
    def assign_selected(self, request, rows):
        return self.in_bulk(request, rows, "assign")

    def verb_form(self, request, row, verb, *args, **options):
        """A case is assigned among colleagues."""
        form = super().verb_form(request, row, verb, *args, **options)
        if isinstance(form, Assignment):
            colleagues = Membership.objects.colleagues([row.organisation.pk])
            form.fields["to"].queryset = form.fields["to"].queryset.filter(Q(pk__in=colleagues) | Q(is_superuser=True))
        return form

    def seen(self, objection) -> str:
        return objection.status

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("enter/", wrap(entering.enter), name="objections_objection_enter"),
            path("yearly/", wrap(yearly.page), name="objections_yearly"),
            path("yearly.xlsx", wrap(yearly.file), name="objections_yearly_file"),
            path("outcomes/", wrap(statements.notices), name="objections_outcomes"),
            path("notices/<int:pk>/outcome/", wrap(statements.statement), name="objections_outcome"),
            re_path(
                r"^notices/(?P<pk>\d+)/outcome\.(?P<form>pdf|docx)$",
                wrap(statements.file),
                name="objections_outcome_file",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request):
        return super().get_queryset(request).by_due_date().watched(timezone.localdate()).marked()

    def get_changelist_instance(self, request):
        """The keys of all that the page shows are fetched at once."""
        shown = super().get_changelist_instance(request)
        ring.open(shown.result_list.values_list("data_key", flat=True))
        return shown

    def get_search_results(self, request, queryset, search_term):
        typed = search_term.strip()
        return (queryset.filter(searched(typed)) if typed else queryset), False

    def get_ordering(self, request):
        return BY_DUE_DATE

    def change_view(self, request, object_id, form_url="", extra_context=None):
        objection = self.get_object(request, object_id)
        if self.may(request, objection, self.verbs["note"]):
            objection.see(by=request.user)
        return super().change_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request, obj=None):
        """Only what there is to read: a page of an hour-old objection is not a list of what has not happened yet."""
        told = [(title, [name for name in options["fields"] if tells(obj, name)]) for title, options in self.fieldsets]
        return [(title, {"fields": self.shown(request, names)}) for title, names in told if names]

    def get_inlines(self, request, obj):
        return [inline for inline in self.inlines if inline.model.objects.filter(objection=obj).exists()]

    def act(self, request, pk, name):
        return self.reissue(request, pk) if name == "reissue_code" else super().act(request, pk, name)

    def reissue(self, request, pk):
        """The new code, on the page that answers the press of the button and nowhere else."""
        objection = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.may(request, objection, self.verbs["reissue_code"]):
            raise PermissionDenied
        try:
            code = objection.reissue_code(by=request.user, checked=request.POST.get("checked", ""))
        except NotAllowed as refusal:
            return self._refused(request, objection, "reissue_code", refusal)
        self.log_change(request, objection, self.verbs["reissue_code"].label)
        return entering.show_code(request, objection, code)

    def get_readonly_fields(self, request, obj=None):
        return [name for _, options in self.get_fieldsets(request, obj) for name in options["fields"]]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="受理编号", ordering="id")
    def number(self, objection):
        return objection.number

    @admin.display(description="异议人")
    def objector(self, objection):
        return "匿名" if objection.anonymous else masked_name(objection.name)

    @admin.display(description="姓名或单位名称")
    def masked_name(self, objection):
        return masked_name(objection.name)

    @admin.display(description="电话")
    def masked_phone(self, objection):
        return masked_phone(objection.phone)

    @admin.display(description="电子邮箱")
    def masked_email(self, objection):
        return masked_email(objection.email)

    @admin.display(description="办理状态")
    def status_label(self, objection):
        marks = [label for name, label in MARKS.items() if getattr(objection, name)]
        return " · ".join([objection.status.label, *marks])

    @admin.display(description="内容相同的异议")
    def alike(self, objection):
        """Where they are, so that one answer can do for all: each is still handled by itself."""
        url = "admin:objections_objection_change"
        found = [(reverse(url, args=[each.pk]), each.number) for each in objection.alike().impersonal()[:MOST_SHOWN]]
        return format_html_join("、", '<a href="{}">{}</a>', found) or "无"

    @admin.display(description="期限", ordering="next_due")
    def due_label(self, objection):
        return objection.due_on

    @admin.display(description="剩余天数")
    def days_left(self, objection):
        if not objection.due_on:
            return "-"
        days = (objection.due_on - timezone.localdate()).days
        return f"已逾期 {-days} 天" if days < 0 else f"{days} 天"

    @admin.display(description="个人信息保存到")
    def keep_until(self, objection):
        return date_format(objection.keep_until)

    @admin.display(description="逾期提出")
    def late(self, objection):
        return "是，公示期结束后收到" if objection.is_late else "否"

    @admin.display(description="处理删除申请的期限")
    def erase_by(self, objection):
        return date_format(objection.erase_by)

    @admin.display(description="针对内容")
    def part(self, objection):
        known = {} if objection.edition.is_redacted else dict(parts(objection.edition.read()))
        return known.get(objection.concerns, objection.concerns)
