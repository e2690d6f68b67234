"""Industries that a filter may ask for, each with the words that tell it.

A notice is of an industry when one of its words stands in it, by the rule of ``q`` (so ``AI`` is
not found in ``mail``). The words are chosen such that a notice which holds one concerns the
industry; what any development plan lists in passing (产业, 制造业) is left out. The slugs are part
of wishes and addresses of feeds: they stay. Words may be added, which is not retroactive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from aggregator.terms import Term, terms
from aggregator.text import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Industry:
    """One industry: its names, and its words as ``q`` takes them."""

    zh: str
    en: str
    words: tuple[str, ...]


def _industry(zh: str, en: str, words: str) -> Industry:
    return Industry(zh=zh, en=en, words=tuple(dict.fromkeys((zh, *words.split()))))


#: By slug, in the order in which they are offered (docs/filters.md lists them).
INDUSTRIES: dict[str, Industry] = {
    "new-energy": _industry(
        "新能源", "new energy",
        "光伏 风电 储能 氢能 锂电 太阳能 动力电池 抽水蓄能 生物质能 充电桩 核电",
    ),
    "auto": _industry(
        "汽车", "automotive",
        "新能源汽车 智能网联汽车 电动汽车 汽车零部件 整车制造 车联网 自动驾驶 换电",
    ),
    "ic": _industry("集成电路", "integrated circuits", "半导体 芯片 晶圆 封测 光刻 EDA"),
    "electronics": _industry(
        "电子信息", "electronics", "新型显示 智能终端 消费电子 电子元器件 印制电路 光电子 超高清视频"
    ),
    "ai": _industry("人工智能", "artificial intelligence", "AI AIGC 大模型 机器学习 智能体"),
    "robotics": _industry("机器人", "robotics", "具身智能"),
    "low-altitude": _industry(
        "低空经济", "low-altitude economy", "低空飞行 低空空域 无人机 eVTOL 通用航空 通航产业"
    ),
    "aerospace": _industry("航空航天", "aerospace", "商业航天 卫星 北斗 大飞机 火箭 航空发动机"),
    "biomedicine": _industry(
        "生物医药", "biomedicine",
        "医疗器械 创新药 生物制造 生物技术 细胞治疗 中医药 中药材 疫苗 医药产业 生命健康",
    ),
    "new-materials": _industry(
        "新材料", "new materials", "碳纤维 石墨烯 复合材料 稀土 高分子材料 先进陶瓷 玻璃纤维 钛合金"
    ),
    "equipment": _industry(
        "高端装备", "advanced equipment", "装备制造 智能制造 工业母机 数控机床 工业互联网 海工装备"
    ),
    "digital": _industry(
        "数字经济", "digital economy",
        "大数据 云计算 数据中心 算力 数据要素 区块链 软件产业 信息技术服务 元宇宙",
    ),
    "future": _industry("未来产业", "future industries", "量子 脑机接口 6G 可控核聚变 未来网络"),
    "green": _industry(
        "节能环保", "green industries", "绿色低碳 循环经济 碳达峰 碳中和 再生资源 零碳 节能降碳 固废"
    ),
    "chemicals": _industry("化工", "chemicals", "石化 精细化工 化工园区 煤化工"),
    "agriculture": _industry(
        "现代农业", "modern agriculture", "农产品 农业产业化 高标准农田 种业 预制菜 设施农业 冷链保鲜"
    ),
    "food": _industry("食品", "food and drink", "食品加工 预制菜 白酒 饮料 粮油"),
    "textiles": _industry("纺织服装", "textiles", "纺织 服装 鞋服 印染 家纺"),
    "logistics": _industry(
        "现代物流", "logistics", "物流园 仓储物流 冷链物流 供应链 多式联运 跨境电商 保税物流"
    ),
    "finance": _industry("金融", "finance", "产业基金 科技金融 融资租赁 创业投资 股权投资"),
    "tourism": _industry("文化旅游", "culture and tourism", "文旅 旅游 康养 文化创意 数字创意 民宿"),
}  # fmt: skip


def industry_slug(value: str) -> str | None:
    """The slug that a slug or a name in either language means."""
    word = fold(value)
    for slug, one in INDUSTRIES.items():
        if word in {slug, fold(one.zh), fold(one.en)}:
            return slug
    return None


@lru_cache(maxsize=1024)
def industry_terms(slugs: tuple[str, ...]) -> tuple[Term, ...]:
    """What a text must hold one of to be of one of the industries; a slug of a later version
    that is not known here has none.
    """
    return terms(tuple(_words(slugs)))


def _words(slugs: Iterable[str]) -> Iterable[str]:
    for slug in slugs:
        if slug in INDUSTRIES:
            yield from INDUSTRIES[slug].words
