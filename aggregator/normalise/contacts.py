"""Whom to call and where to go: an office's telephone, mailbox and address, never a person's.

Mobile numbers, mailboxes named after one and names of persons are not read (DOMAIN.md §10, §16).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aggregator.model import Fact
from aggregator.normalise.sentences import Reading

_LINE = r"(?:\(0\d{2,3}\)[ \t]?|0\d{2,3}[- ]?)?[2-9]\d{6,7}(?!\d)(?:(?:转|-)\d{1,5})?"
_HOTLINE = r"400-?\d{3}-?\d{4}|800-?\d{3}-?\d{4}|(?<!\d)12\d{3}(?!\d)"
_LABELLED = re.compile(
    rf"(?:电话|热线|传真|座机|拨打|致电)[^:\d\n()]{{0,8}}[: \t]{{0,3}}(?:{_LINE}|{_HOTLINE})"
    rf"(?:[ \t]?(?:[、,，/;或及]|或者|或拨打)?[ \t]?(?:热线)?(?:{_LINE}|{_HOTLINE}))*"
)
_ONE = re.compile(rf"(?<![\d-])(?:{_LINE}|{_HOTLINE})")
_MAIL = re.compile(
    r"(?<![\w.@])([A-Za-z0-9][\w.-]{1,40}@[A-Za-z0-9-]{1,40}(?:\.[A-Za-z]{2,8}){1,3})", re.ASCII
)
_MOBILE = re.compile(r"1[3-9]\d{9}")
_PLACE = re.compile(r"地[址点]:[ \t]?([\u4e00-\u9fff][^,，。;；\n\t: ]{5,40})")
#: Where something is held or made is no address to write to.
_NO_ADDRESS = re.compile(
    r"(?:会议|培训|活动|建设|项目|举办|考试|开标|户籍|家庭|住所|实施|经营|注册|下载|网站|网页|登录|报名网|系统)$"
)
#: What an address is made of.
_IS_PLACE = re.compile(r"[路街道巷号楼室镇乡村区县市院厦园]|中心|广场")


def read_contacts(reading: Reading) -> Iterator[Fact]:
    """Telephones, mailboxes and addresses, each once; ``unit`` says which it is."""
    seen: set[str] = set()
    for unit, start, end in _places(reading.plain):
        value = reading.text[start:end].strip()
        if value and value not in seen:
            seen.add(value)
            yield Fact(value=value, unit=unit, sentence=reading.evidence(start, end))


def _places(plain: str) -> Iterator[tuple[str, int, int]]:
    for line in _LABELLED.finditer(plain):
        for number in _ONE.finditer(plain, line.start(), line.end()):
            yield "phone", number.start(), number.end()
    for mail in _MAIL.finditer(plain) if "@" in plain else ():
        if not _MOBILE.search(mail[1]):
            yield "email", mail.start(1), mail.end(1)
    for place in _PLACE.finditer(plain):
        before = plain[max(place.start() - 4, 0) : place.start()]
        if not _NO_ADDRESS.search(before) and _IS_PLACE.search(place[1]) and "http" not in place[1]:
            yield "address", place.start(1), place.end(1)
