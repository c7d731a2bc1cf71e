"""Admin of organisations, the calendar, rounds and tasks."""

from django.contrib import admin

from notices.models import (
    CalendarDay,
    Closure,
    InspectionRound,
    Measure,
    Organisation,
    ProgressReport,
    PublicityRule,
    ReceivingOffice,
    SelfAcceptance,
    Stage,
)

from .verbs import Verb, VerbsAdmin, ask, words

admin.site.site_header = admin.site.site_title = "督察整改公示后台"
admin.site.index_title = "工作台"


class ReceivingOfficeInline(admin.StackedInline):
    model = ReceivingOffice
    extra = 0


class PublicityRuleInline(admin.TabularInline):
    model = PublicityRule
    extra = 0


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "kind", "parent")
    list_select_related = ("parent",)
    search_fields = ("name", "code")
    inlines = (ReceivingOfficeInline, PublicityRuleInline)


@admin.register(ReceivingOffice)
class ReceivingOfficeAdmin(admin.ModelAdmin):
    list_display = ("name", "organisation", "phone", "email")
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__name")


@admin.register(CalendarDay)
class CalendarDayAdmin(admin.ModelAdmin):
    list_display = ("date", "working", "name", "source")
    list_filter = ("working",)
    date_hierarchy = "date"


@admin.register(InspectionRound)
class InspectionRoundAdmin(admin.ModelAdmin):
    list_display = ("name", "level", "kind", "feedback_on", "plan_on")
    list_filter = ("level", "kind")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("level", "ordinal")}


class StageFilter(admin.SimpleListFilter):
    title = "进度"
    parameter_name = "stage"

    def lookups(self, request, model_admin):
        return Stage.choices

    def queryset(self, request, queryset):
        return queryset.filter(derived_stage=self.value()) if self.value() else queryset


class MeasureInline(admin.StackedInline):
    model = Measure
    extra = 0
    fields = (("ordinal", "label", "heading"), "text")


class ProgressReportInline(admin.StackedInline):
    model = ProgressReport
    extra = 0
    fields = (("ordinal", "label", "heading", "measure", "reported_on"), "text")

    def formfield_for_foreignkey(self, field, request, **options):
        if field.name == "measure":
            task = request.resolver_match.kwargs.get("object_id")
            known = task and str(task).isdecimal()
            options["queryset"] = Measure.objects.filter(task_id=task) if known else Measure.objects.none()
        return super().formfield_for_foreignkey(field, request, **options)


class SelfAcceptanceInline(admin.StackedInline):
    model = SelfAcceptance
    extra = 0
    fields = (("accepted_on", "conclusion"), "opinion")


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


class RectificationTaskAdmin(VerbsAdmin):
    """The ledger's tasks. Registered by the objections app, whose gate stands before closure."""

    list_display = ("__str__", "organisation", "kind", "stage_label", "deadline_text", "responsible_units")
    list_filter = (StageFilter, "round", "kind", "organisation")
    list_select_related = ("round", "organisation")
    search_fields = ("number_text", "case_number", "problem", "title")
    inlines = (MeasureInline, ProgressReportInline, SelfAcceptanceInline, ClosureInline)
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
                    "organisation",
                    "round",
                    "kind",
                    ("number", "sub_number", "number_text"),
                    "case_number",
                    "title",
                )
            },
        ),
        ("反馈与方案", {"fields": ("problem", "objective", ("deadline_text", "deadline_on"))}),
        ("单位", {"fields": ("responsible_units", "supervising_units")}),
    )

    def get_queryset(self, request):
        return super().get_queryset(request).staged()

    def has_delete_permission(self, request, obj=None):
        """What a notice has made public stays in the ledger."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.editions.exists())

    @admin.display(description="进度", ordering="derived_stage")
    def stage_label(self, task):
        return Stage(task.derived_stage).label
