"""One verb for several rows of a list: how many, asked once more; then each by itself, and every refusal by its row."""

import dataclasses

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse

from notices.models import NotAllowed

from .scoped import Action

MOST = 100  # rows at once: somebody is to look at each


@dataclasses.dataclass(frozen=True)
class Listed:
    """A row on the page that asks: `against` is why it is left out, `remarks` what is to be looked at before."""

    row: object
    url: str
    seen: str
    against: str = ""
    remarks: tuple[str, ...] = ()


class BulkVerbs:
    """For admins with verbs. An action of the list calls `in_bulk`; the verb itself refuses what does not fit."""

    def remarks(self, request, row, name: str) -> list[str]:
        """What the page that asks says of a row."""
        return []

    def in_bulk(self, request, rows, name: str):
        """First a page that says what would be done to how many; when that was confirmed, it is done."""
        verb, rows = self.verbs[name], list(rows[: MOST + 1])
        if not 0 < len(rows) <= MOST:
            said = f"一次最多办理 {MOST} 条，请分几次选择。" if rows else "选择的各条已不在列表里，没有办理。"
            self.message_user(request, said, messages.ERROR)
            return None
        form = self.verb_form(request, rows[0], verb, request.POST if "_confirmed" in request.POST else None)
        if "_confirmed" not in request.POST or not form.is_valid():
            return self._ask(request, rows, name, form)
        refusals = [
            (row, self._url("change", row.pk), said) for row in rows if (said := self._try(request, row, name, form))
        ]
        done = len(rows) - len(refusals)
        if gone := len(set(request.POST.getlist("_selected_action"))) - len(rows):
            self.message_user(request, f"另有 {gone} 条已不在列表里（状态有变化），没有办理。", messages.WARNING)
        if done:
            self.message_user(request, f"{verb.label}：已办理 {done} 条。", messages.SUCCESS)
        if not refusals:
            return HttpResponseRedirect(request.get_full_path())
        context = {"refusals": refusals, "done": done, "title": f"{verb.label}：{len(refusals)} 条没有办理"}
        return self._page(request, context, 200 if done else 422)

    def _ask(self, request, rows, name: str, form):
        verb = self.verbs[name]
        listed = [self._listed(request, row, name) for row in rows]
        fitting = [each for each in listed if not each.against]
        context = {
            "fitting": fitting,
            "left_out": [each for each in listed if each.against],
            "form": form,
            "action": request.POST["action"],
            "label": verb.label,
            "title": f"{verb.label}：{len(fitting)} 条",
        }
        return self._page(request, context, 422 if form.is_bound else 200)

    def _listed(self, request, row, name: str) -> Listed:
        verb, url = self.verbs[name], self._url("change", row.pk)
        if not self.may(request, row, verb) or not verb.fits(row, request.user):
            return Listed(row, url, "", f"按现在的状态和权限，不能由您办理“{verb.label}”。")
        return Listed(row, url, self.seen(row), remarks=tuple(self.remarks(request, row, name)))

    def _try(self, request, row, name: str, form) -> str:
        """Do it, in a transaction of its own; the refusal, "" when there is none. Both stand in the trail."""
        verb = self.verbs[name]
        try:
            if not self.may(request, row, verb):
                raise NotAllowed("您没有办理这一条的权限。")
            if request.POST.get(f"seen-{row.pk}", "") != self.seen(row):
                raise NotAllowed("打开页面以后内容有变化，请核对最新内容后再办理。")
            with transaction.atomic():
                (verb.act or getattr(type(row), name))(row, by=request.user, **form.cleaned_data)
        except NotAllowed as refusal:
            self.trace(request, Action.REFUSED, row, f"{verb.label}：{refusal}")
            return str(refusal)
        self.log_change(request, row, verb.label)
        return ""

    def _page(self, request, context: dict, status: int):
        context = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, **context}
        return TemplateResponse(request, "admin/bulk.html", context, status=status)
