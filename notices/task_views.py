"""The public pages of rounds and tasks: how far each task is, and its whole story.

A round counts every task of its plan by its stage. What a task says – label, title, deadline, unit – comes from the
newest public edition that tells of it, never from the ledger.
"""

import collections
import dataclasses
import datetime
import re

from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from .documents.notice import NoticeDocument, Pairing
from .models import (
    Checkpoint,
    Edition,
    EditionTask,
    InspectionRound,
    LogEntry,
    PublicityNotice,
    RectificationTask,
    Stage,
    State,
)
from .snapshots import prepared
from .views import card

LATEST = 8  # acts on the page of a round
MOST_UNITS = 12


@dataclasses.dataclass(frozen=True)
class Line:
    """One task on the page of its round; `told` is what the public knows of it, None before its first notice."""

    task: RectificationTask
    stage: Stage
    told: EditionTask | None
    today: datetime.date

    @property
    def is_overdue(self) -> bool:
        """Past the deadline that was made public, and not closed."""
        due = self.told and self.told.deadline_on
        return bool(due and due < self.today and self.stage != Stage.CLOSED)

    @property
    def days_over(self) -> int:
        return (self.today - self.told.deadline_on).days


class Share(collections.namedtuple("Share", "name lines")):
    """The tasks of one organisation or unit."""

    def parts(self) -> list[tuple[Stage, int, int]]:
        """(stage, where its part of a stacked bar begins, how many tasks), only stages that are there."""
        counted = collections.Counter(line.stage for line in self.lines)
        begins = {stage: sum(counted[other] for other in BAR[: BAR.index(stage)]) for stage in BAR}
        return [(stage, begins[stage], counted[stage]) for stage in BAR if counted[stage]]

    def closed(self) -> int:
        return sum(line.stage == Stage.CLOSED for line in self.lines)

    def overdue(self) -> int:
        return sum(line.is_overdue for line in self.lines)


# From done to not yet, as a bar shows them from left to right.
BAR = [
    Stage.CLOSED,
    Stage.PUBLICITY_ENDED,
    Stage.IN_PUBLICITY,
    Stage.SELF_ACCEPTED,
    Stage.RECTIFYING,
    Stage.REOPENED,
]


def shares(named_lines) -> list[Share]:
    """One share for each name of the (name, line) pairs, the largest first."""
    grouped = collections.defaultdict(list)
    for name, line in named_lines:
        grouped[name].append(line)
    return sorted((Share(*each) for each in grouped.items()), key=lambda share: (-len(share.lines), share.name))


def units_of(line: Line) -> list[str]:
    """The responsible units that the public knows of, each once."""
    printed = line.told.responsible_units if line.told else ""
    return list(dict.fromkeys(filter(None, re.split(r"[、，,；;。\s]+", printed))))


def lines_of(found: InspectionRound, today: datetime.date) -> list[Line]:
    """The tasks of a round, what is overdue for longest first, then as the plan numbers them."""
    tasks = found.tasks.staged(today).select_related("organisation").order_by()
    tasks = tasks.order_by("kind", "number", "sub_number", "case_number")
    told = {each.task_id: each for each in EditionTask.objects.told().filter(task__round=found)}
    lines = [Line(task, Stage(task.derived_stage), told.get(task.pk), today) for task in tasks]
    return sorted(lines, key=lambda line: -line.days_over if line.is_overdue else 1)


@prepared()
@require_safe
def round_list(request):
    """Every round with how far its tasks are."""
    today = timezone.localdate()
    rounds = InspectionRound.objects.annotate(task_count=Count("tasks"))
    stages = collections.defaultdict(list)
    for pk, stage in RectificationTask.objects.staged(today).order_by().values_list("round", "derived_stage"):
        stages[pk].append(Line(None, Stage(stage), None, today))
    context = {"rounds": [(each, Share(each.name, stages[each.pk])) for each in rounds]}
    return render(request, "notices/rounds.html", context)


@prepared()
@require_safe
def round_page(request, slug):
    """All tasks of a round: by stage, organisation and unit, the overdue ones first, and what changed lately."""
    found = get_object_or_404(InspectionRound, slug=slug)
    today = timezone.localdate()
    lines = lines_of(found, today)
    whole = Share(found.name, lines)
    context = {
        "round": found,
        "lines": lines,
        "whole": whole,
        "counts": [(stage, sum(line.stage == stage for line in lines)) for stage in Stage],
        "organisations": shares((line.task.organisation.name, line) for line in lines),
        "units": shares((unit, line) for line in lines for unit in units_of(line))[:MOST_UNITS],
        "changes": changes(found),
    }
    return render(request, "notices/round.html", context)


