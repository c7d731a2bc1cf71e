"""From a bureau's own file to a draft: what was recognised beside the source, corrected in place, then saved."""

import dataclasses

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from notices import importing
from notices.documents import files, reading, rendering, statements
from notices.documents.notice import SECTION_KINDS, STAGES, NoticeDocument, Office, Section, TaskReference, Window
from notices.models import Organisation
from notices.models.publicity import REASONABLE

LONGEST = 100_000  # characters; the reference notice has 3,000, and all of it goes to the browser and back
MOST = 100  # sections, or tasks
KEPT = "notices.intake"
PARTIES = ("name", "phone", "email", "address")


def day(label: str, **options) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, validators=REASONABLE, widget=widget, **options)


def text(label: str, length: int, rows: int = 0, **options) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput
    return forms.CharField(label=label, required=False, max_length=length, widget=widget, **options)


class UploadForm(forms.Form):
    """A file, and who publishes what it says. Its cleaned `file` is a Reading."""

    organisation = forms.ModelChoiceField(label="发布单位", queryset=None)
    file = forms.FileField(
        label="公示文件",
        help_text="Word（.docx）、网页（.html）或文本（.txt），不超过 10 MB。读入后先核对，确认后才保存。",
        error_messages={"empty": "文件是空的，没有任何文字；请检查是否选错了文件。"},
    )

    def clean_file(self) -> reading.Reading:
        upload = self.cleaned_data["file"]
        try:
            if upload.size > files.MAX_BYTES:
                raise reading.Unreadable(files.too_large(upload.size))
            found = reading.read_bytes(upload.name, upload.read())
        except reading.Unreadable as error:
            raise forms.ValidationError(str(error)) from error
        length = sum(len(line.text) for line in found.lines)
        if length > LONGEST or len(found.document.sections) > MOST or len(found.document.tasks) > MOST:
            raise forms.ValidationError(files.too_long(length, LONGEST, "字符"))
        return found


class CorrectionForm(forms.Form):
    """The single facts of a notice, as read and as corrected."""

    source = forms.CharField(widget=forms.HiddenInput)
    organisation = forms.ModelChoiceField(label="发布单位", queryset=None)
    title = forms.CharField(label="标题", max_length=200)
    stage = forms.ChoiceField(label="公示环节", choices=list(STAGES.items()))
    basis = text("依据", 20_000, rows=4, help_text="标题下的第一段：根据哪些文件，对什么进行公示。")
    opens_on = day("公示开始")
    closes_on = day("公示结束")
    name = text("受理部门", 100)
    phone = text("电话", 100)
    email = text("公开邮箱", 200)
    address = text("地址", 200)
    create = forms.BooleanField(label="受理部门没有登记时新建", required=False)
    mailbox = forms.EmailField(
        label="异议送达邮箱", required=False, help_text="新建受理部门时填写，收到异议后通知这个邮箱，不对外公开。"
    )
    signatories = text("落款", 300, help_text="几个单位之间用空格分开。")
    signed_on = day("落款日期")

    def clean(self) -> dict:
        known = super().clean()
        opens_on, closes_on = known.get("opens_on"), known.get("closes_on")
        if bool(opens_on) != bool(closes_on) and not {"opens_on", "closes_on"} & set(self.errors):
            self.add_error("opens_on" if closes_on else "closes_on", "公示的开始和结束日期要一起填写。")
        if opens_on and closes_on and closes_on < opens_on:
            self.add_error("closes_on", "公示结束日期不能早于开始日期。")
        return known


class TaskForm(forms.Form):
    """One task, as the notice names it."""

    round = text("督察轮次", 100)
    number_text = text("序号写法或受理编号", 50)
    number = forms.IntegerField(label="序号", required=False, min_value=1, max_value=9999)
    sub_number = forms.IntegerField(label="分项序号", required=False, min_value=1, max_value=9999)


class SectionForm(forms.Form):
    """One section, typed as it will be printed."""

    heading = text("标题", 200)
    kind = forms.ChoiceField(label="类别", choices=list(SECTION_KINDS.items()), initial="other")
    body = text("内容", LONGEST, rows=6)


def formset(form: type[forms.Form]) -> type[forms.BaseFormSet]:
    options = {"max_num": MOST, "absolute_max": MOST + 1, "validate_max": True}
    return forms.formset_factory(form, extra=1, can_order=True, can_delete=True, **options)


Tasks, Sections = formset(TaskForm), formset(SectionForm)


