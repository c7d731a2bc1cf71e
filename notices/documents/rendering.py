"""A notice as text, in printed order.

Headings stand flush left, paragraphs and items are indented by two full-width blanks, signatories and date by many:
so a paragraph that begins like a heading stays a paragraph when the text is read again.
"""

import typing

from .notice import Item, NoticeDocument, Section
from .numerals import chinese_date

INDENT = "\u3000" * 2
SIGNATURE_INDENT = "\u3000" * 12


class Mark(typing.NamedTuple):
    """What became of an edition, said above the title of every copy; `void`: it no longer holds."""

    label: str
    text: str
    void: bool = False


def to_text(document: NoticeDocument, marks: tuple[Mark, ...] = ()) -> str:
    """The whole notice: marks, title, basis, sections, signatories, date; one line each, a line break at the end."""
    lines = [f"【{mark.label}】{mark.text}" for mark in marks]
    lines += [document.title, *_indented(document.basis)]
    for section in document.sections:
        lines += [section.heading] if section.heading else []
        lines += _indented(section_text(section))
    lines += [SIGNATURE_INDENT + line for line in signature(document)]
    return "\n".join(lines) + "\n"


def signature(document: NoticeDocument) -> list[str]:
    """The signatories and the date of signing, as they stand under the notice."""
    return [*document.signatories, *([chinese_date(document.signed_on)] if document.signed_on else [])]


def section_text(section: Section) -> str:
    """The body of a section without its heading, one paragraph a line, as `reading.split_body` reads it."""
    return "\n".join([*section.paragraphs, *(item_text(item) for item in section.items)])


def item_text(item: Item) -> str:
    """(一)heading。text, or label and text where the item has no heading."""
    return item_lead(item) + item.text


def item_lead(item: Item) -> str:
    """What stands before the text of an item: (一)heading。 or the label alone."""
    return f"{item.label}{item.heading}。" if item.heading else item.label


def _indented(text: str) -> list[str]:
    return [INDENT + line.strip() for line in text.split("\n") if line.strip()]
