"""The text of a web page, block by block, read as a stream: no tree, so depth and size cost nothing."""

import re

from .files import Unreadable, row_lines

_BLOCK = re.compile(
    "address|article|blockquote|body|br|caption|center|dd|div|dl|dt|fieldset|figure|form|h[1-6]|header|hr|html|li|main|ol"
    "|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)
_DROPPED = re.compile(
    "aside|button|footer|head|iframe|math|nav|noscript|object|option|script|select|style|svg|template|textarea"
)
_MAX_TAGS = 200_000


def read_html(text: str) -> list[str]:
    """The blocks of the page as lines; a table row is one line; script, style, navigation and footer are dropped.

    Raises Unreadable for a page of more than 200,000 tags.
    """
    if text.count("<") > _MAX_TAGS:
        raise Unreadable("网页的标记过多，不像一份公示；请打开网页，把公示正文复制到Word或文本文件后再导入。")
    import lxml.etree

    blocks = _Blocks()
    parser = lxml.etree.HTMLParser(
        target=blocks, huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    parser.feed(re.sub(r"^\s*<\?xml[^>]*>", "", text))
    return parser.close()


class _Blocks:
    """Target of lxml's parser: gathers text until a block begins or ends."""

    def __init__(self):
        self.lines: list[str] = []
        self.text: list[str] = []
        self.dropped: list[str] = []
        self.rows: list[list[list[str]]] = []

    def start(self, tag, attributes):
        if self.dropped or _DROPPED.fullmatch(tag):
            self.dropped.append(tag)
        elif _BLOCK.fullmatch(tag):
            self._flush()
            if tag == "tr":
                self.rows.append([])
            elif tag in ("td", "th") and self.rows:
                self.rows[-1].append([])

    def end(self, tag):
        if self.dropped:
            self.dropped.pop()
        elif _BLOCK.fullmatch(tag):
            self._flush()
            if tag == "tr" and self.rows:
                self._emit(row_lines(self.rows.pop()))

    def data(self, data):
        if not self.dropped:
            self.text.append(data)

    def close(self):
        self._flush()
        return self.lines

    def _flush(self):
        text = re.sub(r"[ \t\r\n\f]+", " ", "".join(self.text)).strip(" ")
        self.text = []
        if text:
            self._emit([text])

    def _emit(self, lines):
        into = self.rows[-1][-1] if self.rows and self.rows[-1] else self.lines
        into += lines