@dataclasses.dataclass
class Desk:
    """The correction page's forms, with the reading that they began with."""

    read: reading.Reading
    form: CorrectionForm
    tasks: forms.BaseFormSet
    sections: forms.BaseFormSet

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), self.tasks.is_valid(), self.sections.is_valid()])

    def document(self) -> NoticeDocument:
        """What the forms say. The text is what counts for the acceptance, as for every working copy."""
        said = self.form.cleaned_data
        tasks = [{name: row[name] for name in TaskForm.base_fields} for row in _rows(self.tasks)]
        basis, sections = said["basis"].replace("\r\n", "\n"), tuple(map(_section, _rows(self.sections)))
        office = Office(**{name: said[name] for name in PARTIES})
        return NoticeDocument(
            title=said["title"],
            basis=basis,
            stage=said["stage"],
            tasks=tuple(TaskReference(**row) for row in tasks),
            sections=sections,
            acceptance=statements.acceptance_of(basis, sections),
            window=Window(opens_on=said["opens_on"], closes_on=said["closes_on"]) if said["opens_on"] else None,
            office=office if any(dataclasses.astuple(office)) else None,
            signatories=tuple(said["signatories"].split()),
            signed_on=said["signed_on"],
        )


def _rows(forms_: forms.BaseFormSet) -> list[dict]:
    """What was filled in, in the order of its numbers, without what was struck out."""
    kept = [form.cleaned_data for form in forms_ if form.cleaned_data and form not in forms_.deleted_forms]
    filled = [
        row for row in kept if any(row.get(name) for name in ("heading", "body", "round", "number_text", "number"))
    ]
    return sorted(filled, key=lambda row: MOST if row["ORDER"] is None else row["ORDER"])


def _section(row: dict) -> Section:
    paragraphs, items = reading.split_body(row["body"])
    return Section(kind=row["kind"], heading=row["heading"], paragraphs=tuple(paragraphs), items=tuple(items))


# --- The source travels with the form, signed: nothing is stored before the draft is -------------------------------


def keep(read: reading.Reading) -> str:
    """Lines, origins and remarks as one signed word."""
    parts = (read.lines, read.origins, read.remarks)
    return signing.dumps([[dataclasses.astuple(row) for row in part] for part in parts], salt=KEPT, compress=True)


def kept(word: str, document: NoticeDocument | None = None) -> reading.Reading:
    """The reading of a word that `keep` gave. Raises signing.BadSignature for any other."""
    lines, origins, remarks = signing.loads(word, salt=KEPT)
    return reading.Reading(
        document,
        [reading.Origin(*row) for row in origins],
        [reading.Remark(*row) for row in remarks],
        tuple(files.Line(*row) for row in lines),
    )


# --- The page --------------------------------------------------------------------------------------------------------


@never_cache
def intake(request, model_admin):
    """Upload a file; look at what was read, correct it, check it, save it as a draft."""
    if not (model_admin.has_add_permission(request) and request.user.has_perm("notices.add_rectificationtask")):
        raise PermissionDenied
    organisations = Organisation.objects.own(request.user)
    if "source" in request.POST:
        return _correct(request, model_admin, organisations)
    form = UploadForm(request.POST or None, request.FILES or None)
    form.fields["organisation"].queryset = organisations
    if not form.is_valid():
        return _page(request, {"form": form}, 422 if form.is_bound else 200)
    desk = _opened(form.cleaned_data["file"], form.cleaned_data["organisation"])
    desk.form.fields["organisation"].queryset = organisations
    _, faults, findings = _tried(desk.read, _options(request, organisation=form.cleaned_data["organisation"].code))
    return _desk_page(request, desk, faults, findings)


def _correct(request, model_admin, organisations):
    form = CorrectionForm(request.POST)
    form.fields["organisation"].queryset = organisations
    try:
        desk = Desk(kept(request.POST["source"]), form, Tasks(request.POST, prefix="tasks"), _sections(request.POST))
    except signing.BadSignature:
        messages.error(request, "页面内容不完整，请重新选择文件。")
        return redirect("admin:notices_publicitynotice_intake")
    if not desk.is_valid():
        return _desk_page(request, desk, ["请更正下面标出的内容。"], [], status=422)
    desk.read.document = desk.document()
    said, saving = form.cleaned_data, "_save" in request.POST
    create = said["create"] and request.user.has_perm("notices.add_receivingoffice")
    options = _options(request, organisation=said["organisation"].code, create=create, mailbox=said["mailbox"] * create)
    imported, faults, findings = _tried(desk.read, options, storing=saving)
    if faults or not saving:
        return _desk_page(request, desk, faults, findings, status=422 if faults else 200)
    return _stored(request, model_admin, imported)


