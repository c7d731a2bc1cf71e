"""Checks before publication: numbers in the text that cannot be right together.

Only what is plainly a total and its parts is judged; anything else is left alone.
"""

import itertools
import re
from collections.abc import Iterator
from decimal import Decimal

from .findings import Draft, Finding, found

_NUMBER = r"(?<![\d.])(?<!\d,)\d{1,9}(?:\.\d{1,4})?(?![\d.])"
_UNIT = (
    r"(?:[万亿]元|元|万?吨|万?立方米|万?平方米|平方公里|公里|千米|米|万?亩|公顷|[家人件户]次"
    r"|[家个处件项起台套辆艘户人名座条份口头只株棵块批](?![月年工小自]))"
)
_TOTAL = re.compile(
    rf"(?P<total>{_NUMBER})\s?(?P<unit>{_UNIT})[^\d。；;，,、：:（()）\n]{{0,12}}[，,：:；;（(]?\s?"
    r"其中[:：，,]?(?P<parts>[^。；;\n]{1,300})"
)
_BRACKETS = re.compile(r"[（(][^（()）]{0,80}[)）]")
_LIST_END = re.compile(r"[)）]|其中")
_AND = re.compile(r"、|(?<=[元吨米里亩顷次家个处件项起台套辆艘户人名座条份口头只株棵块批])(?:以?及|和|与)")
_STATE_OF_WORK = re.compile(r"已|均|全部|完成|发现|整改|立案|查处|问题")
_PART = re.compile(rf"\D{{1,30}}?(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT})\D{{0,6}}")


def sums(draft: Draft) -> Iterator[Finding]:
    """共58个，其中A 30个、B 20个."""
    for passage in draft.passages:
        for match in _TOTAL.finditer(passage.folded):
            wrong = _wrong_sum(Decimal(match["total"]), match["unit"], match["parts"])
            if wrong is not None:
                total, sum_of_parts = (f"{number}{match['unit']}" for number in (match["total"], wrong))
                text = f"写的总数是{total}，其中各项相加是{sum_of_parts}；请核对数字，只列举一部分时请写明。"
                yield found("sum_mismatch", passage.place, text)


def _wrong_sum(total: Decimal, unit: str, text: str) -> Decimal | None:
    """What the parts come to when it is not the total; None when all is well or nothing can be said.

    What follows the list with a comma may belong to it, or tell how work stands ("，已完成40个"): the sum is right
    when it is right anywhere on the way.
    """
    text = _LIST_END.split(_BRACKETS.sub("", text), maxsplit=1)[0].replace(",", "，").strip(" ，、")
    clauses = [_parts(clause, unit) for clause in text.split("，")]
    everything = list(itertools.chain.from_iterable(itertools.takewhile(bool, clauses)))
    if any(_equal(total, sum_so_far, everything) for sum_so_far in itertools.accumulate(everything)):
        return None
    if len(clauses[0]) > 1:
        return sum(clauses[0])
    return sum(everything) if len(everything) > 1 and all(clauses) and not _STATE_OF_WORK.search(text) else None


def _parts(clause: str, unit: str) -> list[Decimal]:
    """The numbers of a plain list, one number in `unit` each; [] for anything else."""
    matches = [_PART.fullmatch(piece) for piece in _AND.split(clause)]
    plain = all(match and match["unit"] == unit for match in matches)
    return [Decimal(match["number"]) for match in matches] if plain else []


def _equal(total: Decimal, sum_so_far: Decimal, parts: list[Decimal]) -> bool:
    """Printed decimals are rounded: half a unit of the last place each."""
    places = min(number.as_tuple().exponent for number in (total, *parts))
    slack = Decimal(len(parts) + 1).scaleb(places) / 2 if places else 0
    return abs(total - sum_so_far) <= slack


_SHARE = re.compile(
    r"(?:(?:达标|合格|整改|处置|处理|收集|覆盖|办结|满意|优良|回复|化解|销号)[率度](?:稳定|均|已|全部)?(?:达到|达|为|是|提[高升][至到]|[:：])?"
    rf"|占比(?:达到|达|为)?|占[^\d。，,；;、\n]{{1,10}}[的比])\s?(?P<share>{_NUMBER})\s?%"
)


def percentages(draft: Draft) -> Iterator[Finding]:
    """A share of a whole above 100 %; growth and plan fulfilment may be more."""
    for passage in draft.passages:
        for match in _SHARE.finditer(passage.folded):
            if Decimal(match["share"]) > 100:
                yield found(
                    "percentage_over_100", passage.place, f"比例写成{match['share']}%，超过100%；请核对并改正数字。"
                )


CHECKS = (sums, percentages)
