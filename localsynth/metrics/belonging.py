"""Do members and what they belong to go together? Counts, and rules across both levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from localsynth.core.judging import Belonging, Case, Family, Measure, Score, StandIn, not_applicable

from .writing import counted, lacking, nothing

__all__ = ["Members"]

_OWN = "localsynth: counted over the rows of both runs"


class Members:
    """Shares of parents and members that break what is said across the two levels of nested rows. Everything is counted."""

    name: ClassVar[str] = "members"
    family: ClassVar[Family] = "validity"
    real: ClassVar[StandIn] = "holdout"
    needs_train: ClassVar[bool] = False
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "wrong_member_counts",
            "Wrong numbers of members",
            "Share of the rows with members (households) that have another number of them than they say.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "stray_members",
            "Members of nobody",
            "Share of members (persons) that belong to no row at all.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "member_rule_violations",
            "Broken rules across levels, by member",
            "Share of members that break a rule about a member and what it belongs to: each rule by itself, and any of them.",
            "lower", 0.0, 1.0, _OWN,
        ),
        Measure(
            "group_rule_violations",
            "Broken rules over all members",
            "Share of rows whose members, all together, break a rule (two adults in every couple): each rule by itself, and"
            " any of them.",
            "lower", 0.0, 1.0, _OWN,
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """One score for each count; for rules one for each, and for any."""
        case.check()
        found, reason = case.belonging, lacking(case)
        if found is None or reason is not None:
            yield from nothing(self.measures, reason or "these rows were not made as members of others")
            return
        yield _share("wrong_member_counts", found.wrong, found.parents, "rows with members")
        yield _share("stray_members", found.strays, found.members, "members")
        yield from _rules("member_rule_violations", found, of_groups=False)
        yield from _rules("group_rule_violations", found, of_groups=True)


def _share(measure: str, count: int, of: int, what: str, item: str | None = None) -> Score:
    if not of:
        return not_applicable(measure, f"there are no {what}", item=item)
    return Score(measure, count / of, item=item, note=f"{count:,} of {counted(of, what)}")


def _rules(measure: str, found: Belonging, *, of_groups: bool) -> Iterator[Score]:
    rules, any_ = (found.of_groups, found.any_group) if of_groups else (found.of_members, found.any_member)
    of, what = (found.parents, "rows with members") if of_groups else (found.members, "members")
    if not rules:
        yield not_applicable(measure, "the recipe has no such rules")
        return
    yield _share(measure, any_, of, what)
    for label, count in rules.items():
        yield _share(measure, count, of, what, label)
