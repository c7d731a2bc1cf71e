"""How a notice is written: which sections in which order, headed and numbered in which way."""

from notices.documents.statements import chinese_date, to_chinese
from notices.models import NoticeSection, PublicityNotice

from .tasks import Case

LAYOUTS = {
    "plain": [
        ("problem", "反馈问题内容"),
        ("measures", "整改措施"),
        ("progress", "工作开展情况"),
        ("acceptance", "自我验收意见"),
    ],
    "whole": [
        ("problem", "反馈问题"),
        ("objective", "整改目标"),
        ("measures", "整改措施"),
        ("responsible", "整改责任单位"),
        ("deadline", "完成时限"),
        ("progress", "整改完成情况"),
        ("acceptance", "自我验收意见"),
    ],
    "brief": [
        ("problem", "整改任务"),
        ("objective", "整改目标"),
        ("measures", "重点措施"),
        ("progress", "整改主要工作及成效"),
        ("acceptance", "验收意见"),
    ],
    "petition": [
        ("problem", "信访内容"),
        ("responsible", "责任单位"),
        ("measures", "整改措施"),
        ("progress", "办理情况"),
        ("acceptance", "验收情况"),
    ],
    "started": [("problem", "反馈问题"), ("measures", "整改措施")],
}
LABELS = {
    "bracket": lambda number: f"（{to_chinese(number)}）",
    "arabic": lambda number: f"{number}.",
    "yishi": lambda number: f"{to_chinese(number)}是",
}


def write(notice: PublicityNotice, text: dict, cases: list[Case]) -> None:
    """Type the sections of a draft."""
    label = LABELS[text.get("labels", "bracket")]
    typed = [(kind, heading, _body(kind, cases, label)) for kind, heading in LAYOUTS[text["layout"]]]
    if "closing" in text:
        typed.append(("other", text["closing"][0], _closing(notice, text["closing"][1])))
    NoticeSection.objects.bulk_create(
        NoticeSection(notice=notice, ordinal=ordinal, kind=kind, heading=f"{to_chinese(ordinal)}、{heading}", body=body)
        for ordinal, (kind, heading, body) in enumerate(typed, 1)
    )


def replace(notice: PublicityNotice, old: str, new: str) -> None:
    """Put `new` for `old` in the sections of a working copy."""
    for section in notice.sections.filter(body__contains=old):
        section.body = section.body.replace(old, new)
        section.save(update_fields=["body"])


def _body(kind: str, cases: list[Case], label) -> str:
    """One task as it is; several as items (一)(二)…, the same number for the same task in every section."""
    if len(cases) == 1:
        return _part(kind, cases[0], label)
    return "\n".join(
        f"{label(number)}{case.row.label}。{_part(kind, case, LABELS['arabic'])}"
        for number, case in enumerate(cases, 1)
    )


def _part(kind: str, case: Case, label) -> str:
    match kind:
        case "measures" | "progress":
            place = 1 if kind == "measures" else 2
            return "\n".join(
                f"{label(number)}{line[0]}。{line[place]}" for number, line in enumerate(case.text["measures"], 1)
            )
        case "acceptance":
            return case.acceptance
        case "deadline":
            return f"{case.row.deadline_text}。"
        case "responsible":
            return f"{case.row.responsible_units}。"
    return getattr(case.row, kind)


def _closing(notice: PublicityNotice, sentence: str) -> str:
    window = notice.window()
    return sentence.format(
        opens=chinese_date(window.opens_on), closes=chinese_date(window.closes_on), count=window.working_days
    )
