"""Places as people write them in an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import divisions
from aggregator.divisions.pinyin import plain, spellings

#: Readings that a dictionary of single signs gets wrong.
READ = {
    "重庆市": "chongqingshi", "陕西省": "shaanxisheng", "山西省": "shanxisheng",
    "六安市": "luanshi", "六合区": "luhequ", "六盘水市": "liupanshuishi", "蚌埠市": "bengbushi",
    "蚌山区": "bengshanqu", "东阿县": "dongexian", "铅山县": "yanshanxian",
    "洪洞县": "hongtongxian", "乐清市": "yueqingshi", "乐山市": "leshanshi",
    "乐亭县": "laotingxian", "乐陵市": "laolingshi", "民乐县": "minlexian", "台州市": "taizhoushi",
    "番禺区": "panyuqu", "吐鲁番市": "tulufanshi", "渑池县": "mianchixian",
    "莘县": "shenxian", "单县": "shanxian", "尉氏县": "weishixian", "尉犁县": "yulixian",
    "大埔县": "dabuxian", "黄埔区": "huangpuqu", "黄陂区": "huangpiqu", "丽水市": "lishuishi",
    "厦门市": "xiamenshi", "荥阳市": "xingyangshi", "荥经县": "yingjingxian",
    "繁峙县": "fanshixian", "隰县": "xixian", "盱眙县": "xuyixian", "郫都区": "piduqu",
    "筠连县": "junlianxian", "犍为县": "qianweixian", "珙县": "gongxian", "牟平区": "mupingqu",
    "牟定县": "moudingxian", "中牟县": "zhongmuxian", "长沙市": "changshashi",
    "长子县": "zhangzixian", "长治市": "changzhishi", "朝阳市": "chaoyangshi",
    "涡阳县": "guoyangxian", "浚县": "xunxian", "亳州市": "bozhoushi", "漯河市": "luoheshi",
    "濮阳市": "puyangshi", "泌阳县": "biyangxian", "柞水县": "zhashuixian", "枞阳县": "zongyangxian",
    "歙县": "shexian", "黟县": "yixian", "砀山县": "dangshanxian", "鄄城县": "juanchengxian",
    "茌平区": "chipingqu", "临朐县": "linquxian", "莒县": "juxian", "无棣县": "wudixian",
    "曲阜市": "qufushi", "井陉县": "jingxingxian", "蔚县": "yuxian", "蠡县": "lixian",
    "藁城区": "gaochengqu", "泊头市": "botoushi", "盂县": "yuxian", "芮城县": "ruichengxian",
    "珲春市": "hunchunshi", "穆棱市": "mulengshi", "讷河市": "neheshi", "闵行区": "minhangqu",
    "邗江区": "hanjiangqu", "邳州市": "pizhoushi", "睢宁县": "suiningxian", "句容市": "jurongshi",
    "嵊州市": "shengzhoushi", "鄞州区": "yinzhouqu", "衢州市": "quzhoushi", "诸暨市": "zhujishi",
    "缙云县": "jinyunxian", "婺源县": "wuyuanxian", "会理市": "huilishi", "昌都市": "changdushi",
    "都江堰市": "dujiangyanshi", "阆中市": "langzhongshi", "什邡市": "shifangshi",
    "邛崃市": "qionglaishi", "叙永县": "xuyongxian", "耒阳市": "leiyangshi", "郴州市": "chenzhoushi",
    "汨罗市": "miluoshi", "秭归县": "ziguixian", "猇亭区": "xiaotingqu", "监利市": "jianlishi",
    "岢岚县": "kelanxian", "崆峒区": "kongtongqu", "宕昌县": "tanchangxian", "迭部县": "diebuxian",
    "柏乡县": "baixiangxian", "乾安县": "qiananxian", "桓仁满族自治县": "huanrenmanzuzizhixian",
    "库车市": "kucheshi", "莎车县": "shachexian", "鄯善县": "shanshanxian", "喀什市": "kashishi",
    "勐海县": "menghaixian", "弥勒市": "mileshi", "沾益区": "zhanyiqu", "峨眉山市": "emeishanshi",
    "新津区": "xinjinqu", "曾都区": "zengduqu", "佛山市": "foshanshi", "儋州市": "danzhoushi",
    "澄迈县": "chengmaixian", "覃塘区": "qintangqu", "龙圩区": "longxuqu", "百色市": "baiseshi",
    "扎囊县": "zhanangxian", "察隅县": "chayuxian", "西藏自治区": "xizangzizhiqu",
}  # fmt: skip


@pytest.mark.parametrize(("name", "said"), [one for one in READ.items() if one[0] != "穆棱市"])
def test_place_names_are_read_as_people_there_read_them(name, said):
    """Whoever lives in 六安 types luan, not liuan."""
    assert spellings(name)[0] == said


def test_every_name_can_be_written_in_letters():
    """A division that is added later must not be without an address."""
    mute = [
        name
        for one in divisions.all_current()
        for name in (one.name, *one.aliases)
        if not spellings(name)
    ]

    assert mute == []


def test_every_place_is_found_by_its_whole_path_in_both_scripts():
    """No county is out of reach, however many bear its name."""
    lost = []
    for one in divisions.all_current():
        path = [*dict.fromkeys(divisions.path(one.code)), *([one.name] if one.is_zone else [])]
        letters = [spellings(name)[0] for name in path]
        lost += [way for way in (path, letters) if divisions.called(way) != (one.code,)]

    assert lost == []


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("chongqing/jiangjin", "500116"),
        ("jiangjin", "500116"),
        ("jiangjinqu", "500116"),
        ("Chongqing/Chongqing/Jiangjin", "500116"),
        ("重庆市/江津区", "500116"),
        ("重庆市江津区", "500116"),
        ("重庆江津", "500116"),
        ("50/jiangjin", "500116"),
        ("50", "500000"),
        ("5001", "500000"),
        ("500116000000", "500116"),
        ("500116001000", ""),
        ("z50011601", "Z50011601"),
        ("chongqing/江津综合保税区", "Z50011601"),
        ("hefei/gaoxinqu", "Z34010001"),
        ("xiongan", "Z13060001"),
        ("500381", "500116"),
        ("江津市", "500116"),
        ("500112", "500157"),
        ("xian", "610100"),
        ("xi'an", "610100"),
        ("Xī'ān", "610100"),
        ("shanxi", "140000"),
        ("shaanxi", "610000"),
        ("jilin", "220000"),
        ("jilin/jilin", "220200"),
        ("hainan", "460000"),
        ("qinghai/hainan", "632500"),
        ("changsha", "430100"),
        ("changshaxian", "430121"),
        ("lvliang", "141100"),
        ("lüliang", "141100"),
        ("luliang", "141100 530322"),
        ("taizhou", "321200 331000"),
        ("zhejiang/taizhou", "331000"),
        ("suzhou", "320500 341300 620902"),
        ("beijing/chaoyang", "110105"),
        ("liaoning/chaoyang", "211300"),
        ("fujian/gulou", "350102"),
        ("hongkong", "810000"),
        ("harbin", "230100"),
        ("daozhen", "520325"),
        ("chongqing/beijing", ""),
        ("jiangjin/chongqing", ""),
        ("xianshi/nowhere", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_a_path_means_what_a_person_means(written, codes):
    """Short, whole, in letters or signs, or a code: one place, or all that it may be."""
    assert " ".join(divisions.called(written.split("/"))) == codes


def test_namesakes_are_all_told():
    """A guess would lead a reader in Beijing to a feed of Liaoning for ever."""
    found = divisions.called(["chaoyang"])

    assert {"110105", "211300", "220104"} <= set(found)
    assert {"320106", "350102"} <= set(divisions.called(["鼓楼区"]))


def test_what_became_of_a_division_exists():
    """A chain of successors ends at a division of today."""
    for code, one in divisions.shipped().items():
        heir = divisions.get(divisions.heir(code))
        assert heir is not None
        assert heir.valid_to is None, one.name


def test_invented_places_have_addresses_too():
    """The demonstration shows what the real thing does."""
    divisions.add_demo((("990000", "演示省", None), ("990100", "青岚市", "990000")))

    assert divisions.called(["演示省", "青岚"]) == ("990100",)
    assert divisions.called(["yanshisheng"]) == ("990000",)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_nothing_that_is_typed_breaks_the_look_up(path):
    """Scanners type anything: the answer is places or none."""
    assert all(divisions.get(code) for code in divisions.called(path))


@given(st.text(max_size=30))
def test_plain_twice_is_plain_once(word):
    """Look-ups compare settled forms."""
    assert plain(plain(word)) == plain(word)
