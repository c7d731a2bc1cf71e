"""Admin of notices: the working copy as a form, the verbs as buttons, the editions as they were frozen."""

import contextlib

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from notices import recounting, windows
from notices.models import Edition, Evidence, NoticeSection, PublicityNotice, ReceivingOffice, Redaction, State
from notices.models.calendar import current_calendar
from notices.models.scope import above
from notices.views import draft_context

from . import counting, findings, intake, searching
from .bulk import BulkVerbs
from .exporting import ExportAdmin
from .rows import OrderedInline
from .showing import DisplayInline
from .today import week_of
from .verbs import Verb, VerbsAdmin, ask, words

COUNTED = '<div data-counting="{}" aria-live="polite">{}</div>'

NO_EVIDENCE = "这份公示的整改任务还没有佐证材料。请先到整改任务的页面上传，再回到这里勾选。"


class NoticeForm(forms.ModelForm):
    class Meta:
        model = PublicityNotice
        fields = (
            "organisation",
            "stage",
            "title",
            "tasks",
            "evidence",
            "basis",
            "receiving_office",
            "signatories",
            "signed_on",
            "opens_on",
            "closes_on",
            "change_reason",
        )
        widgets = {
            "title": forms.TextInput(attrs={"class": "vLargeTextField"}),
            **{
                name: forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})
                for name in ("basis", "change_reason")
            },
            "evidence": forms.CheckboxSelectMultiple,
            **{
                name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
                for name in ("signed_on", "opens_on", "closes_on")
            },
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if "evidence" in self.fields:  # what has not been saved yet has no tasks to choose from
            own = Evidence.objects.filter(task__notices=self.instance) if self.instance.pk else Evidence.objects.none()
            self.fields["evidence"].queryset = own.distinct()
            if not own.exists():
                self.fields["evidence"].help_text = NO_EVIDENCE

    def clean(self):
        """Without an end the rule gives it, so that a clerk types one date; a public notice keeps a receiving office."""
        cleaned = super().clean()
        if self.instance.edition_id and "receiving_office" in self.fields and not cleaned.get("receiving_office"):
            self.add_error("receiving_office", "公示已经发布，受理部门不能留空。")
        if cleaned.get("opens_on") and not cleaned.get("closes_on") and cleaned.get("organisation"):
            draft = PublicityNotice(
                organisation=cleaned["organisation"], stage=cleaned.get("stage"), opens_on=cleaned["opens_on"]
            )
            # A date so wrong that nothing can be counted from it gets its message from the field itself.
            with contextlib.suppress(windows.TooLong):
                cleaned["closes_on"] = draft.window().closes_on
        return cleaned


class SectionInline(OrderedInline):
    model = NoticeSection
    adding = "再加一部分"
    fields = (("ordinal", "kind", "heading"), "body")
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"})}}

    def _editable(self, request, notice) -> bool:
        return notice is None or notice.is_editable

    def has_add_permission(self, request, obj=None):
        return super().has_add_permission(request, obj) and self._editable(request, obj)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self._editable(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self._editable(request, obj)


class EditionInline(admin.TabularInline):
    model = Edition
    extra = 0
    can_delete = False
    fields = readonly_fields = ("number", "published_at", "published_by", "via", "reason", "digest")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


OF_TWO = [("withdrawing", "提议撤回，待确认"), ("unconfirmed", "紧急发布，待确认")]


class StateFilter(admin.SimpleListFilter):
    title = "状态"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("review", "待审核"), ("returned", "已退回"), ("working", "起草或更正中"), *OF_TWO, *State.choices]

    def queryset(self, request, queryset):
        match self.value():
            case "review":
                return queryset.awaiting_review()
            case "returned":
                return queryset.returned()
            case "working":
                return queryset.working()
            case "withdrawing":
                return queryset.awaiting_withdrawal()
            case "unconfirmed":
                return queryset.awaiting_confirmation()
            case State.DRAFT:
                return queryset.filter(edition__isnull=True)
            case State.SCHEDULED:
                return queryset.filter(edition__public_from__gt=timezone.now())
        return queryset.in_state(self.value(), timezone.localdate()) if self.value() else queryset


class DrafterFilter(admin.SimpleListFilter):
    title = "起草人"
    parameter_name = "drafter"

    def lookups(self, request, model_admin):
        return [("me", "我"), ("others", "别人")]

    def queryset(self, request, queryset):
        match self.value():
            case "me":
                return queryset.filter(drafted_by=request.user, drafted_at__isnull=False)
            case "others":
                return queryset.exclude(drafted_by=request.user)
        return queryset


class WeekFilter(admin.SimpleListFilter):
    title = "本周"
    parameter_name = "week"

    def lookups(self, request, model_admin):
        return [("opening", "开始公示"), ("closing", "公示期满")]

    def queryset(self, request, queryset):
        week = week_of(timezone.localdate())
        return getattr(queryset, self.value())(*week) if self.value() in ("opening", "closing") else queryset