def _sections(data) -> forms.BaseFormSet:
    return Sections(data, prefix="sections")


def _options(request, **options) -> importing.Options:
    return importing.Options(drafter=request.user, **options)


def _tried(read: reading.Reading, options: importing.Options, *, storing: bool = False):
    """(what was imported, faults, the linter's findings): exactly what saving does, undone again unless `storing`."""
    try:
        with transaction.atomic():
            imported = importing.store(read, options)
            findings = imported.notice.findings()
            transaction.set_rollback(not storing)
        return imported, [], findings
    except importing.Refused as refusal:
        return None, refusal.faults, []


def _stored(request, model_admin, imported: importing.Imported):
    notice = imported.notice
    if imported.new:
        model_admin.log_addition(request, notice, "从文件导入")
        messages.success(request, "已存为草稿。请看下面的发布前检查，核对无误后送审。")
    else:
        messages.warning(request, "这份公示已经导入过，没有重复保存。")
    return redirect("admin:notices_publicitynotice_change", notice.pk)


def _opened(read: reading.Reading, organisation: Organisation) -> Desk:
    """The forms as the file fills them."""
    document, window, office = read.document, read.document.window, read.document.office or Office()
    facts = {name: getattr(document, name) for name in ("title", "stage", "basis", "signed_on")}
    facts |= {"opens_on": window and window.opens_on, "closes_on": window and window.closes_on}
    facts |= dataclasses.asdict(office) | {"signatories": " ".join(document.signatories)}
    facts |= {"source": keep(read), "organisation": organisation}
    sections = [
        {"kind": each.kind, "heading": each.heading, "body": rendering.section_text(each)} for each in document.sections
    ]
    tasks = [dataclasses.asdict(task) for task in document.tasks]
    return Desk(
        read,
        CorrectionForm(initial=facts),
        Tasks(initial=tasks, prefix="tasks"),
        Sections(initial=sections, prefix="sections"),
    )


# --- Where each field came from ------------------------------------------------------------------------------------

OF_FIELDS = {"opens_on": "window", "closes_on": "window", **{name: f"office.{name}" for name in PARTIES}}
PLACES = {
    "标题": ("title",),
    "依据": ("basis",),
    "公示期": ("opens_on", "closes_on"),
    "异议受理": ("name", "phone", "email", "address"),
    "落款": ("signatories", "signed_on"),
}


def _noted(desk: Desk, findings: list) -> None:
    """Hang on every field its origins, and on every field or section what is to be looked at."""
    for field in desk.form.visible_fields():
        field.field.origins = _origins(desk.read, OF_FIELDS.get(field.name, field.name))
        field.field.findings = [each for each in findings if field.name in PLACES.get(each.place, ())]
    for name, rows in (("tasks", desk.tasks), ("sections", desk.sections)):
        for number, row in enumerate(rows):
            row.origins = _origins(desk.read, f"{name}[{number}]")
            heading = row["heading"].value() if name == "sections" else ""
            row.findings = [each for each in findings if heading and each.place.startswith(heading.rstrip(":： "))]
            places = {origin.place for origin in row.origins}
            row.remarks = [each for each in desk.read.remarks if each.unsure and each.place in places]


def _origins(read: reading.Reading, field: str) -> list[reading.Origin]:
    """The first field of a list stands for all of it: signatories[0] for signatories."""
    return [origin for origin in read.origins if origin.field == field or origin.field.startswith(f"{field}[")]


def _desk_page(request, desk: Desk, faults: list[str], findings: list, status: int = 200):
    _noted(desk, findings)
    unsure = {remark.place for remark in desk.read.remarks if remark.unsure}
    origins = {origin.place for origin in desk.read.origins}
    lines = [(line, line.place in unsure, line.place in origins) for line in desk.read.lines]
    context = {"desk": desk, "form": desk.form, "faults": faults, "findings": findings, "lines": lines}
    return _page(request, context, status)


def _page(request, context: dict, status: int):
    context = {**admin.site.each_context(request), "title": "从文件导入公示", **context}
    return render(request, "admin/notices/publicitynotice/intake.html", context, status=status)
