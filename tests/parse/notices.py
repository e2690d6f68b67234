"""Notices, as words, that article pages of tests are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a page is made from, and what must be read in it."""

    title: str
    posted: str
    clock: str
    source: str | None
    lines: tuple[str, ...]
    site: str = "临溪区人民政府"
    column: str = "通知公告"
    files: tuple[tuple[str, str], ...] = ()
    url: str = "http://www.linxi.example/zwgk/tzgg/content_1.html"


NOTICES = (
    Notice(
        title="关于组织开展2025年度技术改造项目申报工作的通知",
        posted="2025-08-13",
        clock="09:37",
        source="区经济和信息化局",
        lines=(
            "各镇人民政府、街道办事处，各有关企业：",
            "为推动制造业企业加快设备更新，现就组织申报年度技术改造项目的有关事项通知如下。",
            "一、申报范围。在本区登记纳税、项目已经备案的工业企业，均可按照本通知的要求申报。",
            "二、申报时间。请于2025年9月30日前将材料一式两份报送至区经济和信息化局投资科，逾期不予受理。",
            "三、联系方式。联系科室为投资科，地址在政务中心六楼，工作时间接受咨询。",
            "临溪区经济和信息化局",
            "2025年8月12日",
        ),
    ),
    Notice(
        title="临溪开发区举行第三季度重点项目集中开工仪式",
        posted="2024-07-05",
        clock="16:20",
        source="临溪日报",
        lines=(
            "七月五日上午，临溪开发区举行第三季度重点项目集中开工仪式，共有十二个项目同时开工建设。",
            "这些项目涵盖装备制造、新型材料和现代物流等领域，总投资四十八亿元，全部建成后可新增年产值九十亿元。",
            "开发区负责人在仪式上表示，将继续优化营商环境，为企业提供从签约到投产的全程服务，让项目早开工、早见效。",
        ),
    ),
    Notice(
        title="临溪区市场监督管理局关于暂停窗口业务的公告",
        posted="2023-12-29",
        clock="17:05",
        source="区市场监管局",
        lines=("因系统升级，本局政务大厅窗口自十二月三十日起暂停办理登记业务两天，请相互转告。",),
    ),
)
