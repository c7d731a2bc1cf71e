"""NoticeDocument: what a notice says, as plain data with one canonical form in bytes.

The bytes are the contract with everybody outside: what is published, hashed and logged is exactly
`NoticeDocument.to_bytes()`. Dates are calendar days in Asia/Shanghai.
"""

import dataclasses
import datetime
import functools
import hashlib
import json
import types
import typing
from collections.abc import Callable

SCHEMA = 1

SECTION_KINDS = {
    "problem": "反馈问题",
    "objective": "整改目标",
    "measures": "整改措施",
    "deadline": "整改时限",
    "responsible": "责任单位",
    "progress": "整改情况",
    "acceptance": "自我验收",
    "other": "其他",
}

STAGES = {
    "self_acceptance": "自我验收后公示",
    "lead_acceptance": "牵头部门验收后公示",
    "acceptance_request": "拟申请验收销号公示",
    "closure": "拟销号公示",
}


class NotADocument(ValueError):
    """The bytes are not a notice document; the message says where they differ."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskReference:
    """A task as the notice names it. A petition item has no number; its case number is `number_text`."""

    round: str = ""
    number: int | None = None
    sub_number: int | None = None
    number_text: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One numbered item of a section: (一) heading。text; `text` may hold several paragraphs, one a line."""

    ordinal: int
    label: str
    heading: str = ""
    text: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """One section; `heading` as printed, its own number included ("二、整改措施"), "" for text without one."""

    kind: str
    heading: str = ""
    paragraphs: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether an ordinal names one item: there are items, and no ordinal stands twice."""
        return bool(self.items) and len({item.ordinal for item in self.items}) == len(self.items)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pairing:
    """A measures section and a progress section read side by side; a row lacks what has no counterpart."""

    measures: Section
    progress: Section
    rows: tuple[tuple[Item | None, Item | None], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Acceptance:
    """The self-acceptance that the text states."""

    accepted_on: datetime.date | None = None
    conclusion: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """The publicity window: whole days, first and last included.

    `length` and `unit` ("working" or "calendar") are the rule, or what the printed text claims;
    `working_days` is what the calendar counts.
    """

    opens_on: datetime.date
    closes_on: datetime.date
    length: int | None = None
    unit: str | None = None
    working_days: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Office:
    """Who takes objections, as printed."""

    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file published with the notice; `size` in bytes."""

    name: str
    size: int
    sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoticeDocument:
    """Everything a notice says. `reference`, `edition`, `salt` and `reason` are given at publication."""

    title: str
    basis: str = ""
    stage: str = "self_acceptance"
    tasks: tuple[TaskReference, ...] = ()
    sections: tuple[Section, ...] = ()
    acceptance: Acceptance | None = None
    window: Window | None = None
    office: Office | None = None
    signatories: tuple[str, ...] = ()
    signed_on: datetime.date | None = None
    attachments: tuple[Attachment, ...] = ()
    reference: str = ""
    edition: int = 0
    reason: str = ""
    salt: str = ""
    schema: int = SCHEMA

    def to_bytes(self) -> bytes:
        """Canonical JSON: UTF-8, keys sorted, no spaces. Equal documents have equal bytes."""
        return json.dumps(self, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `to_bytes()`, as 64 hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, content: bytes) -> "NoticeDocument":
        """The document that these bytes are.

        Raises NotADocument when they are not canonical: reading is strict, so that two different
        byte strings never stand for one document.
        """
        try:
            document = _builder(cls)(json.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise NotADocument(f"not a notice document: {error}") from error
        if document.to_bytes() != content:
            raise NotADocument("not in canonical form")
        return document

    def blocks(self) -> list[Section | Pairing]:
        """The sections in order, except that measures with items and the progress after them become one Pairing.

        Items belong together when they bear the same ordinal, as in the printed notice. Where an ordinal stands
        twice in a section, both stay as printed, so that nothing is lost.
        """
        measures, progress = self.section("measures"), self.section("progress")
        numbered = measures and progress and measures.is_numbered and progress.is_numbered
        if not numbered or self.sections.index(progress) < self.sections.index(measures):
            return list(self.sections)
        promised = {item.ordinal: item for item in measures.items}
        done = {item.ordinal: item for item in progress.items}
        rows = tuple((promised.get(key), done.get(key)) for key in sorted(promised | done))
        pairing = Pairing(measures=measures, progress=progress, rows=rows)
        return [pairing if section is measures else section for section in self.sections if section is not progress]

    def section(self, kind: str) -> Section | None:
        """The first section of that kind, or None."""
        return next((section for section in self.sections if section.kind == kind), None)


def _plain(value: object) -> str | dict:
    """What json.dumps writes for a part of a document."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return vars(value)
    raise TypeError(f"{value!r} has no place in a document")


@functools.cache
def _builder(wanted: typing.Any) -> Callable[[typing.Any], typing.Any]:
    """What makes a value of the annotated type `wanted` of what json.loads gives."""
    if isinstance(wanted, types.UnionType):
        build = _builder(wanted.__args__[0])
        optional = types.NoneType in wanted.__args__
        return lambda value: None if value is None and optional else build(value)
    if typing.get_origin(wanted) is tuple:
        build = _builder(wanted.__args__[0])
        return lambda value: tuple(map(build, value))
    if dataclasses.is_dataclass(wanted):
        return functools.partial(
            _build, wanted, {name: _builder(hint) for name, hint in typing.get_type_hints(wanted).items()}
        )
    return datetime.date.fromisoformat if wanted is datetime.date else functools.partial(_exactly, wanted)


def _build(wanted: type, builders: dict[str, Callable], value: dict) -> typing.Any:
    if value.keys() - builders.keys():
        raise ValueError(f"unknown keys {sorted(value.keys() - builders.keys())}")
    return wanted(**{name: builders[name](entry) for name, entry in value.items()})


def _exactly(wanted: type, value: typing.Any) -> typing.Any:
    if type(value) is not wanted:
        raise TypeError(f"{value!r} is not {wanted.__name__}")
    return value
