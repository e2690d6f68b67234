"""Words around the names of places: what makes a place of a name, and what a word of it."""

from __future__ import annotations

import re

#: Provinces and cities by one character: only where the word before or after says so
#: (援赣, 来渝, 在邕发布, 津台合作).
CHARACTERS = {
    "京": "110000", "津": "120000", "冀": "130000", "晋": "140000", "辽": "210000", "吉": "220000",
    "黑": "230000", "沪": "310000", "苏": "320000", "浙": "330000", "皖": "340000", "闽": "350000",
    "赣": "360000", "鲁": "370000", "豫": "410000", "鄂": "420000", "湘": "430000", "粤": "440000",
    "桂": "450000", "琼": "460000", "渝": "500000", "川": "510000", "蜀": "510000", "黔": "520000",
    "滇": "530000", "陕": "610000", "陇": "620000", "邕": "450100", "蓉": "510100", "穗": "440100",
    "甬": "330200",
}  # fmt: skip
_ANY = "".join(CHARACTERS)
CHARACTER = re.compile(
    "(?:(?<=[援赴来驻抵访入])|(?<=走进)|(?<=落户)|(?<=落地)|(?<=投资)|(?<=布局)|(?<=落子))(["
    + _ANY
    + r"])(?![\u4e00-\u9fff]?[州江河山县区市]|[东升级花石剧菜])"
    # 在沪举行, 在邕发布: an event is told to take place there.
    + "|(?<=在)([" + _ANY.replace("黑", "").replace("吉", "") + "])"
    + "(?=举|召|开|签|启|发|成|揭|落|召|投|建|设|考|招|调|会|闭|亮|集|正|顺|圆|隆|圆|挂|上|试|竣|奠|,|，|$)"
    + "|(?<![\u4e00-\u9fff])([" + _ANY + "])(?=[港澳台](?!州|江|山|北|湾|儿|式|阶|账|灯|风|商务))"
)  # fmt: skip
#: 渝府发, 沪府规, 苏政办发: a document's 代字 begins with its province's character.
ISSUING = re.compile(
    r"^([京津冀晋辽沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川黔陕])(?=[府政委办经发财科工人建商])"
)
#: 杭州 numbers its land sales by the first character of the unit that sells (余政储出).
LAND_NUMBER = re.compile(r"([\u4e00-\u9fff])政储出")
LAND_CITY = "330100"
#: What makes a street, a firm or a dish of a place's short name before it.
THINGS = (
    "大道", "镇", "乡", "村", "站", "桥", "大桥", "隧道", "水库", "中学", "小学", "大学", "学院", "师范",
    "理工", "科技大学", "农业大学", "工业大学", "财经大学", "交通大学", "医科", "医学院", "银行", "证券", "信托",
    "日报", "晚报", "时报", "卫视", "籍", "话", "菜", "机场", "国际机场", "啤酒", "白药", "茅台", "现代汽车", "大众汽车",
    "精神", "战役", "起义", "舰", "大厦", "广场", "酒店", "饭店", "宾馆", "花园", "同志", "同学", "先生", "女士", "老师",
    "风景区", "景区", "方言", "任职", "等同志", "职务",
)  # fmt: skip
STREET = re.compile(
    r"[东南西北中]?[一二三]?路(?!线|演|径|桥)|街(?!舞|区|镇|办|头)|[东南西北]街|[东南西北]站"
)
#: 永定河, 钱塘江流域: a river or lake; 江津河长制 and 上海江苏 are places still.
WATER = re.compile(
    r"[河湖](?!长|道|北|南|州|源|池|口|滨|街|西|东)|江(?=流域|水|大桥|段|两岸|沿线|航道|特大桥|治理|防洪|堤|干流|畔|边|滩|隧道|综合|$|[,，、。])"
)
#: An economic zone behind a name says that the name is a place (大方经济开发区).
ZONE = re.compile(
    r"(?:市|县|区)?(?:国家级|省级)?(?:经济技术开发区|经济开发区|经开区|高新技术产业开发区|高新区|综合保税区|综保区)"
)
#: What only a division has: 新建区人民政府 is of 新建区.
OFFICE = re.compile(r"人民政府|政府|[区县]委|人大常委|政协|法院|检察院")
#: 县域, 市场 are words: 更新和县域商业 holds no 新和县, and 江津市场 no 江津市 that was.
AREA = re.compile(r"[县区市](?:域|级|际|属|直|间|别)|市(?:场|民(?!政)|容|值|政(?!府|协))|县[城乡]")
#: 城区供水 is said of any town: no unit of that name is meant, nor in 主城区.
GENERIC = re.compile(
    r"(?:内|各|部分|范围|面积|主|道|路|河|供|公交|停车|交通|照明|环境|绿化|管网|积水|内涝|更新|改造|规划|出租|禁|限|中小学|学校|"
    r"学生|幼儿|义务|建成|建设|户外|市容|噪|居民|老旧|段|排水|污水|防汛|人口|品质|功能)"
)
GENERAL = re.compile(r"(?:[主老各全旧入进出]|中心|城市|县|市)$")
#: 济南市中区 is 市中区 of 济南.
CITY_PARTS = ("中区", "南区", "北区")
#: Where a whole name of two characters (和县, 文县) can begin: else it is a piece (发文县).
BEGINS = re.compile(r"(?:^|[^\u4e00-\u9fff\w]|[到赴在与驻援]|走进|落户|支援|帮扶|支持|关于|同意)$")
#: 秘书长胡文成, 关于张建德: a surname behind an office or at the beginning names a person.
PERSON = re.compile(
    r"(?:^|[^\u4e00-\u9fff]|[长记任席员于命去授师])"
    r"[陈王李张刘杨赵黄吴徐孙胡朱郭宋谢韩冯董萧曹袁邓许傅沈彭吕蒋蔡贾魏薛阎潘杜戴谭廖邹熊郝崔邱侯邵孟钱尹贺赖龚]$"
)
WATERS = "河江湖溪沟山岭"
ABROAD = frozenset({"710000", "810000", "820000"})
#: 我区, 全县, 本市: what the source calls itself.
HERE = re.compile(r"[我全本]([省市县区州旗])(?!别|域|分|道|政协委|场|长)")
#: Longer names than these hold no piece of another word.
SHORT = 2
SEPARATORS = re.compile(r"[\s·\-—>/|]*")
