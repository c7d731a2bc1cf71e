"""What is wrong with a notice before it is published: errors, which stop it, and warnings, which staff must confirm."""

import re
from collections.abc import Collection, Iterator

from .. import windows
from . import sums, timing, wording
from .findings import LEVELS, OFFICE, SIGNATURE, Draft, Finding, found, place_of_item, place_of_section
from .notice import Item, NoticeDocument, Office, Section
from .outline import words_of
from .rendering import section_text
from .statements import find_office

__all__ = ["LEVELS", "Finding", "lint"]


def lint(
    document: NoticeDocument,
    *,
    calendar: windows.Calendar,
    rule: windows.Rule,
    titles: Collection[str] = (),
    confirmed_end: bool = False,
) -> list[Finding]:
    """Errors first, then warnings, each in the order of the notice.

    `titles`: those of other notices. `confirmed_end`: staff confirmed the last day though the calendar of a year
    is not published yet.
    """
    draft = Draft(document, calendar, rule, titles, confirmed_end)
    findings = [finding for check in CHECKS for finding in check(draft)]
    last = len(draft.order)
    return sorted(findings, key=lambda finding: (finding.level != "error", draft.order.get(finding.place, last)))


# ---- title, signature, office


def title_repeated(draft: Draft) -> Iterator[Finding]:
    titles = {"".join(title.split()) for title in draft.titles}
    if "".join(draft.document.title.split()) in titles:
        text = "标题与已有的公示相同；请在标题中写明轮次和任务序号加以区分，确需同名再确认。"
        yield found("title_repeated", "标题", text)


def signatory_missing(draft: Draft) -> Iterator[Finding]:
    if not any(name.strip() for name in draft.document.signatories):
        yield found("signatory_missing", SIGNATURE, "没有落款单位；请填写发布公示的单位全称。")


def office_missing(draft: Draft) -> Iterator[Finding]:
    office = draft.document.office or Office()
    if not office.name.strip():
        yield found("office_missing", OFFICE, "没有写明受理异议的单位；请填写受理单位名称。")
    if not (office.phone or office.email or office.address).strip():
        yield found("channel_missing", OFFICE, "没有受理异议的联系方式；请至少填写电话、电子邮箱、地址中的一项。")


_NAMES_OFFICE = re.compile(r"异议|意见|受理|联系")


def office_stated_otherwise(draft: Draft) -> Iterator[Finding]:
    """The text names another office, phone or mailbox than the one that takes objections."""
    office = draft.document.office
    if not office:
        return
    texts = [(passage.place, text) for passage in draft.stating for text in passage.readings]
    differences = {
        (place, what, printed, right): None
        for place, text in texts
        if _NAMES_OFFICE.search(text)
        for what, printed, right in _differences(find_office(text) or Office(), office)
    }
    for place, what, printed, right in differences:
        text = f"正文写的受理{what}是“{printed}”，登记的是“{right}”；请改成一致。"
        yield found("office_stated_otherwise", place, text)


def _differences(stated: Office, office: Office) -> Iterator[tuple[str, str, str]]:
    """(what, as stated, as registered). A short name (市生态环境局) and one of several phones are no difference."""
    if stated.name and office.name and not "".join(office.name.split()).endswith(stated.name):
        yield "单位", stated.name, office.name
    if stated.phone and office.phone and not _share_a_phone(stated.phone, office.phone):
        yield "电话", stated.phone, office.phone
    if stated.email and office.email and stated.email.casefold() != office.email.casefold():
        yield "邮箱", stated.email, office.email


def _share_a_phone(stated: str, registered: str) -> bool:
    printed, known = ([re.sub(r"\D", "", phone) for phone in phones.split("、")] for phones in (stated, registered))
    return any(one.endswith(other) or other.endswith(one) for one in printed for other in known if one and other)


_SUPERVISING = re.compile(r"督导|监管|验收|监督")


def office_is_responsible(draft: Draft) -> Iterator[Finding]:
    """Objections would go to those they are about. A branch (…分局) of the office is another unit."""
    name = draft.document.office.name if draft.document.office else ""
    for section in draft.document.sections:
        if not name or section.kind != "responsible" or _SUPERVISING.search(words_of(section.heading)):
            continue
        clauses = re.split(r"[。；;\n]", section_text(section))
        if any(_is_named(name, clause) for clause in clauses if not _SUPERVISING.search(clause.split(name)[0])):
            text = f"受理异议的单位“{name}”就是整改责任单位；请考虑由其他单位受理，确需如此再确认。"
            yield found("office_is_responsible", place_of_section(section), text)


def _is_named(name: str, clause: str) -> bool:
    return bool(re.search(rf"{re.escape(name)}(?!.{{0,8}}分局)", clause))


_RIGHT = re.compile(
    r"(?:如|若|凡|对)[^。\n]{0,40}(?:异议|不同意见|意见|问题)的?[，,者]|(?<!没)有(?:异议|不同意见)(?:的|者|[，,])"
    r"|(?:如|若)[^。\n]{0,20}(?:异议|意见)|(?:可|可以|请|均可|有权)[^。\n]{0,30}(?:反映|反馈|举报|提出)"
)


def objection_right_missing(draft: Draft) -> Iterator[Finding]:
    if not any(_RIGHT.search(passage.text) for passage in draft.passages):
        text = "没有写明可以提出异议；请补写“如有异议，请联系……”一类的语句。"
        yield found("objection_right_missing", OFFICE, text)


# ---- measures and progress


def measures_and_progress(draft: Draft) -> Iterator[Finding]:
    """Each measure needs its progress and the other way round; compared by ordinal where both have items."""
    measures, progress = (_sections(draft.document, kind) for kind in ("measures", "progress"))
    if measures and not progress:
        yield found(
            "progress_missing",
            place_of_section(measures[0]),
            "写了整改措施，没有写整改情况；请补写各项措施的落实情况。",
        )
    promised, done = _items(measures), _items(progress)
    if not (promised and done):
        return
    for ordinal in promised.keys() - done.keys():
        text = "这项措施没有对应的整改情况；请补写落实情况，或核对序号。"
        yield found("measure_without_progress", place_of_item(*promised[ordinal]), text)
    for ordinal in done.keys() - promised.keys():
        text = "这项整改情况没有对应的措施；请核对序号，或补写对应的措施。"
        yield found("progress_without_measure", place_of_item(*done[ordinal]), text)


def _sections(document: NoticeDocument, kind: str) -> list[Section]:
    return [section for section in document.sections if section.kind == kind and section_text(section).strip()]


def _items(sections: list[Section]) -> dict[int, tuple[Section, Item]]:
    return {item.ordinal: (section, item) for section in sections for item in section.items}


CHECKS = (
    title_repeated,
    signatory_missing,
    office_missing,
    office_stated_otherwise,
    office_is_responsible,
    objection_right_missing,
    measures_and_progress,
    *timing.CHECKS,
    *wording.CHECKS,
    *sums.CHECKS,
)
