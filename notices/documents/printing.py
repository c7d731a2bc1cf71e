"""NoticeDocument → PDF: what a sheet of paper says, and where a reader of the paper finds that very edition again."""

import dataclasses
import datetime
import functools

from . import typesetting
from .notice import Item, NoticeDocument, Office, Window
from .numerals import chinese_date
from .rendering import Mark, item_lead, section_text, signature

MEASURES = 8  # how many a poster names


@dataclasses.dataclass(frozen=True, kw_only=True)
class Imprint:
    """What a copy says of itself: the address of its edition, the short code of its text, who published it and when."""

    url: str
    code: str
    publisher: str
    published_at: datetime.datetime
    marks: tuple[Mark, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Something ready to be typeset: the template, what it prints, when it was published."""

    template: str
    data: dict
    at: datetime.datetime

    @functools.cached_property
    def fingerprint(self) -> str:
        """Changes whenever the PDF would."""
        return typesetting.fingerprint(self.template, self.data, at=self.at)

    def pdf(self) -> bytes:
        """Tagged PDF/UA-1; the same sheet gives the same bytes."""
        return typesetting.typeset(self.template, self.data, at=self.at)


def notice_sheet(document: NoticeDocument, imprint: Imprint) -> Sheet:
    """The whole notice in printed order, as `rendering.to_text` has it."""
    data = {
        **source(document.title, imprint),
        "basis": _lines(document.basis),
        "sections": [
            {
                "heading": section.heading,
                "paragraphs": list(section.paragraphs),
                "items": [_item(item) for item in section.items],
            }
            for section in document.sections
        ],
        "signature": signature(document),
    }
    return Sheet("notice.typ", data, imprint.published_at)


PAPERS = ("a4", "a3")


def poster_sheet(document: NoticeDocument, imprint: Imprint, paper: str = "a4") -> Sheet:
    """One page for the notice board, on one of PAPERS: what it is about, until when and to whom one may object.

    However long the notice is, it stays one page: what does not fit is shortened and left to the address in the code.
    """
    marks = tuple(mark._replace(text=_shortened(mark.text, 150)) for mark in imprint.marks)
    data = {
        **source(_shortened(document.title, 80), dataclasses.replace(imprint, marks=marks)),
        "publisher": _shortened(imprint.publisher, 30),
        "paper": paper,
        "window": _days(document.window),
        "counted": _counted(document.window),
        "summary": [{"heading": heading, "lines": lines} for heading, lines in _summary(document) if lines],
        **_invitation(document, void=any(mark.void for mark in marks)),
    }
    return Sheet("poster.typ", data, imprint.published_at)


def _summary(document: NoticeDocument) -> list[tuple[str, list[str]]]:
    """The problem, what was to be done about it, and the bureau's own verdict, each in a few lines."""
    problem, measures = document.section("problem"), document.section("measures")
    found = _lines(section_text(problem))[:2] if problem else []
    promised = [item.label + (item.heading or _shortened(item.text, 40)) for item in measures.items] if measures else []
    promised = promised or (_lines(section_text(measures))[:2] if measures else [])
    shown = [_shortened(line, 44) for line in promised[:MEASURES]]
    if len(promised) > MEASURES:
        shown.append(f"……共{len(promised)}项，全文见网页")
    accepted = document.acceptance
    day = f"{chinese_date(accepted.accepted_on)}完成自我验收" if accepted and accepted.accepted_on else ""
    verdict = "，".join(filter(None, [day, accepted.conclusion if accepted else ""]))
    return [
        ("反馈问题", [_shortened(line, 130) for line in found]),
        ("整改措施", shown),
        ("自我验收", [_shortened(verdict, 60)] if verdict else []),
    ]


def _invitation(document: NoticeDocument, *, void: bool) -> dict:
    """Whom to tell, while there is anything to object to."""
    if void:
        return {"invitation": "本公示不再有效", "dissent": ["请扫码查看原因和现行内容。"], "code-says": "扫码看说明"}
    dissent = [*_recipient(document), "您的身份对责任单位保密。"]
    return {"invitation": "与事实不符？请提出异议", "dissent": dissent, "code-says": "扫码看全文、提异议"}


def _recipient(document: NoticeDocument) -> list[str]:
    """Until when, and to whom: what of the office's particulars is printed."""
    until = f"请在{chinese_date(document.window.closes_on)}24时前提出。" if document.window else ""
    office = document.office or Office()
    particulars = [("电话", office.phone), ("邮箱", office.email), ("地址", office.address)]
    told = [f"{name}：{_shortened(value, 60)}" for name, value in particulars if value]
    return [line for line in (until, _shortened(office.name, 40), *told) if line]


def _days(window: Window | None) -> str:
    if not window:
        return ""
    opens, closes = chinese_date(window.opens_on), chinese_date(window.closes_on)
    return opens if opens == closes else f"{opens}至{closes}"


def _counted(window: Window | None) -> str:
    """How long that is, as the rule counts it."""
    if not window:
        return ""
    if window.unit == "working" and window.working_days:
        return f"{window.working_days}个工作日"
    return f"{(window.closes_on - window.opens_on).days + 1}天"


def _shortened(text: str, length: int) -> str:
    """At most `length` characters of a text, with a sign where it goes on."""
    return text if len(text) <= length else text[: length - 2].rstrip("，。；、,;") + "……"


def source(title: str, imprint: Imprint) -> dict:
    """What base.typ needs of every sheet."""
    return {
        "title": title,
        "publisher": imprint.publisher,
        "url": imprint.url,
        "code": imprint.code,
        "qr": qr_code(imprint.url),
        "marks": [{"label": mark.label, "text": _lines(mark.text)} for mark in imprint.marks],
        "watermark": next((mark.label for mark in imprint.marks if mark.void), ""),
    }


def qr_code(address: str) -> list[list[int]]:
    """A QR code row by row, 1 where it is dark."""
    import segno

    return [list(row) for row in segno.make(address, micro=False, error="m").matrix]


def _item(item: Item) -> dict:
    return {"lead": item_lead(item), "text": item.text.split("\n")}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
