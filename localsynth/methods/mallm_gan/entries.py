"""Candidates of a round with what came of them, their record, and what a game was worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from localsynth.align.counting import Counter
from localsynth.core.contracts import Round
from localsynth.core.finding import percent
from localsynth.core.seeds import derive

from .gaps import Gaps
from .judge import Judged, compared
from .moves import Proposal

__all__ = ["Entry", "mixed", "record", "worth"]


@dataclass
class Entry:
    """A candidate. drawn, table : its rows as the model wrote them, and as they are judged. verdict : ``None`` where too few
    could be judged. broken : rule -> share of the rows as drawn that break it; none where no rule is broken.
    """

    proposal: Proposal
    drawn: pa.Table | None = None
    table: pa.Table | None = None
    verdict: Judged | None = None
    gaps: Gaps | None = None
    broken: Mapping[str, float] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[str, ...]:
        """Broken rules in words, the most broken first."""
        most = sorted(self.broken.items(), key=lambda one: (-one[1], one[0]))
        return tuple(f"the rule '{rule}' is broken by {percent(share)} of yours" for rule, share in most)


def record(number: int, place: int, entry: Entry, *, accepted: bool) -> Round:
    """What is kept of it. number : of the round."""
    verdict, proposal = entry.verdict, entry.proposal
    worst = sorted(entry.broken.items(), key=lambda one: (-one[1], one[0]))
    gaps = [gap.dump() for gap in entry.gaps.worst] if entry.gaps is not None else []
    gaps += [
        {"rule": rule, "made": share, "words": words}
        for (rule, share), words in zip(worst, entry.rules, strict=True)
    ]
    return Round(
        number,
        place,
        proposal.author,
        proposal.move,
        accepted,
        score=None if verdict is None else verdict.score,
        low=None if verdict is None else verdict.low,
        high=None if verdict is None else verdict.high,
        novelty=None if verdict is None else verdict.excess,
        theta=proposal.theta.dump(),
        gaps=tuple(gaps),
    )


def mixed(real: Counter, made: Counter, seed: int) -> tuple[Counter, Counter]:
    """Both with their rows shuffled together: what differs between them then says nothing (a control)."""
    codes = np.concatenate([real.codes, made.codes])
    order = np.random.default_rng(derive(seed, "mixed")).permutation(len(codes))
    return (
        replace(real, codes=codes[order[: real.rows]], table=None),
        replace(made, codes=codes[order[real.rows :]], table=None),
    )


def worth(pairs: Sequence[tuple[Entry, Entry]], seed: int) -> dict[str, float] | None:
    """Score of the first and of the last theta, the mean over pairs of judgements, and the difference of their losses with an
    interval of 95 % (the halves are judged apart, so that their errors add up as independent ones do). ``None`` without any.
    """
    known = [(one.verdict, two.verdict) for one, two in pairs if one.verdict and two.verdict]
    if not known:
        return None
    told = [compared(one, two, seed=derive(seed, "worth", at)) for at, (one, two) in enumerate(known)]
    difference = float(np.mean([one.difference for one in told]))
    below = float(np.sqrt(np.sum([(one.difference - one.low) ** 2 for one in told]))) / len(told)
    above = float(np.sqrt(np.sum([(one.high - one.difference) ** 2 for one in told]))) / len(told)
    return {
        "first": float(np.mean([one.score for one, _ in known])),
        "last": float(np.mean([two.score for _, two in known])),
        "difference": difference,
        "low": difference - below,
        "high": difference + above,
    }