def changes(found: InspectionRound) -> list[tuple[LogEntry, PublicityNotice]]:
    """The newest acts in the log on notices about tasks of this round, each with its notice; counts are no acts."""
    public = PublicityNotice.objects.public().filter(edition__tasks__round=found)
    signed = LogEntry.objects.filter(sequence__lt=Checkpoint.objects.size()).exclude(act="tally")
    entries = list(signed.filter(reference__in=public.values("reference")).order_by("-sequence")[:LATEST])
    named = PublicityNotice.objects.filter(reference__in={entry.reference for entry in entries})
    notices = {notice.reference: notice for notice in named.select_related("edition").defer("edition__document")}
    return [(entry, notices[entry.reference]) for entry in entries]


@prepared()
@require_safe
def task(request, pk):
    """One task: what was found, what was promised and done, and its notices. Only tasks that a notice made public."""
    today = timezone.localdate()
    tasks = RectificationTask.objects.select_related("round", "organisation").prefetch_related(
        "closures", "acceptances"
    )
    found = get_object_or_404(tasks, pk=pk)
    notices = [notice for notice in found.shown() if not notice.edition.is_redacted]
    if not notices:
        raise Http404("no notice has made this task public")
    newest = _newest(notices)
    document = newest.edition.read()
    context = {
        "task": found,
        "told": EditionTask.objects.get(edition=newest.edition, task=found),
        "stage": found.stage(today),
        "cards": [card(notice, today) for notice in notices],
        "notice": newest,
        "document": document,
        "pairing": next((block for block in document.blocks() if isinstance(block, Pairing)), None),
        "files": newest.edition.files.select_related("edition__notice") if document.attachments else [],
        "story": story(found, notices, document, today),
    }
    return render(request, "notices/task.html", context)


def _newest(notices: list[PublicityNotice]) -> PublicityNotice:
    """The notice that tells most lately of a task, a withdrawn one only when there is no other."""
    return max(notices, key=lambda notice: (not notice.withdrawn_at, notice.edition.published_at))


def story(
    task: RectificationTask, notices: list[PublicityNotice], document: NoticeDocument, today: datetime.date
) -> list[dict]:
    """What happened to a task, day by day, as far as it is public: `kind`, `day`, and what belongs to it."""
    measures = document.section("measures")
    events = [
        {"kind": "feedback", "day": task.round.feedback_on},
        {"kind": "plan", "day": task.round.plan_on, "measures": len(measures.items) if measures else 0},
    ]
    for notice in notices:
        events += _told_by(notice, today)
    for edition in Edition.objects.visible().filter(notice__in=notices, number__gt=1).select_related("notice"):
        events.append({"kind": "change", "day": timezone.localdate(edition.published_at), "edition": edition})
    for closure in filter(lambda each: each.closed_at, task.closures.all()):
        events.append({"kind": "closure", "day": closure.closed_on, "closure": closure})
        if closure.reopened_at:
            events.append({"kind": "reopening", "day": timezone.localdate(closure.reopened_at)})
    unlike = [event for number, event in enumerate(events) if event["day"] and event not in events[:number]]
    return sorted(unlike, key=lambda event: (event["day"], ORDER.index(event["kind"])))


# What comes first of what happened on one day.
ORDER = ["feedback", "plan", "acceptance", "notice", "change", "withdrawal", "end", "closure", "reopening"]


def _told_by(notice: PublicityNotice, today: datetime.date) -> list[dict]:
    """The events that one notice tells of: the acceptance in its text, its window, its withdrawal."""
    document, shown = notice.edition.read(), card(notice, today)
    progress = document.section("progress")
    reported = {"reports": len(progress.items) if progress else 0, "files": len(document.attachments)}
    events = [{"kind": "notice", "day": notice.edition.opens_on, "card": shown, **reported}]
    if document.acceptance and not notice.withdrawn_at:
        acceptance = document.acceptance
        events.append({"kind": "acceptance", "day": acceptance.accepted_on, "conclusion": acceptance.conclusion})
    if notice.withdrawn_at:
        events.append({"kind": "withdrawal", "day": timezone.localdate(notice.withdrawn_at), "card": shown})
    elif shown["state"] == State.CLOSED:
        events.append({"kind": "end", "day": notice.edition.closes_on, "card": shown})
    return events
