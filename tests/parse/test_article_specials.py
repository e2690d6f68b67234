"""Articles whose text is a table, a file, a picture or elsewhere, and headers that are fields."""

import pytest

from aggregator.text import squeeze
from tests.parse.articlepages import FOOT, NAV, NOTICES, RELATED, page, ps
from tests.parse.articleshells import NOTICE, URL, article, read


def test_a_notice_that_is_only_files_has_them_by_name_address_and_kind():
    """Policy text is often only in an attachment: it must be offered, and nothing else read."""
    got = read(
        article(
            "关于公布惠企政策清单的通知",
            "<div class='nr'><p>附件：1.<a href='./P020250813001.pdf'>惠企政策清单</a></p>"
            "<p>2.<a href='/upload/a.wps'>申报表（样表）.wps</a></p></div>" + RELATED,
        )
    )

    assert got.body_text == "附件：1.惠企政策清单\n2.申报表（样表）.wps"
    assert [(one.name, one.url, one.media_type) for one in got.attachments] == [
        ("惠企政策清单", "http://www.linxi.example/zwgk/tzgg/P020250813001.pdf", "application/pdf"),
        (
            "申报表（样表）.wps",
            "http://www.linxi.example/upload/a.wps",
            "application/vnd.ms-works",
        ),
    ]


def test_downloads_without_an_ending_are_known_by_their_names():
    """Boda hands files out by number: the name that is shown tells what they are."""
    got = read(
        article(
            NOTICE.title,
            f"<div class='v_news_content'>{ps(NOTICE)}</div><ul><li>附件【<a href='/system/_content/download.jsp?"
            "urltype=news.DownloadAttachUrl&amp;owner=1&amp;wbfileid=77'>申报书.docx</a>】已下载<span>3</span>次</li></ul>",
        )
    )

    assert [(one.name, one.media_type.rpartition(".")[2]) for one in got.attachments] == [
        ("申报书.docx", "document")
    ]
    assert got.attachments[0].url.endswith(
        "download.jsp?urltype=news.DownloadAttachUrl&owner=1&wbfileid=77"
    )


def test_a_download_by_script_has_the_page_as_its_address():
    """Readers must learn that there is a file, even where only a click tells its address."""
    got = read(
        article(
            "关于公布项目名单的通知",
            "<div class='nr'><p><a href='javascript:;' onclick='load(7)'>附件1.项目名单.xlsx</a></p>"
            "<p><a href='javascript:;' onclick='load(8)'>附件2.汇总表.pdf</a></p></div>",
        )
    )

    assert [(one.name, one.url) for one in got.attachments] == [
        ("附件1.项目名单.xlsx", URL),
        ("附件2.汇总表.pdf", URL),
    ]


def test_a_notice_may_be_one_link():
    """点击下载 and nothing else: that is its text, and the file is named."""
    got = read(
        article(
            "2025年度项目申报表",
            "<div class='nr'><p><a href='/opt/file?id=12'>点击下载</a></p></div>"
            "<p>上一篇：<a href='1'>关于召开座谈会的通知</a></p>",
        )
    )

    assert got.body_text == "点击下载"
    assert [(one.name, one.url) for one in got.attachments] == [
        ("点击下载", "http://www.linxi.example/opt/file?id=12")
    ]


def test_a_file_shown_in_a_frame_is_an_attachment():
    """Some pages are a viewer of a PDF and no text at all."""
    got = read(
        article(
            "临溪区产业发展规划图册",
            "<iframe src='/pdfjs/web/viewer.html?file=/upload/guihua.pdf' width='100%'></iframe>"
            "<embed src='guihua2.pdf' type='application/pdf'>",
        )
    )

    assert [one.url for one in got.attachments] == [
        "http://www.linxi.example/upload/guihua.pdf",
        "http://www.linxi.example/zwgk/tzgg/guihua2.pdf",
    ]
    assert got.body_text == ""


def test_a_notice_that_is_only_a_table_is_its_rows():
    """Lists of names and projects have no sentence in them; a menu is not read instead."""
    rows = "".join(
        f"<tr><td>{i}</td><td>临溪第{i}机械厂</td><td>设备更新</td><td>{i}0万元</td></tr>"
        for i in range(1, 9)
    )
    got = read(
        article(
            "2025年度技术改造项目名单",
            f"<div class='nr'><table><tr><td>序号</td><td>企业</td><td>项目</td><td>金额</td></tr>{rows}</table></div>{RELATED}",
        )
    )

    lines = got.body_text.split("\n")
    assert len(lines) == 9
    assert lines[0] == "序号 企业 项目 金额"
    assert lines[-1] == "8 临溪第8机械厂 设备更新 80万元"


