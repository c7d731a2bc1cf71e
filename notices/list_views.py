"""The list of notices: words, filters with their counts, order, pages. It asks the search index, not the database."""

import dataclasses
import datetime
import difflib
import functools
import re
from collections.abc import Iterable

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from .models import InspectionRound, Organisation, PublicityNotice, RectificationTask
from .search import asking, following
from .search.excerpts import excerpts, marked
from .search.hits import Hits
from .search.index import CAP, Index, Page, Unavailable
from .snapshots import Part, prepared, remembered
from .views import PUBLIC_STATES, card, public_notices

PER_PAGE = 20
WITHOUT_THE_INDEX = 60
# What a card and its excerpts need of a notice.
CARD = (
    *("reference", "withdrawn_at", "published_at", "organisation__name", "edition__title", "edition__document"),
    *("edition__opens_on", "edition__closes_on", "edition__public_from"),
)
ORDERS = {asking.RELEVANCE: _("标题相符的在前"), asking.NEWEST: _("最新发布"), asking.CLOSING: _("最早截止")}
LABELS = {
    "state": _("状态"),
    "organisation": _("发布单位"),
    "district": _("地区"),
    "round": _("督察轮次"),
    "year": _("年份"),
    "kind": _("任务类别"),
}


@dataclasses.dataclass(frozen=True)
class Choice:
    """One value of a filter: as the address has it, as the index has it, as people read it; how many notices it would
    leave, or at least how many."""

    param: str
    value: str
    label: str
    count: int | None = None
    or_more: bool = False

    @property
    def number(self) -> str:
        """The count as it is shown, "" where nobody counted."""
        if self.count is None:
            return ""
        return f"{min(self.count, CAP)}{'+' if self.or_more or self.count > CAP else ''}"

    @property
    def name(self) -> str:
        """The label where it does not stand in a list, without its indent."""
        return self.label.strip()


@dataclasses.dataclass(frozen=True)
class Filter:
    """A filter with what can be chosen, and what was; `is_useful` where notices differ in it."""

    name: str
    choices: list[Choice]
    chosen: Choice | None = None
    is_useful: bool = True

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def is_printed(self) -> bool:
        """Whether its values are names, which stay in their language."""
        return self.name in ("organisation", "district", "round")


@prepared("state")
@require_safe
def notice_list(request):
    """Notices by words and filters; an unknown value of a filter shows everything, never an error."""
    if not request.GET.get("q"):
        return _list(request)
    return HttpResponse(remembered(request, lambda: _searched(request), "q", "state").content)


def _searched(request) -> Part:
    """The page of hits. It is not `prepared`: no cache in front shall write down what somebody looked for."""
    response = _list(request)
    return Part(response.content, holds=response.get("X-Accel-Expires") != "0")


def _list(request) -> HttpResponse:
    today = timezone.localdate()
    try:
        with following.ready() as (index, current), index.reading():
            context = _found(index, request.GET, today) | {"current": current}
    except Unavailable:
        context = _without_the_index(request.GET, today)
    response = render(request, "notices/list.html", context)
    if not context.get("current"):
        response["X-Accel-Expires"] = "0"  # not kept: what is missing comes by itself
    return response


