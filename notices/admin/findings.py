"""What the checks before publication say of a notice, beside the fields and sections that it is about."""

import re

from django import forms
from django.template.loader import render_to_string
from django.utils.html import format_html

from notices.documents.findings import OFFICE, SIGNATURE, WINDOW, Finding, place_of_section

# The fields that a place of the linter is about, the first of them that the form has.
FIELDS = {
    "标题": ("title",),
    "依据": ("basis",),
    WINDOW: ("opens_on", "closes_on"),
    OFFICE: ("receiving_office",),
    SIGNATURE: ("signatories", "signed_on"),
    "附件": ("evidence",),
}
WITHIN = re.compile(r"（|第\d+项$|$")  # what follows a section's own place in that of an item of it


def hang(findings: list[Finding], form: forms.ModelForm, rows: list[forms.ModelForm]) -> list[tuple[Finding, str]]:
    """Put each finding beside what it is about; (finding, the id on the page of what that is, "" for nothing)."""
    told = [(finding, _target(finding, form, rows)) for finding in findings]
    for name in dict.fromkeys(target for _, target in told if isinstance(target, str) and target):
        field, own = form.fields[name], [finding for finding, target in told if target == name]
        notes = render_to_string("admin/_notes.html", {"findings": own})
        field.help_text = format_html("{} {}", field.help_text, notes)
    for row in rows:
        row.findings = [finding for finding, target in told if target is row]
    return [(finding, _id(form, target)) for finding, target in told]


def _target(finding: Finding, form, rows):
    """The name of a field, a row, or ""."""
    for name in FIELDS.get(finding.place, ()):
        if name in form.fields:
            return name
    return next((row for row in rows if _is_in(finding.place, row.instance)), "")


def _is_in(place: str, section) -> bool:
    own = place_of_section(section.as_printed())
    return bool(section.pk) and place.startswith(own) and bool(WITHIN.match(place[len(own) :]))


def _id(form, target) -> str:
    if not target:
        return ""
    return form[target].id_for_label if isinstance(target, str) else target.prefix
