"""A whole notice from its stub: head, body, facts, kind and categories."""

from __future__ import annotations

from collections.abc import Callable

from quxun.country.dice import dice
from quxun.country.model import Block, Edit, Kind, Nature, Notice, Stub
from quxun.country.places import Atlas
from quxun.country.words import INNOVATION_ASPECTS, TALENT_ASPECTS
from quxun.country.writing import civic, official, ventures
from quxun.country.writing.draft import Draft
from quxun.country.writing.heads import Head, head_of

_BODIES: dict[Nature, Callable[[Draft, Head], None]] = {
    Nature.POLICY: official.policy,
    Nature.APPLICATION: official.application,
    Nature.INTERPRETATION: official.interpretation,
    Nature.STATUS: official.status,
    Nature.PROJECT: ventures.project,
    Nature.AGGREGATE: ventures.aggregate,
    Nature.LAND: ventures.land,
    Nature.PARK: ventures.park,
    Nature.PROMO: ventures.promo,
    Nature.NOTICE: civic.notice,
    Nature.DRAFT: civic.consultation,
    Nature.GUIDE: civic.guide,
    Nature.TENDER: civic.tender,
    Nature.RECRUITMENT: civic.recruitment,
    Nature.PERSONNEL: civic.personnel,
    Nature.PENALTY: civic.penalty,
    Nature.BUDGET: civic.budget,
    Nature.ROUTINE: civic.routine,
}
_KINDS: dict[Nature, tuple[Kind, str]] = {
    Nature.POLICY: (Kind.POLICY, "policy"),
    Nature.APPLICATION: (Kind.POLICY, "application"),
    Nature.INTERPRETATION: (Kind.POLICY, "interpretation"),
    Nature.STATUS: (Kind.POLICY, "policy"),
    Nature.PROJECT: (Kind.PROJECT, "project"),
    Nature.AGGREGATE: (Kind.PROJECT, "project"),
    Nature.LAND: (Kind.PROJECT, "land"),
    Nature.PARK: (Kind.PROJECT, "park"),
    Nature.PROMO: (Kind.PROJECT, "promo"),
    Nature.NOTICE: (Kind.OTHER, "notice"),
    Nature.DRAFT: (Kind.OTHER, "notice"),
    Nature.GUIDE: (Kind.OTHER, "guide"),
    Nature.TENDER: (Kind.OTHER, "tender"),
}
_TOPICS = {
    Kind.POLICY: "工业、交通\\产业扶持",
    Kind.PROJECT: "国民经济管理\\重点项目",
    Kind.OTHER: "综合政务\\其他",
}


def write(stub: Stub, atlas: Atlas, head: Head | None = None) -> Notice:
    """Write a notice. Pure: the same stub and seed give the same words.

    ``head`` saves making it again.
    """
    head = head or head_of(stub, atlas)
    region = atlas.by_code[stub.region_code]
    draft = Draft(stub=stub, atlas=atlas, region=region, rng=dice(atlas.seed, "body", stub.id))
    _BODIES[stub.nature](draft, head)
    for turn in range(stub.edits.count(Edit.BODY)):
        draft.blocks.append(
            Block(
                style="note",
                text=f"更正说明（{turn + 1}）：原文个别表述有误，现予更正，以本页内容为准。",
            )
        )
    kind, category = _KINDS.get(stub.nature, (Kind.OTHER, "other"))
    extra = _extra_categories(stub.nature, head)
    serial = f"{stub.id % 100_000:05d}"
    return Notice(
        id=stub.id,
        nature=stub.nature,
        title=head.title,
        inner_title=head.inner or head.title,
        issuer=head.issuer,
        region_code=stub.region_code,
        region_codes=(stub.region_code,),
        kind=kind,
        categories=(category, *extra),
        ours=stub.nature in _KINDS and stub.nature is not Nature.TENDER,
        posted_at=stub.posted_at,
        signed_on=draft.signed_on,
        body=tuple(draft.blocks),
        facts=draft.facts(),
        doc_number=head.doc_number,
        registry_number=head.registry_number,
        index_number=f"{region.code[-6:]}000/{draft.signed_on.year}-{serial}",
        topic=_TOPICS[kind],
        attachments=tuple(draft.attachments),
        related=_related(stub, atlas),
        revision=len(stub.edits),
    )


def _extra_categories(nature: Nature, head: Head) -> tuple[str, ...]:
    if nature not in (Nature.POLICY, Nature.APPLICATION):
        return ()
    if head.aspect in TALENT_ASPECTS:
        return ("talent",)
    return ("innovation",) if head.aspect in INNOVATION_ASPECTS else ()


def _related(stub: Stub, atlas: Atlas) -> str | None:
    if stub.related is None:
        return None
    other = head_of(stub.related, atlas)
    return other.doc_number or other.title
