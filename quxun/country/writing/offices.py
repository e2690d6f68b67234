"""Names of offices and firms: who issues, under which letters, who invests."""

from __future__ import annotations

from quxun.country.model import Division, Level
from quxun.country.places import Atlas
from quxun.country.words import BUREAUS, FIRM_ENDS, FIRM_HEADS, FIRM_TAILS

GOVERNMENT = -1
OFFICE = -2


def unit_of(region: Division) -> str:
    """The word for the whole: 全省, 全市, 全区, 全县."""
    return {Level.PROVINCE: "省", Level.ZONE: "区"}.get(region.level, region.name[-1])


def issuer_of(region: Division, bureau: int) -> str:
    """The name of an office of a division."""
    if bureau == GOVERNMENT:
        return region.government
    if bureau == OFFICE:
        return f"{region.government}办公室"
    name = BUREAUS[bureau][0]
    if region.level is Level.PROVINCE:
        name = f"{name[:-1]}厅" if name.endswith("局") else name
    return f"{region.name}{name}"


def sign_of(region: Division, bureau: int, atlas: Atlas, series: str) -> str:
    """机关代字: the letters before the year. Divisions that share a name put their city first."""
    stem = (
        f"{atlas.city_of(region.code).short}{region.stem[0]}"
        if region.stem in atlas.twins
        else region.stem
    )
    if bureau == GOVERNMENT:
        return f"{stem}{'管' if region.level is Level.ZONE else '府'}{series}"
    if bureau == OFFICE:
        return f"{stem}{'管办' if region.level is Level.ZONE else '府办'}{series}"
    return f"{stem}{BUREAUS[bureau][1]}{series}"


def firm_name(index: int, tail: int, end: int) -> str:
    """An invented firm."""
    head, kind, legal = FIRM_HEADS[index], FIRM_TAILS[tail], FIRM_ENDS[end]
    if legal == "科技有限公司" and kind.endswith(("科技", "技术")):
        legal = "有限公司"
    return f"{head}{kind}{legal}"
