"""Which portals the country has: a dozen of different makes, dealt to divisions in turn."""

from __future__ import annotations

from dataclasses import dataclass

from quxun.country.dice import dice, maybe
from quxun.country.families import FAMILIES
from quxun.country.model import (
    Authority,
    Column,
    Division,
    Habits,
    Level,
    Nature,
    Portal,
    Size,
)
from quxun.country.places import Atlas

Mix = tuple[tuple[Nature, int], ...]
N = Nature
POLICIES: Mix = ((N.POLICY, 7), (N.STATUS, 1), (N.INTERPRETATION, 2))
CALLS: Mix = (
    (N.APPLICATION, 8), (N.NOTICE, 3), (N.DRAFT, 2), (N.TENDER, 1), (N.RECRUITMENT, 1),
    (N.PENALTY, 1), (N.BUDGET, 1),
)  # fmt: skip
VENTURES: Mix = ((N.PROJECT, 7), (N.AGGREGATE, 2), (N.PROMO, 3), (N.PARK, 2), (N.LAND, 1))
MIXED: Mix = (
    (N.POLICY, 4), (N.APPLICATION, 5), (N.INTERPRETATION, 1), (N.NOTICE, 2), (N.PROJECT, 3),
    (N.LAND, 1), (N.GUIDE, 1), (N.RECRUITMENT, 1), (N.ROUTINE, 1), (N.PERSONNEL, 1), (N.TENDER, 1),
)  # fmt: skip
ESTATE: Mix = ((N.LAND, 5), (N.PARK, 3), (N.GUIDE, 1))
NEWS: Mix = ((N.PROJECT, 6), (N.AGGREGATE, 2), (N.PROMO, 4), (N.ROUTINE, 3), (N.INTERPRETATION, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A column to be: slug, name, family, mix, settings."""

    slug: str
    name: str
    family: str
    mix: Mix
    settings: tuple[tuple[str, str], ...] = ()
    per_page: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blueprint:
    """A portal to be."""

    level: Level
    habits: Habits
    columns: tuple[_Plan, ...]
    authority: Authority = Authority.OFFICIAL
    name: str = "{name}人民政府门户网站"


def _plan(
    slug: str, name: str, family: str, mix: Mix, per_page: int = 20, **settings: str
) -> _Plan:
    return _Plan(
        slug=slug, name=name, family=family, mix=mix, per_page=per_page,
        settings=tuple(settings.items()),
    )  # fmt: skip


_GB = Habits(charset="gb18030", label="gb2312", content_type="{mime}", etag="", server="Apache")
_BLUEPRINTS = (
    _Blueprint(
        level=Level.COUNTY,
        habits=Habits(gzip=True),
        columns=(
            _plan("zcwj", "政策文件", "trs", POLICIES),
            _plan("tzgg", "通知公告", "trs", CALLS),
            _plan("zsyz", "招商引资", "trs", VENTURES, 15),
        ),
    ),
    _Blueprint(
        level=Level.CITY,
        habits=Habits(etag="", server="openresty", gzip=True),
        columns=(
            _plan("qtwj", "政策文件", "guangdong", POLICIES, row="li", date="%Y-%m-%d"),
            _plan("gggs", "公告公示", "guangdong", CALLS),
            _plan("xmjs", "重大项目", "gkmlpt", VENTURES),
        ),
    ),
    _Blueprint(
        level=Level.COUNTY,
        habits=Habits(etag="", last_modified=False, content_type="{mime}"),
        columns=(
            _plan("gfxwj", "规范性文件", "jcms", POLICIES, 15, row="li", date="%Y-%m-%d"),
            _plan("tzgg", "公示公告", "jcms", CALLS, 15, row="tr", date="[%Y-%m-%d]"),
        ),
    ),
    _Blueprint(
        level=Level.COUNTY,
        habits=_GB,
        columns=(
            _plan("zcfg", "政策法规", "jcms", MIXED, 15, record="escaped", date="%Y-%m-%d"),
            _plan("zsxx", "招商信息", "jcms", VENTURES, 15, record="array", row="before"),
        ),
    ),
    _Blueprint(
        level=Level.CITY,
        habits=Habits(etag="weak", last_modified=False, server="Tengine"),
        columns=(
            _plan("zcwj", "行政规范性文件", "jpaas", POLICIES, 15),
            _plan("sbtz", "申报通知", "jpaas", CALLS, 15),
        ),
    ),
    _Blueprint(
        level=Level.COUNTY,
        habits=Habits(charset="gb18030", label="gb2312", content_type="{mime}", server="Apache"),
        columns=(
            _plan("zcwj", "政策文件", "boda", POLICIES, 15, row="li", date="%Y-%m-%d", control="1"),
            _plan("xmxx", "项目信息", "boda", VENTURES, 20, row="before", date="%Y/%m/%d"),
        ),
    ),
    _Blueprint(
        level=Level.COUNTY,
        habits=Habits(last_modified=False, gzip=True),
        columns=(
            _plan("zcwj", "政府文件", "shtml", POLICIES),
            _plan("tzgg", "通知公告", "search", CALLS),
        ),
    ),
    _Blueprint(
        level=Level.COUNTY,
        habits=Habits(content_type="{mime}; charset=ISO-8859-1", etag="", server="Apache-Coyote/1.1"),
        columns=(
            _plan("gwgb", "公文公报", "trs", POLICIES, 15, row="bare", date="(%m-%d)"),
            _plan("qyfw", "企业服务", "trs", CALLS, 15, row="two"),
        ),
    ),
    _Blueprint(
        level=Level.PROVINCE,
        habits=Habits(etag="weak"),
        name="{name}惠企政策服务网",
        columns=(
            _plan("zxzc", "最新政策", "rss", POLICIES, 20, feed="cdata", mime="text/xml"),
            _plan("sbtz", "项目申报", "guangdong", CALLS),
        ),
    ),
    _Blueprint(
        level=Level.ZONE,
        habits=Habits(charset="gb18030", label="gbk", content_type="", etag="strong",
                      last_modified=False, server="Microsoft-IIS/7.5"),
        name="{name}管理委员会",
        columns=(
            _plan("zcxx", "园区政策", "phpcms", MIXED, 15, tag="园区"),
            _plan("cfzs", "厂房招商", "phpcms", ESTATE, 15, row="tr", date="%Y-%m-%d"),
        ),
    ),
    _Blueprint(
        level=Level.CITY,
        habits=Habits(last_modified=False),
        authority=Authority.MEDIA,
        name="{stem}融媒",
        columns=(
            _plan("yw", "要闻", "rss", NEWS, 20, feed="rfc822"),
            _plan("xm", "项目建设", "atom", NEWS),
        ),
    ),
    _Blueprint(
        level=Level.PROVINCE,
        habits=Habits(label="", etag="", server="cloudflare"),
        authority=Authority.COMMERCIAL,
        name="{stem}招商云网",
        columns=(
            _plan("zhaoshang", "招商项目", "commercial", VENTURES, 20, row="li", date="%Y-%m-%d"),
            _plan("zhengce", "优惠政策", "commercial", POLICIES, 20, row="inside", date="%m-%d"),
        ),
    ),
)  # fmt: skip


def make_portals(size: Size, atlas: Atlas, seed: int, base: str) -> tuple[Portal, ...]:
    """The portals of a country; ``base`` is the first three numbers of their addresses."""
    if size.columns:
        return _cheap_portals(size, atlas, base)
    by_level = {
        Level.PROVINCE: [atlas.province],
        Level.CITY: atlas.cities,
        Level.COUNTY: atlas.counties,
        Level.ZONE: atlas.zones,
    }
    taken = dict.fromkeys(((level, a) for level in Level for a in Authority), 0)
    portals: list[Portal] = []
    first_key = 0
    for index in range(size.portals):
        blueprint = _BLUEPRINTS[index % len(_BLUEPRINTS)]
        turn = (blueprint.level, blueprint.authority)
        divisions = by_level[blueprint.level]
        division = divisions[taken[turn] % len(divisions)]
        lap = taken[turn] // len(divisions)
        taken[turn] += 1
        portal = _portal(
            blueprint, division=division, index=index, host=f"{base}{index + 1}",
            first_key=first_key, lap=lap, seed=seed,
        )  # fmt: skip
        first_key += len(portal.columns)
        portals.append(portal)
    return tuple(portals)


def _portal(
    blueprint: _Blueprint, *, division: Division, index: int, host: str, first_key: int, lap: int,
    seed: int,
) -> Portal:  # fmt: skip
    name = blueprint.name.format(name=division.name, stem=division.stem)
    columns = tuple(
        make_column(plan, host, first_key + order, division, blueprint.authority)
        for order, plan in enumerate(blueprint.columns)
    )
    return Portal(
        index=index,
        host=host,
        name=f"{name}{lap + 1 if lap else ''}（演示）",
        domain=f"www.yanshi{index + 1:02d}.example.invalid",
        site_code=f"{division.code[-6:] if division.level is not Level.ZONE else division.code[1:7]}"
        f"{index + 1:04d}",
        authority=blueprint.authority,
        region_code=division.code,
        habits=blueprint.habits,
        look_seed=f"{seed}-{index}",
        columns=columns,
    )


def make_column(
    plan: _Plan, host: str, key: int, division: Division, authority: Authority
) -> Column:
    """A column of a portal."""
    number = 100_721 + 37 * key
    family = FAMILIES[plan.family]
    return Column(
        key=key,
        host=host,
        path=family.column_path(plan.slug, number, 0),
        name=plan.name,
        slug=plan.slug,
        number=number,
        family=plan.family,
        kind=family.kind,
        authority=authority,
        region_code=division.code,
        natures=plan.mix,
        per_page=plan.per_page,
        settings=plan.settings,
    )


_CHEAP_LISTS = ("trs", "guangdong", "boda", "shtml", "phpcms")
_CHEAP_HABITS = (
    Habits(),
    Habits(etag="weak"),
    Habits(charset="gb18030", label="gb2312", content_type="{mime}"),
    Habits(last_modified=False),
    Habits(etag=""),
    Habits(gzip=True),
    Habits(),
)


def _cheap_portals(size: Size, atlas: Atlas, base: str) -> tuple[Portal, ...]:
    """Columns dealt over hosts for measuring: feeds, and list pages where asked for."""
    rng = dice("cheap", size.columns)
    dealt: list[list[Column]] = [[] for _ in range(size.hosts)]
    for key in range(size.columns):
        index = key % size.hosts
        division = atlas.counties[index % len(atlas.counties)]
        if maybe(rng, size.html_share):
            plan = _plan(f"c{key}", "通知公告", rng.choice(_CHEAP_LISTS), MIXED)
        else:
            shape = rng.choice(("rfc822", "gmt", "plain", "cdata"))
            plan = _plan(
                f"f{key}", "政策公告", rng.choice(("rss", "rss", "atom")), MIXED, 25, feed=shape
            )
        dealt[index].append(
            make_column(plan, f"{base}{index + 1}", key, division, Authority.OFFICIAL)
        )
    return tuple(
        Portal(
            index=index,
            host=f"{base}{index + 1}",
            name=f"{atlas.by_code[columns[0].region_code].name}信息公开{index + 1}（演示）",
            domain=f"www.yanshi{index + 1:03d}.example.invalid",
            site_code=f"{columns[0].region_code}{index + 1:04d}",
            authority=Authority.OFFICIAL,
            region_code=columns[0].region_code,
            habits=_CHEAP_HABITS[index % len(_CHEAP_HABITS)],
            look_seed=f"cheap-{index % 40}",
            columns=tuple(columns),
        )
        for index, columns in enumerate(dealt)
        if columns
    )
