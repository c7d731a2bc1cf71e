"""The tasks with their measures and progress."""

import dataclasses
import datetime

from django.core.files.base import ContentFile

from notices.documents.statements import chinese_date, find_acceptance, to_chinese
from notices.models import (
    Evidence,
    InspectionRound,
    Measure,
    Organisation,
    ProgressReport,
    RectificationTask,
    SelfAcceptance,
)

from . import pictures, texts
from .days import Days

THEMES = ("responsibility", "water", "air", "waste", "nature")
COLUMNS = (
    "number",
    "sub_number",
    "number_text",
    "case_number",
    "title",
    "problem",
    "objective",
    "deadline_text",
    "deadline_on",
)


@dataclasses.dataclass
class Case:
    """One task: its row, and the text it was made from."""

    row: RectificationTask
    text: dict
    acceptance: str = ""  # as printed, once accepted

    def accept(self, accepted_on: datetime.date, at: datetime.datetime) -> None:
        """Record the self-acceptance, the first time only."""
        if self.acceptance:
            return
        self.acceptance = self.text["acceptance"].replace("{accepted}", chinese_date(accepted_on))
        SelfAcceptance.objects.create(
            task=self.row,
            accepted_on=accepted_on,
            conclusion=find_acceptance(self.acceptance).conclusion,
            opinion=self.acceptance,
            created_at=at,
        )


def make(days: Days, organisations: dict[str, Organisation], rounds: dict[str, InspectionRound]) -> dict[str, Case]:
    """key → case"""
    cases = {}
    for theme in THEMES:
        for text in texts.read(theme, days.today)["task"]:
            row = _task(text, organisations[text["organisation"]], rounds[text["round"]], days)
            cases[text["key"]] = Case(row, text)
    return cases


def _task(text: dict, organisation: Organisation, round: InspectionRound, days: Days) -> RectificationTask:
    task = RectificationTask.objects.create(
        organisation=organisation,
        round=round,
        kind=text.get("kind", RectificationTask.Kind.TASK),
        responsible_units=text["responsible"],
        supervising_units=text["supervising"],
        created_at=days.at(datetime.date.fromisoformat(str(round.plan_on)), "15:00"),
        **{name: text[name] for name in COLUMNS if text.get(name)},
    )
    lines = [
        {"task": task, "ordinal": ordinal, "label": f"（{to_chinese(ordinal)}）", "heading": heading}
        for ordinal, (heading, _, _) in enumerate(text["measures"], 1)
    ]
    promised, done = ([line[place] for line in text["measures"]] for place in (1, 2))
    measures = Measure.objects.bulk_create(
        Measure(**line, text=text) for line, text in zip(lines, promised, strict=True)
    )
    ProgressReport.objects.bulk_create(
        ProgressReport(**line, text=text, measure=measure)
        for line, text, measure in zip(lines, done, measures, strict=True)
        if text
    )
    for name, content, ordinal in pictures.of(text):
        _attach(task, name, content, ordinal)
    return task


def _attach(task: RectificationTask, name: str, content: bytes, ordinal: int) -> None:
    report = task.reports.filter(ordinal=ordinal).first()
    evidence = Evidence(task=task, report=report, file=ContentFile(content, name))
    evidence.clean()
    evidence.save()
