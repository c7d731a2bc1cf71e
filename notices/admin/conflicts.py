"""Two people at the same form: what a page showed travels with it, signed; a save on top of another's shows the difference.

What the form showed is a state: {prefix: {key: {field: {suffix: values}}}}, that is what an untouched form would send.
The row itself has the prefix "" and the key ""; each inline has its own prefix, its rows their primary keys.
"""

import dataclasses
import datetime
from collections.abc import Iterator

from django import forms
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.utils import timezone

from notices.documents.differences import letters
from notices.models import TrailEntry

SHOWN = "_shown"  # the hidden field
TAKE = "take:"  # with the name of a field or a row: "mine" or "theirs"
MOST = 1000  # rows of one inline
LONGEST = 10_000  # characters that are compared letter by letter
DELETED, GONE, LOCKED = "删除这一条", "已经删除", "现在不能修改，请把您填写的内容另行保存"


@dataclasses.dataclass(frozen=True)
class Difference:
    """One field, or one row, that somebody else changed, in words; `chosen` is "mine" or "theirs" until one chooses.

    Without `chosen` there is nothing to choose.
    """

    name: str
    label: str
    mine: str
    theirs: str
    chosen: str = ""

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """From theirs to mine, letter by letter: (same | added | removed, text)."""
        if len(self.theirs) + len(self.mine) > LONGEST:
            return [("removed", self.theirs), ("added", self.mine)]
        return list(letters(self.theirs, self.mine).pieces)


@dataclasses.dataclass(frozen=True)
class Conflict:
    """What is asked before anything is saved. `shown` is the state by which the next save goes, signed."""

    differences: list[Difference]
    others: list[TrailEntry]
    shown: str
    files: bool

    @property
    def has_choices(self) -> bool:
        return any(each.chosen for each in self.differences)


