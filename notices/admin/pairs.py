"""Measures beside their progress, in one form: a report stands with its measure, also when both are new."""

import dataclasses

from django import forms
from django.contrib.admin.helpers import InlineAdminForm, InlineAdminFormSet

from notices.models import Measure, ProgressReport

from .rows import OrderedForm, OrderedFormSet

ALONE = "左边的措施还没有填写；说的是整个任务时，请填在最下面“整个任务的进展”里。"


class ReportForm(OrderedForm):
    """A report. `beside` is the name of the new measure beside which it was typed."""

    beside = forms.CharField(required=False, widget=forms.HiddenInput)

    def has_changed(self):
        """An empty box beside a measure is no report."""
        said = any((self[name].data or "").strip() for name in ("label", "heading", "text", "reported_on"))
        return (bool(self.instance.pk) or said) and super().has_changed()


class ReportFormSet(OrderedFormSet):
    def clean(self):
        super().clean()
        for form in self.forms:
            beside = form.cleaned_data.get("beside") if form.has_changed() and form.is_valid() else ""
            if beside and not any(self.data.get(f"{beside}-{name}", "").strip() for name in ("heading", "text")):
                form.add_error("text", ALONE)


def join(formsets) -> None:
    """Before they are saved, give new reports to the new measures beside which they were typed."""
    new = {
        form.prefix: form.instance
        for formset in formsets
        for form in formset.forms
        if formset.model is Measure and form.has_changed() and form not in formset.deleted_forms
    }
    for form in (form for formset in formsets if formset.model is ProgressReport for form in formset.forms):
        beside = form.has_changed() and form.cleaned_data.get("beside")
        if beside in new and not form.instance.measure_id:
            form.instance.measure = new[beside]


def proposed(task) -> list[dict]:
    """What the empty boxes of a task's page begin with: one beside each measure that has no report, one beside the
    new measure, one for the task as a whole."""
    measures = task.measures.filter(reports=None).values_list("pk", flat=True) if task and task.pk else []
    return [*({"measure": pk} for pk in measures), {"beside": f"measures-{count(task)}"}, {}]


def count(task) -> int:
    return task.measures.count() if task and task.pk else 0


@dataclasses.dataclass
class Pair:
    """A measure and what was done for it."""

    measure: InlineAdminForm
    reports: list[InlineAdminForm] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Pairs:
    """Both inlines as one: the pairs in the order of their measures, what concerns the whole task, an empty pair."""

    measures: InlineAdminFormSet
    reports: InlineAdminFormSet
    rows: list[Pair]
    whole: list[InlineAdminForm]
    empty: Pair | None


def paired(measures: InlineAdminFormSet, reports: InlineAdminFormSet) -> Pairs:
    rows = [Pair(each) for each in measures]
    by_name = {pair.measure.form.prefix: pair for pair in rows}
    by_name |= {str(pair.measure.original.pk): pair for pair in rows if pair.measure.original}
    empty = by_name.get("measures-__prefix__")
    whole = []
    for each in reports:
        blank = each.form.prefix == "reports-__prefix__"
        place = empty if blank else by_name.get(str(each.form["measure"].value() or each.form["beside"].value() or ""))
        if blank:
            each.form.initial = {"beside": "measures-__prefix__"}
        (place.reports if place else whole).append(each)
    return Pairs(measures, reports, [pair for pair in rows if pair is not empty], whole, empty)
