"""A notice as text, in printed order.

Headings stand flush left, paragraphs and items are indented by two full-width blanks, signatories and date by many:
so a paragraph that begins like a heading stays a paragraph when the text is read again.
"""

from .notice import Item, NoticeDocument, Section
from .numerals import chinese_date

INDENT = "\u3000" * 2
SIGNATURE_INDENT = "\u3000" * 12


def to_text(document: NoticeDocument) -> str:
    """The whole notice: title, basis, sections, signatories, date; one line each, a line break at the end."""
    lines = [document.title, *_indented(document.basis)]
    for section in document.sections:
        lines += [section.heading] if section.heading else []
        lines += _indented(section_text(section))
    signature = [*document.signatories, chinese_date(document.signed_on) if document.signed_on else ""]
    lines += [SIGNATURE_INDENT + line for line in signature if line]
    return "\n".join(lines) + "\n"


def section_text(section: Section) -> str:
    """The body of a section without its heading, one paragraph a line, as `reading.split_body` reads it."""
    return "\n".join([*section.paragraphs, *(item_text(item) for item in section.items)])


def item_text(item: Item) -> str:
    """(一)heading。text, or label and text where the item has no heading."""
    return f"{item.label}{item.heading}。{item.text}" if item.heading else f"{item.label}{item.text}"


def _indented(text: str) -> list[str]:
    return [INDENT + line.strip() for line in text.split("\n") if line.strip()]