def test_a_table_behind_a_sentence_belongs_to_the_text():
    """The heaviest paragraph is not the whole notice."""
    rows = "".join(f"<tr><td>{i}</td><td>企业甲{i}</td></tr>" for i in range(1, 40))
    got = read(
        article(
            "关于拟扶持企业的公示",
            "<div class='nr'><div><p>经企业申报、镇街审核、专家评审，现将拟扶持的企业名单予以公示，公示期五个工作日。</p></div>"
            f"<div><table>{rows}</table></div><div><p>临溪区经济和信息化局</p><p>2025年8月12日</p></div></div>{RELATED}",
        )
    )

    lines = got.body_text.split("\n")
    assert lines[0].startswith("经企业申报")
    assert "39 企业甲39" in lines
    assert lines[-1] == "2025年8月12日"


def test_a_notice_that_is_only_a_picture_has_no_text():
    """Better nothing than the menu of the site."""
    got = read(
        article(
            "一图读懂临溪区技术改造政策",
            "<div class='nr'><p align='center'><img src='1.jpg' alt=''></p></div>"
            "<p>上一篇：<a href='1'>政策解读材料之一</a></p><p>下一篇：<a href='2'>政策解读材料之二</a></p>",
        )
    )

    assert got.title == "一图读懂临溪区技术改造政策"
    assert got.body_text == ""
    assert (got.date_text, got.source_text) == ("2025-08-13 09:37", "区经信局")


def test_a_padded_header_table_is_fields_and_not_text():
    """索　引　号 and its like are what a document says of itself."""
    header = (
        "<table class='xxgk'><tr><td>索　引　号：</td><td>LX000/2025-00031</td><td>主题分类：</td><td>工业、交通</td></tr>"
        "<tr><td>发 文 机 关：</td><td>临溪区人民政府办公室</td><td>成文日期：</td><td>2025年08月01日</td></tr>"
        "<tr><td>标　　　题：</td><td colspan='3'>临溪区技术改造项目管理办法</td></tr>"
        "<tr><td>发文字号：</td><td>临府办发〔2025〕31号</td><td>发布日期：</td><td>2025年08月05日</td></tr>"
        "<tr><td>有 效 性：</td><td>有效</td><td>统一编号：</td><td>LXGS-2025-3</td></tr></table>"
    )
    got = read(
        page(
            "<title>政策文件</title>",
            f"{NAV}<div class='art'>{header}<h1>临溪区技术改造项目管理办法</h1><div id='zoom'>{ps(NOTICE)}</div></div>{FOOT}",
        )
    )

    assert got.fields == {
        "索引号": "LX000/2025-00031",
        "主题分类": "工业、交通",
        "发文机关": "临溪区人民政府办公室",
        "成文日期": "2025年08月01日",
        "标题": "临溪区技术改造项目管理办法",
        "文号": "临府办发〔2025〕31号",
        "发布日期": "2025年08月05日",
        "有效性": "有效",
        "统一编号": "LXGS-2025-3",
    }
    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))
    assert (got.title, got.date_text) == ("临溪区技术改造项目管理办法", "2025年08月05日")


def test_a_document_keeps_its_head_and_signature():
    """文号 above the title and office with day below the text are of the document."""
    got = read(
        article(
            "临溪区人民政府办公室关于印发技术改造项目管理办法的通知",
            "<div class='TRS_Editor'><p>临府办发〔2025〕31号</p>"
            "<p>临溪区人民政府办公室</p><p>关于印发技术改造项目管理办法的通知</p>"
            "<p>各镇人民政府、街道办事处，区政府各部门：</p>"
            "<p>《临溪区技术改造项目管理办法》已经区政府同意，现印发给你们，请认真贯彻执行。</p>"
            "<p>临溪区人民政府办公室</p><p>2025年8月1日</p></div>",
        )
    )

    lines = got.body_text.split("\n")
    assert lines[0] == "临府办发〔2025〕31号"
    assert lines[-2:] == ["临溪区人民政府办公室", "2025年8月1日"]


