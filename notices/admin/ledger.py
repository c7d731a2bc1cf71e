"""Admin of organisations, the calendar, rounds and tasks."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices.downloads import as_download
from notices.models import (
    CalendarDay,
    Closure,
    Evidence,
    InspectionRound,
    Measure,
    Organisation,
    ProgressReport,
    PublicityRule,
    ReceivingOffice,
    SelfAcceptance,
    Stage,
    Unavailable,
)

from . import pairs, planning
from .exporting import ExportAdmin
from .listing import TimeFilter
from .rows import OrderedInline
from .scoped import StaffAdmin, Table
from .verbs import Verb, VerbsAdmin, ask, words

# Texts of a few lines, and the date field of the browser.
TEXTS = {
    models.TextField: {"widget": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})},
    models.DateField: {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")},
}


class ReceivingOfficeInline(admin.StackedInline):
    model = ReceivingOffice

    def get_extra(self, request, obj=None, **options):
        """An empty one where there is none; more of them are entered in their own list."""
        return int(obj is None or not obj.receiving_offices.exists())


class PublicityRuleInline(Table):
    model = PublicityRule


@admin.register(Organisation)
class OrganisationAdmin(StaffAdmin):
    list_display = ("name", "code", "kind", "parent")
    list_select_related = ("parent",)
    search_fields = ("name", "code")
    inlines = (ReceivingOfficeInline, PublicityRuleInline)


@admin.register(ReceivingOffice)
class ReceivingOfficeAdmin(StaffAdmin):
    list_display = ("name", "organisation", "phone", "email")
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__name")


@admin.register(CalendarDay)
class CalendarDayAdmin(StaffAdmin):
    shared = True
    list_display = ("date", "working", "name", "source")
    list_filter = (("date", TimeFilter), "working")


@admin.register(InspectionRound)
class InspectionRoundAdmin(StaffAdmin):
    shared = True
    list_display = ("name", "level", "kind", "feedback_on", "plan_on")
    list_filter = ("level", "kind")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("level", "ordinal")}


class StageFilter(admin.SimpleListFilter):
    title = "进度"
    parameter_name = "stage"

    def lookups(self, request, model_admin):
        return [*Stage.choices, ("proposed", "提议销号，待确认")]

    def queryset(self, request, queryset):
        if self.value() == "proposed":
            return queryset.closure_proposed()
        return queryset.filter(derived_stage=self.value()) if self.value() else queryset


class MeasureInline(OrderedInline):
    """Drawn together with the reports on them."""

    model = Measure
    fields = (("ordinal", "label", "heading"), "text")
    template = "admin/notices/rectificationtask/pairs.html"
    formfield_overrides = TEXTS


def _of_this_task(make, field, request, name: str, model, options: dict):
    """The form field that `make` makes; the field `name` offers only the rows of the task on this page."""
    if field.name == name:
        task = request.resolver_match.kwargs.get("object_id")
        known = task and str(task).isdecimal()
        options["queryset"] = model.objects.filter(task_id=task) if known else model.objects.none()
    return make(field, request, **options)


class ProgressReportInline(OrderedInline):
    model = ProgressReport
    form = pairs.ReportForm
    formset = pairs.ReportFormSet
    fields = (("ordinal", "label", "heading"), "text", ("reported_on", "measure"), "beside")
    template = "admin/notices/rectificationtask/_with_measures.html"
    formfield_overrides = TEXTS

    def get_extra(self, request, obj=None, **options):
        return len(pairs.proposed(obj))

    def formfield_for_foreignkey(self, field, request, **options):
        return _of_this_task(super().formfield_for_foreignkey, field, request, "measure", Measure, options)


class EvidenceInline(Table):
    """The files that are there: to look at and, as long as they are not published, to take away."""

    model = Evidence
    verbose_name_plural = "已上传的佐证材料"
    extra = max_num = 0
    fields = readonly_fields = ("link", "report", "length", "created_at")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    @admin.display(description="文件")
    def link(self, evidence):
        return format_html('<a href="{}">{}</a>', evidence.url, evidence.name)

    @admin.display(description="大小")
    def length(self, evidence):
        return filesizeformat(evidence.size)


class UploadInline(Table):
    """Where files are added. None is ever replaced: what a reviewer has seen stays what is published."""

    model = Evidence
    verbose_name_plural = "上传佐证材料"
    can_delete = False
    fields = ("file", "report")

    def get_queryset(self, request):
        return super().get_queryset(request).none()

    def formfield_for_foreignkey(self, field, request, **options):
        return _of_this_task(super().formfield_for_foreignkey, field, request, "report", ProgressReport, options)


class SelfAcceptanceInline(admin.StackedInline):
    model = SelfAcceptance
    extra = 1  # without a script there is no other way to add one
    fields = (("accepted_on", "conclusion"), "opinion")
    formfield_overrides = TEXTS


class ClosureInline(admin.TabularInline):
    """The record of closures; closing and reopening are verbs, so nothing is typed here."""

    model = Closure
    extra = 0
    can_delete = False
    fields = readonly_fields = (
        "closed_on",
        "filing",
        "proposed_at",
        "proposed_by",
        "closed_at",
        "closed_by",
        "reopened_at",
        "reopened_by",
        "reopen_reason",
    )

    def has_add_permission(self, request, obj=None):
        return False


class RectificationTaskAdmin(ExportAdmin, VerbsAdmin):
    """The ledger's tasks. Registered by the objections app, whose gate stands before closure."""

    list_display = ("__str__", "organisation", "kind", "stage_label", "deadline_text", "responsible_units")
    list_filter = (StageFilter, "round", "kind", "organisation")
    list_select_related = ("round", "organisation")
    search_fields = ("number_text", "case_number", "problem", "title")
    formfield_overrides = TEXTS
    inlines = (MeasureInline, ProgressReportInline, EvidenceInline, UploadInline, SelfAcceptanceInline, ClosureInline)
    actions = None
    verbs = {
        "reopen": Verb(
            "重新整改",
            "notices.close_rectificationtask",
            lambda task, user: task.stage() == Stage.CLOSED,
            ask(reason=words("重新整改原因")),
        ),
    }
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("organisation", "round", "kind"),
                    ("number", "sub_number", "number_text"),
                    ("case_number", "title"),
                )
            },
        ),
        ("反馈与方案", {"fields": ("problem", "objective", ("deadline_text", "deadline_on"))}),
        ("单位", {"fields": ("responsible_units", "supervising_units")}),
    )

    def get_queryset(self, request):
        return super().get_queryset(request).staged()

    def get_formset_kwargs(self, request, obj, inline, prefix):
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        proposed = {"initial": pairs.proposed(obj)} if isinstance(inline, ProgressReportInline) else {}
        return kwargs | proposed

    def get_inline_formsets(self, request, formsets, inline_instances, obj=None, **options):
        """Measures and reports know of each other, so that they are drawn as pairs."""
        found = super().get_inline_formsets(request, formsets, inline_instances, obj, **options)
        both = [each for each in found if isinstance(each.opts, MeasureInline | ProgressReportInline)]
        if len(both) == 2:
            both[0].pairs = pairs.paired(*both)
        else:  # who may see only one of them
            for each in both:
                each.opts.template = OrderedInline.template
        return found

    def save_related(self, request, form, formsets, change):
        pairs.join(formsets)
        super().save_related(request, form, formsets, change)

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_safe(self.evidence)))
        name = "notices_rectificationtask_evidence"
        intake = self.admin_site.admin_view(lambda request: planning.intake(request, self))
        template = self.admin_site.admin_view(require_safe(planning.template))
        return [
            path("<int:pk>/evidence/<int:evidence>/", view, name=name),
            path("intake/", intake, name="notices_rectificationtask_intake"),
            path("intake/template.xlsx", template, name="notices_rectificationtask_template"),
            *super().get_urls(),
        ]

    def evidence(self, request, pk, evidence):
        """A file of a task, for those who may see the task."""
        task = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, task):
            raise PermissionDenied
        file = get_object_or_404(task.evidence, pk=evidence)
        try:
            return as_download(file.read(), file.name, file.kind)
        except Unavailable as error:
            raise Http404(file.name) from error

    def has_delete_permission(self, request, obj=None):
        """What a notice has made public stays in the ledger."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.editions.exists())

    @admin.display(description="进度", ordering="derived_stage")
    def stage_label(self, task):
        return Stage(task.derived_stage).label
