"""Page families: how portals of each make lay out their lists and articles."""

from __future__ import annotations

from quxun.country.families.base import Ask, Family, Page, Shown, View
from quxun.country.families.boda import Boda
from quxun.country.families.commercial import Commercial, Phpcms
from quxun.country.families.feeds import Atom, Rss
from quxun.country.families.guangdong import Gkmlpt, Guangdong
from quxun.country.families.jcms import Jcms
from quxun.country.families.jpaas import Jpaas
from quxun.country.families.shtml import Search, Shtml
from quxun.country.families.trs import Trs

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Trs(), Guangdong(), Gkmlpt(), Jcms(), Jpaas(), Boda(), Shtml(), Search(), Phpcms(),
        Commercial(), Rss(), Atom(),
    )
}  # fmt: skip

__all__ = ["FAMILIES", "Ask", "Family", "Page", "Shown", "View"]