def test_links_that_a_text_lists_stay_and_those_of_the_page_go():
    """A notice may point at files and pages; news of the same column is no part of it."""
    got = read(
        article(
            NOTICE.title,
            f"<div class='nr'>{ps(NOTICE)}<p>附件：<a href='a.doc'>1.申报书</a></p><p><a href='b.xls'>2.汇总表</a></p></div>"
            "<div class='more'><h3>最新文章</h3><ul><li><a href='1'>全区招商引资推进会召开</a><span>08-12</span></li>"
            "<li><a href='2'>区长调研工业企业</a><span>08-11</span></li><li><a href='3'>我区举行项目开工仪式</a><span>08-10</span></li></ul></div>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines) + "附件：1.申报书2.汇总表")
    assert [one.name for one in got.attachments] == ["1.申报书", "2.汇总表"]


@pytest.mark.parametrize("holder", ["one", "two"])
def test_a_body_printed_twice_is_one_container_or_the_fuller_one(holder):
    """Screens, phones and printers get a copy each; readers want one."""
    copies = (
        f"<div class='pc'>{ps(NOTICE)}</div><div class='phone'>{ps(NOTICE)}</div>"
        if holder == "two"
        else f"<div class='pc'>{ps(NOTICE)}</div><div class='print' style='display:none'>{ps(NOTICE)}</div>"
    )
    got = read(article(NOTICE.title, f"<div class='nr'>{copies}</div>"))

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_english_pages_are_read_alike():
    """Districts publish in English, too."""
    got = read(
        page(
            "<title>New energy project breaks ground in Linxi | Linxi District</title>",
            "<ul class='nav'><li><a href='/'>Home</a></li><li><a href='/n'>News</a></li></ul>"
            "<div class='main'><h1>New energy project breaks ground in Linxi</h1><div class='info'>Updated: 2025-08-13 09:37 "
            "Source: Linxi Daily</div><div class='txt'><p>A new energy project with a total investment of 1.2 billion yuan broke ground in Linxi on Tuesday, officials said.</p>"
            "<p>It is expected to create 800 jobs and to reach full capacity in 2027, according to the development zone.</p></div></div>"
            "<div class='footer'>Copyright Linxi District. All rights reserved.</div>",
        )
    )

    assert got.title == "New energy project breaks ground in Linxi"
    assert (got.date_text, got.source_text) == ("2025-08-13 09:37", "Linxi Daily")
    assert got.body_text.count("\n") == 1


def test_a_text_kept_in_a_form_field_is_still_a_text():
    """Old systems write the article into a textarea and let a script show it."""
    got = read(
        article(
            NOTICE.title,
            "<div id='show'></div><textarea id='content' style='display:none'>"
            + ps(NOTICE).replace("<", "&lt;").replace(">", "&gt;")
            + "</textarea><script>show.innerHTML=content.value</script>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_what_follows_an_article_in_its_own_container_is_cut():
    """Careless templates put recommended news into the text's own container."""
    after = "<p>上一篇：区长调研工业企业</p><p>据了解，临溪港上半年完成吞吐量四十万标箱，同比增长两成。</p>"
    got = read(article(NOTICE.title, f"<div class='TRS_Editor'>{ps(NOTICE)}{after}</div>"))

    assert squeeze(got.body_text) == squeeze("".join(NOTICE.lines))


def test_a_talkative_sidebar_is_not_the_article():
    """What is named a sidebar does not outweigh the text, unless it holds most of the page."""
    short = NOTICES[1]
    deep = "".join(f"<div><div><div><p>{line}</p></div></div></div>" for line in short.lines)
    talk = "".join(
        f"<p>{line}办理流程如下，请携带材料到大厅窗口咨询。</p>" for line in "甲乙丙丁戊"
    )
    got = read(
        page(
            f"<title>{short.title}</title>",
            f"<div class='w'><div class='sidebar'><div>{talk}</div></div><div class='con'><h1>{short.title}</h1>"
            f"<div>{deep}</div></div></div>",
        )
    )

    assert squeeze(got.body_text) == squeeze("".join(short.lines))


#: A footer that says more than a notice of one line.
LOUD = (
    "<div class='dy'><p>主办：临溪区人民政府办公室 承办：临溪区大数据中心</p><p>地址：临溪大道一号，邮编：100000</p>"
    "<p>电话：010-00000000，传真：010-00000001（只受理网站建设维护相关事宜，业务咨询请拨打各单位电话）</p></div>"
)


@pytest.mark.parametrize(
    ("body", "text", "file"),
    [
        ("<div>点击下载：<a href='javascript:;'>设备更新补助审批表</a></div>", "点击下载：设备更新补助审批表", URL),
        ("<p><a href='b.pdf'>2025年度设备更新补助审批表.pdf</a></p>", "2025年度设备更新补助审批表.pdf", "b.pdf"),
        (
            "<div class='nr-bottom'><div class='TRS_Editor'><p><a oldsrc='W0.pdf' href='javascript:;'>设备更新补助审批表</a></p></div></div>",
            "设备更新补助审批表",
            "W0.pdf",
        ),
        (
            "<p>设备更新补助审批表</p><p>点击下载附件：</p><p><a href='/d?i=1'>设备更新补助审批表</a></p>" + RELATED,
            "设备更新补助审批表 点击下载附件： 设备更新补助审批表",
            None,
        ),
    ],
)  # fmt: skip
def test_a_notice_of_one_line_is_not_drowned_by_the_footer(body, text, file):
    """A page that only hands over a file says less than its own footer, and is still read."""
    shown = f"<h1>设备更新补助审批表</h1><div>时间：2025-08-13 09:37</div>{body}{LOUD}"

    got = read(page("<title>设备更新补助审批表</title>", f"{NAV}<div>{shown}</div>"))

    assert got.body_text == text.replace(" ", "\n")
    assert [one.url.rsplit("/", 1)[-1] for one in got.attachments] == (
        [file.rsplit("/", 1)[-1]] if file else []
    )