class RecountFilter(admin.SimpleListFilter):
    """Notices to extend by hand, after a calendar was entered or corrected."""

    title = "工作日数"
    parameter_name = "count_changed"

    def lookups(self, request, model_admin):
        return [("1", "与现行日历不同")]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        found = recounting.recounts(recounting.standing(timezone.localdate()), current_calendar())
        return queryset.filter(pk__in=[recount.notice.pk for recount in found])


def correctable(notice: PublicityNotice, user) -> bool:
    return bool(notice.edition_id and not notice.drafted_at and not notice.withdrawn_at)


def awaits_withdrawal(notice: PublicityNotice) -> bool:
    return bool(notice.withdrawal_proposed_at and not notice.withdrawn_at)


def awaiting_redaction(notice: PublicityNotice):
    return Redaction.objects.filter(edition__notice=notice, redacted_at__isnull=True)


EDIT, PUBLISH = "notices.change_publicitynotice", "notices.publish_publicitynotice"


@admin.register(PublicityNotice)
class PublicityNoticeAdmin(ExportAdmin, BulkVerbs, VerbsAdmin):
    form = NoticeForm
    actions = ("publish_selected",)
    list_display = ("title", "reference", "organisation", "state_label", "opens_on", "closes_on", "published_at")
    list_filter = (StateFilter, DrafterFilter, WeekFilter, RecountFilter, "organisation", "stage")
    list_select_related = ("organisation", "edition")
    search_fields = ("title",)  # that there is a search; get_search_results says where it looks
    search_help_text = searching.HELP
    autocomplete_fields = ("tasks",)

    class Media:
        js = (forms.Script("portal/counting.js", defer=True),)

    inlines = (SectionInline, EditionInline, DisplayInline)
    verbs = {
        "submit": Verb("送审", EDIT, lambda notice, user: notice.is_editable),
        "review_secrecy": Verb(
            "记录保密审查",
            PUBLISH,
            lambda notice, user: (
                notice.drafted_at and notice.organisation.requires_secrecy_review and not notice.secrecy_reviewed_at
            ),
        ),
        "send_back": Verb("退回", PUBLISH, lambda notice, user: notice.submitted_at, ask(reason=words("退回原因"))),
        "publish": Verb(
            "审核发布",
            PUBLISH,
            lambda notice, user: notice.submitted_at and notice.drafted_by_id != user.pk,
            ask(
                confirmed=forms.BooleanField(label="已核对提示", required=False),
                public_from=forms.DateTimeField(
                    label="定时公开（留空立即公开）",
                    required=False,
                    widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
                ),
            ),
        ),
        "publish_in_emergency": Verb(
            "紧急发布",
            PUBLISH,
            lambda notice, user: notice.is_editable and notice.drafted_by_id == user.pk,
            ask(
                emergency_reason=words("紧急发布原因（会公开，直到第二人确认）"),
                confirmed=forms.BooleanField(label="已核对提示", required=False),
            ),
            grave=True,
        ),
        "begin_correction": Verb("更正", EDIT, correctable, ask(reason=words("更正原因（会公开）"))),
        "abandon": Verb("放弃更正", EDIT, lambda notice, user: notice.edition_id and notice.drafted_at),
        "extend": Verb(
            "延期",
            EDIT,
            correctable,
            ask(
                closes_on=forms.DateField(label="新的结束日期", widget=forms.DateInput(attrs={"type": "date"})),
                reason=words("延期原因（会公开）"),
            ),
        ),
        "compensate": Verb(
            "停机补偿",
            EDIT,
            correctable,
            ask(days=forms.IntegerField(label="补偿天数", min_value=1), reason=words("停机情况（会公开）")),
        ),
        "propose_withdrawal": Verb(
            "提议撤回",
            EDIT,
            lambda notice, user: notice.edition_id and not notice.withdrawal_proposed_at,
            ask(reason=words("撤回原因（会公开）")),
            grave=True,
        ),
        "withdraw": Verb(
            "确认撤回",
            PUBLISH,
            lambda notice, user: awaits_withdrawal(notice) and notice.withdrawal_proposed_by_id != user.pk,
            grave=True,
        ),
        "keep": Verb("不撤回", PUBLISH, lambda notice, user: awaits_withdrawal(notice)),
        "confirm_edition": Verb(
            "确认这次发布",
            PUBLISH,
            lambda notice, user: (
                notice.edition_id
                and notice.edition.is_unconfirmed
                and user.pk not in (notice.edition.drafted_by_id, notice.edition.published_by_id)
            ),
        ),
        "propose_redaction": Verb(
            "提议遮盖旧版本",
            EDIT,
            lambda notice, user: notice.edition_id and (notice.edition.number > 1 or notice.withdrawn_at),
            ask(number=forms.IntegerField(label="版本", min_value=1), ground=words("法律依据（会公开）")),
            grave=True,
        ),
        "redact": Verb(
            "确认遮盖",
            PUBLISH,
            lambda notice, user: awaiting_redaction(notice).exclude(proposed_by=user).exists(),
            ask(number=forms.IntegerField(label="版本", min_value=1)),
            grave=True,
        ),
    }

    def get_search_results(self, request, queryset, search_term):
        if search_term.strip():
            queryset = queryset.filter(pk__in=searching.notices(search_term, request.user))
        return queryset, False

    def mentioned(self, rows, user):
        """Objections may be taken by an office above."""
        offices = rows.model is ReceivingOffice and not user.is_superuser
        return rows.of(user) | rows.within(above(user)) if offices else rows.of(user)

    @admin.display(description="状态")
    def state_label(self, notice):
        label = notice.state().label
        if notice.submitted_at:
            return f"{label} · 待审核"
        if notice.returned_at:
            return f"{label} · 已退回"
        return f"{label} · 更正中" if notice.edition_id and notice.drafted_at else label

    def get_fieldsets(self, request, obj=None):
        """By what they are about; the reason of a change belongs to a correction."""
        counted = render_to_string(counting.PIECE, counting.counted(obj)) if obj else ""
        counted = format_html(COUNTED, reverse("admin:notices_publicitynotice_counting"), counted)
        groups = [
            (None, {"fields": ("organisation", "title", "tasks", "basis")}),
            ("公示期", {"fields": ("stage", ("opens_on", "closes_on")), "description": counted, "classes": ["window"]}),
            ("异议受理和落款", {"fields": ("receiving_office", ("signatories", "signed_on"))}),
            ("附件", {"fields": ("evidence",)}),
        ]
        correction = [("更正", {"fields": ("change_reason",)})] if obj and obj.edition_id else []
        return [*groups, *correction]

    def get_readonly_fields(self, request, obj=None):
        return self.form.Meta.fields if obj and not obj.is_editable else ()

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and (obj is None or not obj.edition_id)

    def get_actions(self, request):
        """No bulk deletion: several are published at once, by whoever may publish."""
        return {name: action for name, action in super().get_actions(request).items() if name in self.actions}

    def has_publish_permission(self, request) -> bool:
        return request.user.has_perm(PUBLISH)

    @admin.action(description="审核发布所选的公示", permissions=["publish"])
    def publish_selected(self, request, rows):
        return self.in_bulk(request, rows, "publish")

    def remarks(self, request, row, name):
        return [f"{'错误' if each.level == 'error' else '提示'}：{each.place}，{each.text}" for each in row.findings()]

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        form.instance.editors.add(request.user)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.drafted_at, obj.drafted_by = timezone.now(), request.user
        obj.secrecy_reviewed_at = obj.secrecy_reviewed_by = None  # what was reviewed is no longer what is there
        super().save_model(request, obj, form, change)

    def get_urls(self):
        preview = self.admin_site.admin_view(self.preview)
        counted = self.admin_site.admin_view(lambda request: counting.counting(request, self))
        intake_view = self.admin_site.admin_view(lambda request: intake.intake(request, self))
        return [
            path("intake/", intake_view, name="notices_publicitynotice_intake"),
            path("counting/", counted, name="notices_publicitynotice_counting"),
            path("<int:pk>/preview/", preview, name="notices_publicitynotice_preview"),
            *super().get_urls(),
        ]

    def seen(self, notice) -> str:
        files = list(notice.evidence.values_list("pk", flat=True))
        facts = (notice.drafted_at, notice.submitted_at, notice.edition_id, notice.withdrawal_proposed_at, files)
        return "|".join(map(str, facts))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        notice = self.get_object(request, object_id)
        context = {
            "preview_url": notice and reverse("admin:notices_publicitynotice_preview", args=[notice.pk]),
            "shows": notice and notice.edition_id and request.user.has_perm("notices.add_display"),
            "show_save": notice is None or notice.is_editable,
            "show_save_and_continue": notice is None or notice.is_editable,
        }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """What the checks say of the saved draft stands beside what it is about, and all together on top."""
        if obj and obj.drafted_at:
            rows = [row for each in context["inline_admin_formsets"] for row in each.formset.initial_forms]
            sections = [row for row in rows if isinstance(row.instance, NoticeSection)]
            saved = PublicityNotice.objects.get(pk=obj.pk)  # what was typed and refused is not in it
            context["checks"] = findings.hang(saved.findings(), context["adminform"].form, sections)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def preview(self, request, pk):
        """The working copy as the public would see it, never cached."""
        notice = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, notice):
            raise PermissionDenied
        response = render(request, "notices/preview.html", draft_context(notice))
        response["Cache-Control"] = "no-store"
        return response
