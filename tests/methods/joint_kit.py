"""A model that is a table: it knows the joint distribution of all cells, and writes from left to right under any grammar."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import inf, log

import numpy as np

from localsynth.core.contracts import Likelihood, Sample, SampleRequest, ScoreRequest
from localsynth.core.grammar import Fixed
from localsynth.core.grammar import Sequence as Parts
from localsynth.engine.regex import to_regex
from tests.methods.support import FakeAsk

Cells = tuple[str, ...]


class JointAsk(FakeAsk):
    """joint : probability of each row, cells as they are written; they need no quotes. start : what lines begin after."""

    def __init__(self, joint: Mapping[Cells, float], start: str = "\n") -> None:
        super().__init__()
        self.joint, self._start = dict(joint), start

    def _lines(self, request: SampleRequest | ScoreRequest) -> tuple[str, list[Cells]]:
        """What is written already, and the rows that the grammar allows to follow."""
        assert request.grammar is not None
        head = request.prefix.removeprefix(self._start)
        pattern = re.compile(to_regex(request.grammar))
        rows = [row for row in self.joint if ",".join(row).startswith(head)]
        return head, [row for row in rows if pattern.fullmatch((",".join(row) + "\n")[len(head) :])]

    def _steps(self, row: Cells, allowed: Sequence[Cells], given: int) -> tuple[float, ...]:
        """log-probability of each cell after those given, among what is allowed there."""
        found = []
        for at in range(given, len(row)):
            open_ = {one[at] for one in allowed if one[:at] == row[:at]}
            mass = {cell: self._mass((*row[:at], cell)) for cell in open_}
            p = mass.get(row[at], 0.0)
            found.append(log(p / sum(mass.values())) if p else -inf)
        return tuple(found)

    def _mass(self, begin: Cells) -> float:
        return sum(p for row, p in self.joint.items() if row[: len(begin)] == begin)

    def _values(self, request: SampleRequest | ScoreRequest, steps: tuple[float, ...]) -> tuple[float, ...]:
        parts = request.grammar.parts if isinstance(request.grammar, Parts) else ()
        whole = sum(not isinstance(part, Fixed) for part in parts) == len(steps)
        return steps if whole else (sum(steps),)

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]:
        self.asked.append((purpose, tuple(requests)))
        result = []
        for request in requests:
            head, allowed = self._lines(request)
            given = head.count(",")
            steps = {row: self._steps(row, allowed, given) for row in allowed}
            shares = np.exp([sum(steps[row]) for row in allowed])
            rng = np.random.default_rng(request.seed)
            rows = [allowed[at] for at in rng.choice(len(allowed), request.n, p=shares / shares.sum())]
            values = {row: self._values(request, one) for row, one in steps.items()}
            result.append(
                Sample(
                    tuple((",".join(row) + "\n")[len(head) :] for row in rows),
                    tuple(values[row] for row in rows) if request.likelihood else None,
                )
            )
        return result

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]:
        self.scored.append((purpose, tuple(requests)))
        result = []
        for request in requests:
            head, allowed = self._lines(request)
            known: dict[str, tuple[float, ...]] = {}
            for text in set(request.texts):
                row = tuple((head + text).removesuffix("\n").split(","))
                steps = self._steps(row, allowed, head.count(",")) if row in allowed else (-inf,)
                known[text] = self._values(request, steps)
            values = [known[text] for text in request.texts]
            result.append(Likelihood(tuple(values), (1,) * len(values)))
        return result