def meet(request, row, form, formsets, locked) -> Conflict | None:
    """Compare what a post goes by with what stands now: `form`, `formsets` are unbound, `locked` those it may not change.

    None when nobody else changed what it would overwrite; then the post carries what was chosen on the page that
    showed the difference. Otherwise the post is made to fit the rows that are there now.
    """
    sent = Sent(request, row, form, formsets, locked)
    if sent.then == sent.now:
        sent.choose()
        request.POST = sent.data
        return None
    found = list(sent.differences())
    request.POST = sent.data
    if not found:
        return None
    changes = TrailEntry.objects.filter(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    others = changes.filter(action="changed", at__gte=sent.opened_at).select_related("by")[:3]
    return Conflict(found, list(others), signed(row, sent.now), bool(request.FILES))


# --- What a form shows -----------------------------------------------------------------------------------------------


def state_of(form: forms.ModelForm, formsets) -> dict:
    """The state of an unbound form and of its inlines, those that can be changed."""
    rows = {each.prefix: {str(row.instance.pk): _row(row, each) for row in each.initial_forms} for each in formsets}
    return {"": {"": _row(form)}, **rows}


def _row(form: forms.ModelForm, formset=None) -> dict:
    return {name: _untouched(form[name]) for name in form.fields if not formset or name not in _of_itself(formset)}


def _of_itself(formset) -> set[str]:
    """The fields of its rows that say nothing."""
    return {formset.model._meta.pk.name, formset.fk.name, "DELETE"}


def _untouched(bound: forms.BoundField) -> dict[str, list[str]]:
    """What a browser sends of a field that nobody touched: rest of its name → values."""
    widget, value = getattr(bound.field.widget, "widget", bound.field.widget), bound.value()
    if isinstance(widget, forms.MultiWidget):
        parts = zip(widget.widgets_names, widget.widgets, widget.decompress(value), strict=True)
        return {rest: _values(part, each) for rest, part, each in parts}
    return {"": _values(widget, value)}


def _values(widget: forms.Widget, value) -> list[str]:
    if isinstance(widget, forms.CheckboxInput):
        return ["on"] if widget.check_test(value) else []
    if isinstance(widget, forms.FileInput):
        return [value.name] if value else []
    said = widget.format_value(value)
    return _tidy(said if isinstance(said, list | tuple) else [said])


def _tidy(values) -> list[str]:
    """Without what a browser changes by itself: line ends, blanks around, the order of choices."""
    return sorted(filter(None, (str(each or "").replace("\r\n", "\n").strip() for each in values)))


def signed(row, state: dict) -> str:
    """The state as the hidden field carries it, good for this row alone."""
    return signing.dumps([timezone.now().timestamp(), state], salt=_salt(row), compress=True)


def _salt(row) -> str:
    return f"shown.{row._meta.label_lower}.{row.pk}"


# --- What was sent ---------------------------------------------------------------------------------------------------


class Sent:
    """A post that is going to be saved, beside what stands now. `data` is the post as it may be made to fit."""

    def __init__(self, request, row, form, formsets, locked):
        self.data, self.files, self.row, self.form = request.POST.copy(), request.FILES, row, form
        self.formsets = {each.prefix: each for each in formsets}
        self.locked = {each.prefix: each for each in locked}
        self.now = state_of(form, formsets)
        try:
            at, self.then = signing.loads(self.data.get(SHOWN, ""), salt=_salt(row))
            self.opened_at = datetime.datetime.fromtimestamp(at, datetime.UTC)
        except signing.BadSignature:
            self.then, self.opened_at = None, timezone.now()

    def rows(self, formset) -> dict[str, tuple[str, dict]]:
        """Name of a row on the page → (its key, "" when it is new; what was sent of it by the rest of the names)."""
        total = self.data.get(f"{formset.prefix}-TOTAL_FORMS", "")
        names = [f"{formset.prefix}-{number}" for number in range(min(int(total), MOST) if total.isdecimal() else 0)]
        return {name: (self.data.get(f"{name}-{formset.model._meta.pk.name}", ""), self._under(name)) for name in names}

    def _under(self, name: str) -> dict[str, list[str]]:
        start = f"{name}-"
        return {each[len(start) :]: self.data.getlist(each) for each in self.data if each.startswith(start)}

    def said(self, name: str, known: dict) -> dict[str, list[str]]:
        """What was sent as the field `name`, as a state says it."""
        return {rest: _tidy(self.data.getlist(name + rest)) for rest in known}

    def put(self, name: str, said: dict) -> None:
        for rest, values in said.items():
            self.data.pop(name + rest, None)
            if values:
                self.data.setlist(name + rest, values)

    def replace(self, formset, known: list[dict], new: list[dict]) -> None:
        """These rows in place of those that were sent."""
        for name, (_, row) in self.rows(formset).items():
            for rest in row:
                del self.data[f"{name}-{rest}"]
        for number, row in enumerate([*known, *new]):
            self.put(f"{formset.prefix}-{number}-", row)
        self.data[f"{formset.prefix}-TOTAL_FORMS"] = str(len(known) + len(new))
        self.data[f"{formset.prefix}-INITIAL_FORMS"] = str(len(known))

    # --- Once somebody has chosen

    def choose(self) -> None:
        """Put what stands now where it was preferred."""
        theirs = {name[len(TAKE) :] for name in self.data if name.startswith(TAKE) and self.data[name] == "theirs"}
        self._take("", self.now[""][""], theirs)
        for prefix, formset in self.formsets.items():
            rows = self.rows(formset)
            for name, (key, _) in rows.items():
                if name in theirs and key:
                    self.data.pop(f"{name}-DELETE", None)
                self._take(f"{name}-", self.now[prefix].get(key, {}), theirs)
            dropped = [name for name, (key, _) in rows.items() if name in theirs and not key]
            if dropped:
                kept = [(key, row) for name, (key, row) in rows.items() if name not in dropped]
                self.replace(formset, [row for key, row in kept if key], [row for key, row in kept if not key])

    def _take(self, start: str, now: dict, theirs: set[str]) -> None:
        for field, said in now.items():
            if start + field in theirs or start.rstrip("-") in theirs:
                self.put(start + field, said)

    # --- What differs

    def differences(self) -> Iterator[Difference]:
        """Everything that somebody else changed and that this post says otherwise."""
        then = self.then and self.then[""][""]
        yield from self._fields("", then, self.now[""][""], self.form, "")
        for formset in self.formsets.values():
            yield from self._rows(formset)
        for formset in self.locked.values():
            yield from self._lost(formset)

    def _fields(self, start: str, then: dict | None, now: dict, form, label: str) -> Iterator[Difference]:
        for field, known in {**(then or {}), **now}.items():
            mine, name = self.said(start + field, known), start + field
            if isinstance(form.fields.get(field), forms.FileField):
                mine = {"": [self.files[name].name]} if name in self.files else known
            was, shown = (then or {}).get(field), label + _label(form, field)
            if field not in now and mine != was:
                yield Difference("", shown, _told(None, mine), LOCKED)
            elif field in now and mine != known and was != known:
                told = (_told(form.fields[field], each) for each in (mine, known))
                yield Difference(name, shown, *told, "theirs" if mine == was else "mine")

    def _rows(self, formset) -> Iterator[Difference]:
        now, then = self.now[formset.prefix], self.then and self.then.get(formset.prefix, {})
        added, gone = self._fit(formset, now, then)
        for name, (key, row) in self.rows(formset).items():
            known = then and then.get(key)
            label = f"{_called(formset, key)} · "
            if key in added:
                yield Difference("", _called(formset, key), "", _row_told(formset, now[key]))
            elif key in now and "DELETE" in row and known != now[key]:
                yield Difference(name, _called(formset, key), DELETED, _row_told(formset, now[key]), "mine")
            elif key in now:
                yield from self._fields(f"{name}-", known, now[key], formset.empty_form, label)
            elif name in gone:
                yield Difference(name, _called(formset), _row_told(formset, gone[name]), GONE, "mine")

    def _fit(self, formset, now: dict, then: dict | None) -> tuple[list[str], dict]:
        """Put in the rows that somebody added, make new ones of those that somebody deleted and that say something new.

        The keys of the former, and the latter by their new names.
        """
        rows = list(self.rows(formset).values())
        added = [key for key in now if key not in [sent for sent, _ in rows]]
        known = [row for key, row in rows if key in now]
        known += [_as_sent(now[key]) | {formset.model._meta.pk.name: [key]} for key in added]
        lost = [row for key, row in rows if key and key not in now and self._says_more(row, (then or {}).get(key))]
        fresh = [row for key, row in rows if not key]
        if added or len(known) + len(fresh) < len(rows):
            lost = [{rest: said for rest, said in row.items() if rest != formset.model._meta.pk.name} for row in lost]
            self.replace(formset, known, [*lost, *fresh])
        return added, {f"{formset.prefix}-{len(known) + number}": row for number, row in enumerate(lost)}

    def _says_more(self, row: dict, then: dict | None) -> bool:
        if "DELETE" in row:
            return False
        known = _as_sent(then) if then else {}
        return not known or any(_tidy(row.get(rest, [])) != said for rest, said in known.items())

    def _lost(self, formset) -> Iterator[Difference]:
        """What was changed in rows that cannot be changed any more."""
        then = (self.then or {}).get(formset.prefix, {})
        for name, (key, row) in self.rows(formset).items():
            if key in then and any(self.said(f"{name}-{field}", was) != was for field, was in then[key].items()):
                yield Difference("", _called(formset, key), _row_told(formset, row), LOCKED)


def _as_sent(row: dict) -> dict[str, list[str]]:
    return {field + rest: values for field, said in row.items() for rest, values in said.items()}


# --- In words --------------------------------------------------------------------------------------------------------


def _label(form: forms.ModelForm, field: str) -> str:
    if field in form.fields:
        return str(form.fields[field].label)
    return str(form._meta.model._meta.get_field(field).verbose_name)


def _called(formset, key: str = "") -> str:
    """What a row is called: 整改措施“（一）清理河道”."""
    found = next((each for each in formset.get_queryset() if str(each.pk) == key), None)
    name = str(formset.model._meta.verbose_name)
    return f"{name}“{found}”" if found else name


def _told(field: forms.Field | None, said: dict) -> str:
    """What was said in a field, as its choices are called."""
    values = [each for part in said.values() for each in part]
    if isinstance(field, forms.BooleanField):
        return "是" if values else "否"
    names: dict = {}
    if isinstance(field, forms.ModelChoiceField):
        known = {str(each.pk): str(each) for each in field.queryset.filter(pk__in=filter(str.isdecimal, values))}
        names = dict.fromkeys(values, "（已不可选）") | known
    elif isinstance(field, forms.ChoiceField):
        names = {str(value): str(label) for value, label in field.choices}
    return "、".join(names.get(each, each) for each in values)


def _row_told(formset, row: dict) -> str:
    """A row in one piece; `row` is as a state says it, or as it was sent."""
    shown = []
    for name, field in formset.empty_form.fields.items():
        if name not in _of_itself(formset):
            said = row.get(name, {})
            shown.append(_told(field, said if isinstance(said, dict) else {"": _tidy(said)}))
    return "\n".join(each for each in shown if each)
