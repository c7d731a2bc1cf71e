"""Rows of a form that have an order of their own: by their numbers, with a script by dragging; a new one goes last."""

from collections import Counter

from django import forms
from django.contrib import admin
from django.db.models import F

MOST = 999  # the greatest number that one can type
ASIDE = 10_000  # added to numbers that are about to change places


class OrderedForm(forms.ModelForm):
    """A row with an `ordinal`. That no two are the same is seen by its set, which knows all the new numbers."""

    ordinal = forms.IntegerField(
        label="顺序",
        required=False,
        min_value=0,
        max_value=MOST,
        widget=forms.NumberInput(attrs={"class": "ordinal"}),
    )

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | {"ordinal"}


class OrderedFormSet(forms.BaseInlineFormSet):
    def clean(self):
        super().clean()
        gone = self.deleted_forms
        rows = [
            form
            for form in self.forms
            if form not in gone and form.is_valid() and (form.instance.pk or form.has_changed())
        ]
        numbers = Counter(form.cleaned_data.get("ordinal") for form in rows)
        last = max(filter(None, numbers), default=0)
        for form in rows:
            if (number := form.cleaned_data.get("ordinal")) is None:
                last += 1
                form.cleaned_data["ordinal"] = form.instance.ordinal = last
            elif numbers[number] > 1:
                form.add_error("ordinal", self._refusal())

    def _refusal(self) -> str:
        """The message of the constraint that says the same to the database."""
        once = (each for each in self.model._meta.constraints if "ordinal" in getattr(each, "fields", ()))
        return next(once).violation_error_message

    def save(self, commit=True):
        """Rows that change places step aside first, so that at no moment two have the same number."""
        moving = [form.instance.pk for form in self.initial_forms if "ordinal" in form.changed_data]
        moving += [form.instance.pk for form in self.deleted_forms]
        self.model._base_manager.filter(pk__in=moving).update(ordinal=F("ordinal") + ASIDE)
        return super().save(commit)


class OrderedInline(admin.StackedInline):
    """Rows in their order, each with what the checks say of it."""

    form = OrderedForm
    formset = OrderedFormSet
    template = "admin/rows.html"
    extra = 1  # without a script there is no other way to add one
    adding = "再加一条"  # what the button says

    class Media:
        js = (forms.Script("portal/rows.js", defer=True),)
