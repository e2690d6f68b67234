"""The map of the country: one province, its cities, counties and zones, every name invented.

Codes begin with 99, which GB/T 2260 does not use. The province is called 演示省 (demonstration
province), so a full path always says that nothing here exists.
"""

from __future__ import annotations

from quxun.country.model import Division, Level

_CITIES = (
    ("青溪", "青"),
    ("望澜", "望"),
    ("鹤汀", "鹤"),
    ("霁川", "霁"),
    ("碧洲", "碧"),
    ("枫泽", "枫"),
    ("砚湖", "砚"),
    ("临澍", "澍"),
)
_COUNTIES = (
    ("云岭", "区"),
    ("映湖", "区"),
    ("竹屿", "区"),
    ("听澜", "区"),
    ("麓桥", "区"),
    ("荻浦", "区"),
    ("柳堰", "区"),
    ("星澜", "区"),
    ("石翎", "县"),
    ("雁塘", "县"),
    ("霜林", "县"),
    ("禾渡", "县"),
    ("朗峪", "县"),
    ("鹭洲", "区"),
    ("松壑", "县"),
    ("泊云", "市"),
    ("翠屿", "区"),
    ("锦麓", "区"),
    ("梧汀", "县"),
    ("澄岫", "区"),
    ("槐荫堰", "区"),
    ("杏川", "县"),
    ("棠溪坞", "县"),
    ("砺峰", "市"),
    ("映湖", "区"),
    ("苇航", "区"),
    ("蓼汀", "县"),
    ("椿屏", "区"),
    ("芷岸", "区"),
    ("榆照", "县"),
    ("霞屿", "市"),
    ("漱石", "区"),
)
"""Dealt to the cities four at a time. 映湖区 stands twice, as 鼓楼区 does four times in life."""
_ZONES = (("经济技术开发区", "经开"), ("高新技术产业开发区", "高新"), ("综合保税区", "综保"))

TOWNS = (
    "石桥镇", "白鹭镇", "青禾镇", "望湖街道", "东篱街道", "新塘镇", "槐安街道", "龙溪乡", "花铺镇",
    "柳汀街道", "长岗镇", "清泉乡", "渡口镇", "云峰街道", "三棵树镇", "双井街道",
)  # fmt: skip
PARKS = (
    "智造产业园", "云谷科创园", "滨河工业园", "绿谷生物医药园", "东部新材料产业园", "数字经济产业园",
    "临港物流园", "循环经济产业园", "轻工食品园", "装备制造产业园", "光电信息产业园", "农产品加工园",
)  # fmt: skip


class Atlas:
    """The divisions of the country, by code."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        province = Division(
            code="990000", name="演示省", parent="", level=Level.PROVINCE, stem="演示", short="演"
        )
        self.province = province
        self.cities: list[Division] = []
        self.counties: list[Division] = []
        self.zones: list[Division] = []
        for number, (stem, short) in enumerate(_CITIES, 1):
            code = f"99{number:02d}00"
            city = Division(
                code=code,
                name=f"{stem}市",
                parent=province.code,
                level=Level.CITY,
                stem=stem,
                short=short,
            )
            self.cities.append(city)
            for place, (name, suffix) in enumerate(_COUNTIES[number * 4 - 4 : number * 4]):
                base = {"区": 2, "县": 22, "市": 81}[suffix]
                self.counties.append(
                    Division(
                        code=f"99{number:02d}{base + place:02d}",
                        name=f"{name}{suffix}",
                        parent=code,
                        level=Level.COUNTY,
                        stem=name,
                        short=name[0],
                    )
                )
            host = self.counties[-4]
            ending, brief = _ZONES[number % len(_ZONES)]
            self.zones.append(
                Division(
                    code=f"Z{host.code}01",
                    name=f"{stem}{ending}",
                    parent=host.code,
                    level=Level.ZONE,
                    stem=f"{stem}{brief}区",
                    short=f"{short}{brief}",
                )
            )
        self.all = (province, *self.cities, *self.counties, *self.zones)
        stems = [county.stem for county in self.counties]
        self.twins = frozenset(stem for stem in stems if stems.count(stem) > 1)
        self.by_code = {division.code: division for division in self.all}

    def path(self, code: str) -> tuple[str, ...]:
        """Names from the province down to the division."""
        names: list[str] = []
        while code:
            division = self.by_code[code]
            names.append(division.name)
            code = division.parent
        return tuple(reversed(names))

    def city_of(self, code: str) -> Division:
        """The city a division lies in; the first city for the province itself."""
        division = self.by_code[code]
        while division.level not in (Level.CITY, Level.PROVINCE):
            division = self.by_code[division.parent]
        return division if division.level is Level.CITY else self.cities[0]

    def rows(self) -> tuple[tuple[str, str, str, str], ...]:
        """(code, name, parent, level) of every division, parents first."""
        return tuple((d.code, d.name, d.parent, d.level.value) for d in self.all)