def _found(index: Index, params: QueryDict, today: datetime.date) -> dict:
    """What the index says to a request."""
    days, hidden = index.days(today), index.hidden(timezone.now())
    filters = _filters(index, params, hidden)
    question = _question(params, filters)
    place, exact = asking.Place.read(params.get("page", "")), params.get("counts") == "all"

    @functools.cache
    def hits(asked: asking.Question) -> Hits:
        return Hits(index, asked, days, hidden, exact)

    page, total = hits(question).page(place, PER_PAGE), hits(question).total
    filters = [_counted(each, hits(question.with_filter(each.name, ""))) for each in filters]
    return {
        "typed": params.get("q", "")[: asking.LONGEST],
        "too_long": len(params.get("q", "")) > asking.LONGEST,
        "says_nothing": bool(params.get("q", "").strip() and not question.words),
        "lost_place": bool(params.get("page") and not place),
        "filters": filters,
        "at_least": any(choice.or_more for each in filters for choice in each.choices),
        "chosen": {each.name: each.chosen.param for each in filters if each.chosen},
        "orders": [(name, label) for name, label in ORDERS.items() if question.words or name != asking.RELEVANCE],
        "order": question.order,
        "total": total,
        "cap": CAP,
        "pages": -(-total // PER_PAGE) if total <= CAP else None,
        "page": page,
        "cards": _cards(page, question, today),
        **({} if total else _help(question, filters, lambda asked: hits(asked).total)),
    }


def _question(params: QueryDict, filters: Iterable[Filter]) -> asking.Question:
    words = tuple(asking.terms(params.get("q", "")))
    order = params.get("sort", "")
    if order not in ORDERS or (order == asking.RELEVANCE and not words):
        order = asking.RELEVANCE if words else asking.NEWEST
    return asking.Question(words, tuple((each.name, each.chosen.value) for each in filters if each.chosen), order)


# --- Filters ---------------------------------------------------------------------------------------------------------


def _filters(index: Index, params: QueryDict, hidden: str) -> list[Filter]:
    """Every filter with the values that notices have, and the chosen one where it is known."""
    ids = {name: index.values(asking.FILTERS[name], hidden) for name in asking.FILTERS}
    organisations = list(Organisation.objects.filter(pk__in=ids["organisation"]))
    rounds = InspectionRound.objects.filter(pk__in=ids["round"])
    years = sorted({*ids["year"], *_year(params)}, reverse=True)
    kinds = [kind for kind in RectificationTask.Kind if kind in ids["kind"]]
    choices = {
        "state": [Choice(state, state, state.label) for state in PUBLIC_STATES],
        "organisation": [Choice(each.code, str(each.pk), each.name) for each in organisations],
        "district": regions(organisations),
        "round": [Choice(each.slug, str(each.pk), each.name) for each in rounds],
        "year": [Choice(year, year, f"{year}年") for year in years],
        "kind": [Choice(kind, kind, kind.label) for kind in kinds],
    }
    chosen = {name: _chosen(found, params.get(name, "")) for name, found in choices.items()}
    return [Filter(name, found, chosen[name], bool(chosen[name]) or len(found) > 1) for name, found in choices.items()]


def _year(params: QueryDict) -> list[str]:
    """A year without a notice is a good question too."""
    return re.findall(r"\A[0-9]{4}\Z", params.get("year", ""))


def _chosen(choices: Iterable[Choice], param: str) -> Choice | None:
    return next((choice for choice in choices if choice.param == param), None)


def regions(organisations: Iterable[Organisation]) -> list[Choice]:
    """The regions that have an organisation, named after it: 青澜市 for 青澜市生态环境局. Lower ones are indented."""
    found, names = [], set()
    for each in sorted(organisations, key=lambda each: each.code):
        region = asking.districts(each.code[:6])[-1]
        if any(choice.value == region for choice in found):
            continue
        printed = re.match(r".+?(?:自治区|自治州|[省市县区旗盟州])", each.name)
        name = printed[0] if printed and printed[0] not in names else each.name
        names.add(name)
        found.append(Choice(region, region, "\u3000" * (len(region) // 2 - 1) + name))
    return found


def _counted(each: Filter, hits: Hits) -> Filter:
    """The filter with how many of the hits, found without it, each value would leave. A value that leaves none is offered
    only where it was chosen, or where nobody counted all hits."""
    least = not hits.are_counted
    counts = [hits.leaving(each.name, choice.value) or (None if least else 0) for choice in each.choices]
    counted = [
        dataclasses.replace(choice, count=count, or_more=least)
        for choice, count in zip(each.choices, counts, strict=True)
    ]
    keep = [choice for choice in counted if choice.count != 0 or each.name == "state" or choice.param == _param(each)]
    return dataclasses.replace(each, choices=keep)


def _param(each: Filter) -> str:
    return each.chosen.param if each.chosen else ""


# --- Hits ------------------------------------------------------------------------------------------------------------


def _cards(page: Page, question: asking.Question, today: datetime.date) -> list[dict]:
    """The notices of a page in the order of the index, with the places where the words stand."""
    notices = PublicityNotice.objects.public().select_related("edition", "organisation").only(*CARD).in_bulk(page.pks)
    wanted = {run for term in question.words for run in term.runs}
    return [
        card(notices[pk], today) | (_marks(notices[pk], wanted) if wanted else {}) for pk in page.pks if pk in notices
    ]


def _marks(notice: PublicityNotice, wanted: set) -> dict:
    if notice.edition.is_redacted:
        return {}
    title, text = following.read(notice.edition)
    body = "\n".join(text.splitlines()[2:])  # without number and title
    return {"title": marked(title, wanted), "excerpts": excerpts(body, wanted)}


def _help(question: asking.Question, filters: Iterable[Filter], count) -> dict:
    """What could be asked instead, where nothing was found."""
    chosen = {each.name: each.chosen for each in filters if each.chosen}
    fewer = [(left_out, asked, count(asked)) for left_out, asked in asking.suggestions(question)]
    offers = [
        {"left_out": left_out, "filter": left_out if asked.words == question.words else "", "count": number}
        | {"words": " ".join(term.typed for term in asked.words), "choice": chosen.get(left_out)}
        for left_out, asked, number in fewer
        if number
    ]
    typed = " ".join(term.typed for term in question.words)
    return {"offers": offers, "similar_rounds": similar_rounds(typed) if typed else []}


def similar_rounds(typed: str) -> list[InspectionRound]:
    """Rounds whose names are like what was typed."""
    by_name = {each.name: each for each in InspectionRound.objects.all()}
    return [by_name[name] for name in difflib.get_close_matches(typed, by_name, n=3, cutoff=0.4)]


def _without_the_index(params: QueryDict, today: datetime.date) -> dict:
    """The newest notices, by state at most."""
    state = params.get("state", "")
    state = state if state in PUBLIC_STATES else ""
    newest = public_notices().in_state(state, today)[:WITHOUT_THE_INDEX]
    states = [Choice(each, each, each.label) for each in PUBLIC_STATES]
    return {
        "unavailable": True,
        "filters": [Filter("state", states, _chosen(states, state))],
        "chosen": {"state": state} if state else {},
        "cards": [card(notice, today) for notice in newest],
    }
