"""Document numbers (发文字号), registry numbers and their normal forms (DOMAIN.md §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPEN, _CLOSE = r"[\[〔（(【﹝［{]", r"[\]〕）)】﹞］}]"
#: 〔年〕 + number + 号, to the left of which the 机关代字 stands.
_YEAR_AND_NUMBER = re.compile(
    _OPEN + r"\s*((?:19|20)\d{2})\s*年?\s*" + _CLOSE + r"\s*第?\s*(\d{1,5})\s*号"
)
#: The brackets may be lost (甘区政办发201756号).
_BARE = re.compile(r"(?<=[发函规办字告通])((?:19|20)\d{2})(\d{1,4})号")
_HEAD = re.compile(
    r"([\u4e00-\u9fff]{2,20}(?:[（(][\u4e00-\u9fff]{1,3}[）)][\u4e00-\u9fff]{0,4})?)\s*$"
)
_REGISTRY = re.compile(
    r"\b([A-Z]{3,6}[-—]\d{4}[-—]\d{1,6})\b|([\u4e00-\u9fff]{2,5}规〔(?:19|20)\d{2}〕\d{3}(?:-\d)?)(?!号)"
)
#: What stands to the left of a 代字 in running text and is no part of it; single characters
#: only at the beginning, for 代字 hold most of them (和平府发, 经信规).
_RUN_IN = re.compile(
    r"^.*(?:的|了|根据|按照|依据|依照|参照|详见|关于|印发|发布|作出|公布|下发|文件|通知|执行|废止|停止|修改|号[和与及]?|以及|(?<=[府局委办厅部])以)(?=[\u4e00-\u9fff]{2})"
)
_BEGINS = re.compile(r"^(?:现将|按|照|以|由|据|将|对|为|原|即|见|与|及)(?=[\u4e00-\u9fff]{3})")
#: Numbers of cases, standards and records are none of ours.
_NOT_OURS = re.compile(
    r"(?:民初|民终|刑初|刑终|行初|行终|执|破|仲案|仲裁|ICP备|工商处|罚|处字|备)$"
)
_LEFT = 20


def doc_numbers(text: str) -> Iterator[tuple[str, int]]:
    """Every document number in normal form ``代字〔YYYY〕N号``, with where it stands, in order."""
    found = [m for pattern in (_YEAR_AND_NUMBER, _BARE) for m in pattern.finditer(text)]
    for match in sorted(found, key=lambda one: one.start()):
        at = match.start()
        head = _HEAD.search(text[max(at - _LEFT, 0) : at])
        agency = _agency(head.group(1)) if head else None
        if agency and not _NOT_OURS.search(agency):
            start = text.rfind(agency, max(at - _LEFT, 0), at)
            yield f"{agency}〔{match.group(1)}〕{int(match.group(2))}号", start


def normal_number(text: str) -> str | None:
    """The first document number of a short text, in normal form."""
    return next((number for number, _ in doc_numbers(text)), None)


def registry_number(text: str) -> str | None:
    """A normative document's registry number (HFGS-2022-7), if one is named."""
    match = _REGISTRY.search(text)
    return (match.group(1) or match.group(2)).replace("—", "-") if match else None


def _agency(head: str) -> str | None:
    """The 代字 without the words that run into it from the left."""
    cut = _BEGINS.sub("", _RUN_IN.sub("", head)) or head
    return cut if 2 <= len(cut) <= 14 else None  # noqa: PLR2004
