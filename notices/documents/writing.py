"""NoticeDocument → Word: the sheet as a file to go on working with. Reading it again gives the same document.

Fonts are named, not embedded: every office has 仿宋, 黑体 and 楷体.
"""

import io
import re
import zipfile

from .notice import NoticeDocument
from .printing import Imprint
from .rendering import item_lead, signature
from .sparing import sparing

FORM = 2  # counts what was changed here, so that nobody keeps a file of the old form

# What XML cannot hold: control characters and lone surrogates.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@sparing
def to_docx(document: NoticeDocument, imprint: Imprint) -> bytes:
    """The whole notice in printed order; the same notice and imprint give the same bytes."""
    import docx

    word = docx.Document()
    _dress(word)
    _describe(word, document, imprint)
    for mark in imprint.marks:
        _paragraph(word, f"【{mark.label}】{mark.text}", "Intense Quote")
    _paragraph(word, document.title, "Heading 1")
    _write(word, document)
    for line in signature(document):
        _paragraph(word, line, "Signature")
    return _saved(word)


def _write(word, document: NoticeDocument) -> None:
    """Basis and sections."""
    for line in document.basis.split("\n"):
        _paragraph(word, line)
    for section in document.sections:
        _paragraph(word, section.heading, "Heading 2")
        for line in section.paragraphs:
            _paragraph(word, line)
        for item in section.items:
            first, *others = item.text.split("\n")
            _paragraph(word, first, lead=item_lead(item))
            for line in others:
                _paragraph(word, line)


def _paragraph(word, text: str, style: str = "Normal", lead: str = "") -> None:
    """One paragraph, none for an empty text; `lead` is set apart from the rest."""
    if not (text or lead):
        return
    paragraph = word.add_paragraph(style=style)
    if lead:
        _font(paragraph.add_run(_possible(lead)), "楷体")
    paragraph.add_run(_possible(text))


def _possible(text: str) -> str:
    return _IMPOSSIBLE.sub(lambda found: f"〔U+{ord(found[0]):04X}〕", text)


# ---- the look


def _dress(word) -> None:
    """A4 in the form of an official notice."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    page = word.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.top_margin, page.bottom_margin, page.left_margin, page.right_margin = Mm(32), Mm(32), Mm(28), Mm(26)
    word.styles.add_style("Signature", WD_STYLE_TYPE.PARAGRAPH).base_style = word.styles["Normal"]
    looks = {
        "Normal": ("仿宋", 14, WD_ALIGN_PARAGRAPH.JUSTIFY, 200),
        "Heading 1": ("黑体", 20, WD_ALIGN_PARAGRAPH.CENTER, 0),
        "Heading 2": ("黑体", 14, WD_ALIGN_PARAGRAPH.LEFT, 200),
        "Signature": ("仿宋", 14, WD_ALIGN_PARAGRAPH.RIGHT, 0),
        "Intense Quote": ("黑体", 12, WD_ALIGN_PARAGRAPH.LEFT, 0),
    }
    for name, (font, size, alignment, indent) in looks.items():
        style = word.styles[name]
        _font(style, font, size)
        style.paragraph_format.alignment = alignment
        style.paragraph_format.line_spacing = 1.5
        style.paragraph_format.space_after = Pt(18 if name == "Heading 1" else 0)
        _indent(style, indent)


def _font(styled, name: str, size: int | None = None) -> None:
    """The font of a style or run, for Chinese as for Latin letters, upright and black."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    styled.font.name, styled.font.size = "Times New Roman", Pt(size) if size else None
    styled.font.bold = styled.font.italic = False
    styled.font.color.rgb = RGBColor(0, 0, 0)
    fonts = styled.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), name)


def _indent(style, hundredths: int) -> None:
    """The first line, in hundredths of a character: it grows with the type."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style.paragraph_format.left_indent = style.paragraph_format.right_indent = Pt(0)
    style.paragraph_format.first_line_indent = Pt(14 * hundredths / 100)
    style.element.pPr.ind.set(qn("w:firstLineChars"), str(hundredths))


# ---- what the file says of itself


def _describe(word, document: NoticeDocument, imprint: Imprint) -> None:
    from docx.oxml.ns import qn

    facts = word.core_properties
    facts.title, facts.author = _possible(document.title)[:255], _possible(imprint.publisher)[:255]
    facts.last_modified_by = facts.author
    facts.identifier, facts.language, facts.comments = imprint.code, "zh-CN", imprint.url
    facts.created = facts.modified = imprint.published_at.replace(microsecond=0)
    for language in word.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
    void = "".join(f"【{mark.label}】" for mark in imprint.marks if mark.void)
    word.sections[0].header.paragraphs[0].text = _possible(void)
    _footer(word.sections[0].footer.paragraphs[0], imprint)


def _footer(paragraph, imprint: Imprint) -> None:
    """Where the edition is found, and the number of the page, which Word counts."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    paragraph.paragraph_format.first_line_indent = 0
    for text, field in ((f"{imprint.code}  {imprint.url}  第", "PAGE"), ("页，共", "NUMPAGES"), ("页", "")):
        paragraph.add_run(text)
        if field:
            counted = OxmlElement("w:fldSimple")
            counted.set(qn("w:instr"), field)
            paragraph._p.append(counted)


def _saved(word) -> bytes:
    """The file with the same bytes each time: a zip otherwise keeps the time at which it was made."""
    made, saved = io.BytesIO(), io.BytesIO()
    word.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as package:
        for entry in source.infolist():
            package.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), zipfile.ZIP_DEFLATED)
    return saved.getvalue()
