"""What the checks before publication find, and the notice as they read it: a list of passages with their places."""

import dataclasses
import functools
import re
from collections.abc import Collection

from .. import windows
from .notice import Item, NoticeDocument, Section
from .outline import meaning_of
from .rendering import item_text
from .statements import find_window, is_closing

# Every kind of finding. An error stops publication; a warning must be confirmed.
LEVELS = {
    "dates_out_of_order": "error",
    "window_missing": "error",
    "window_backwards": "error",
    "window_uncountable": "error",
    "window_short": "error",
    "window_stated_otherwise": "error",
    "claimed_days_wrong": "error",
    "calendar_unpublished": "error",
    "office_missing": "error",
    "channel_missing": "error",
    "office_stated_otherwise": "error",
    "signatory_missing": "error",
    "placeholder": "error",
    "identity_number": "error",
    "window_long": "warning",
    "window_opens_on_day_off": "warning",
    "claimed_unit_unclear": "warning",
    "signed_long_before": "warning",
    "acceptance_undated": "warning",
    "title_repeated": "warning",
    "office_is_responsible": "warning",
    "objection_right_missing": "warning",
    "progress_missing": "warning",
    "measure_without_progress": "warning",
    "progress_without_measure": "warning",
    "mobile_number": "warning",
    "inspection_misspelt": "warning",
    "sum_mismatch": "warning",
    "percentage_over_100": "warning",
}

WINDOW, OFFICE, SIGNATURE = "公示期", "异议受理", "落款"

_FOLDED = str.maketrans("０１２３４５６７８９ＸｘＡＢ．％－—–‑−‐\u3000\xa0", "0123456789XxAB.%------  ")
_FULL_BRACKETS = str.maketrans("()", "（）")


@dataclasses.dataclass(frozen=True)
class Finding:
    """level: error | warning; code: a key of LEVELS; place: where in the notice; text: what is wrong and what to do."""

    level: str
    code: str
    place: str
    text: str


def found(code: str, place: str, text: str) -> Finding:
    """The finding of this code, with its level."""
    return Finding(LEVELS[code], code, place, text)


@dataclasses.dataclass(frozen=True)
class Passage:
    """A stretch of the notice. `kind` is that of its section, or title, basis, office, signature, annex."""

    place: str
    kind: str
    text: str
    heading: str = ""

    @functools.cached_property
    def folded(self) -> str:
        """The text with half-width digits, dashes and blanks; every character stays where it was."""
        return self.text.translate(_FOLDED)

    @functools.cached_property
    def readings(self) -> tuple[str, ...]:
        """The whole text and, where it has several, each line: a statement below another one counts as well."""
        return tuple(dict.fromkeys([self.text, *self.text.split("\n")]))


@dataclasses.dataclass(frozen=True)
class Draft:
    """A notice before publication, and what it is checked against."""

    document: NoticeDocument
    calendar: windows.Calendar
    rule: windows.Rule
    titles: Collection[str] = ()
    confirmed_end: bool = False

    @functools.cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Everything that will be public, in printed order; of the office what the text does not print."""
        document = self.document
        printed = [
            Passage("标题", "title", document.title),
            Passage("依据", "basis", document.basis),
            *(passage for section in document.sections for passage in _passages(section)),
            Passage(SIGNATURE, "signature", "\n".join(document.signatories)),
            Passage("附件", "annex", "\n".join(attachment.name for attachment in document.attachments)),
        ]
        text = re.sub(r"\s", "", "\n".join(passage.text for passage in printed))
        office = dataclasses.astuple(document.office) if document.office else ()
        unprinted = "\n".join(value for value in office if re.sub(r"\s", "", value) not in text)
        return tuple(passage for passage in (*printed, Passage(OFFICE, "office", unprinted)) if passage.text)

    @functools.cached_property
    def stating(self) -> tuple[Passage, ...]:
        """The passages that can state the window of this notice; all of them when none of the usual ones does.

        Measures and progress tell of other windows ("名单公示7天").
        """
        text = [passage for passage in self.passages if passage.kind not in ("office", "signature", "annex")]
        usual = tuple(passage for passage in text if passage.kind in ("basis", "acceptance", "other"))
        return usual if any(find_window(passage.text) for passage in usual) else tuple(text)

    @functools.cached_property
    def order(self) -> dict[str, int]:
        """Place → its rank in the notice."""
        places = [passage.place for passage in self.passages if passage.kind not in ("office", "signature", "annex")]
        return {place: rank for rank, place in enumerate(dict.fromkeys([*places, WINDOW, OFFICE, SIGNATURE, "附件"]))}

    def place_of(self, kind: str, otherwise: str) -> str:
        """The place of the first section of that kind."""
        section = self.document.section(kind)
        return place_of_section(section) if section else otherwise


def _passages(section: Section) -> list[Passage]:
    heading = [section.heading] if section.heading else []
    own = "\n".join([*heading, *section.paragraphs])
    passages = [Passage(place_of_section(section), section.kind, own, section.heading)]
    for item in section.items:
        passages.append(Passage(place_of_item(section, item), section.kind, item_text(item), section.heading))
    return passages


def place_of_section(section: Section) -> str:
    """Its heading; text without one is the end of the notice or free text."""
    if section.heading:
        return section.heading.rstrip(":： ").translate(_FULL_BRACKETS)
    return "结尾段落" if any(map(is_closing, section.paragraphs)) else "正文"


def place_of_item(section: Section, item: Item) -> str:
    """二、整改措施（三）, or 二、整改措施第3项 where the label has no brackets."""
    label = item.label.strip().translate(_FULL_BRACKETS)
    return place_of_section(section) + (label if label.startswith("（") else f"第{item.ordinal}项")


def is_about_window(heading: str) -> bool:
    """Whether a section is called 公示期限 or the like."""
    return bool(heading) and meaning_of(heading) == "window"
