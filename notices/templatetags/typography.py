"""Where a line of Chinese may end, said to browsers that do not know words."""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Before these a title falls into parts when it is read aloud.
PARTS = re.compile(
    r"(?<=[^\s（])(?<!<mark>)(?=第[〇零一二三四五六七八九十百\d]+(?:轮|项)|生态环境保护督察|反馈问题|信访交办|交办群众|整改|落实情况|拟|（)"
)

TIMES = re.compile(r"\d{1,2}[:：]\d{2}\s*[-–—~～至到]+\s*\d{1,2}[:：]\d{2}")


@register.filter
def phrased(title: str) -> SafeString:
    """The title with a place to break before each of its parts; the stylesheet allows lines to end nowhere else."""
    return mark_safe(PARTS.sub("<wbr>", conditional_escape(title)))  # noqa: S308 – escaped here, or safe already


@register.filter
def unbroken_times(hours: str) -> SafeString:
    """Office hours in which no line ends between the two ends of a span: 14:00—17:30."""
    return mark_safe(TIMES.sub(r'<span class="whole">\g<0></span>', conditional_escape(hours)))  # noqa: S308 – as above
