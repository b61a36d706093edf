"""The game: candidates write, the discriminator judges, what is surely better is kept; one round after the other.

After MALLM-GAN (Ling et al. 2024, arXiv 2406.10521). What is judged, by whom and on which rows is changed so that a score says
something: boosted trees, cross-fitted over all rows, against train rows that the prompts do not show, copies counted against
it; candidates of a round write after the same examples, and are compared by a paired bootstrap.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from localsynth.align.counting import Counter
from localsynth.core.contracts import Ask, Round, SampleRequest, Sampling
from localsynth.core.grammar import max_length
from localsynth.core.seeds import derive

from .entries import Entry, mixed, record, worth
from .folds import Fold
from .gaps import Gaps, lifts
from .judge import Judged, compared
from .moves import Proposal, searched
from .optimiser import Tried, optimiser_request, read_proposal
from .params import MALLMGANParams
from .setting import Setting, Spent
from .theta import Theta
from .trying import compare, judge, write

__all__ = ["SCORE", "Game"]

_IDLE = 2  # rounds without a change after which the game is over
_BEST = 3  # thetas the optimiser is shown
#: What a score says.
SCORE = "told from real rows"


@dataclass
class Game:
    """Its state; ``dump`` and ``load`` go round.

    theta : the best so far. start : the first. number : of the last step, the first of which only judges where the game begins.
    played : rounds with candidates. over : nothing is left to play.
    worth : what the game was worth, once it is over: score of the first and of the last theta, rows written anew, and their
    difference with an interval of 95 %.
    """

    theta: Theta
    start: Theta
    number: int = 0
    idle: int = 0
    over: bool = False
    gaps: Gaps | None = None
    telling: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    lifts: Mapping[str, Sequence[float]] | None = None
    tried: list[Tried] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    worth: dict[str, float] | None = None
    ended: str = ""
    spent: Spent = field(default_factory=Spent)
    played: int = 0
    _rounds: tuple[Round, ...] = ()

    @property
    def rounds(self) -> tuple[Round, ...]:
        """What the last :meth:`play` tried."""
        return self._rounds

    def play(self, setting: Setting, ask: Ask) -> None:
        """One round; the last one judges what the game was worth. Raises what the engine raises."""
        began = time.monotonic() if setting.params.max_minutes else 0.0
        if self.ended:
            self._verdict(setting, ask)
        else:
            self._round(setting, ask)
        if setting.params.max_minutes:  # else a run's state would differ from time to time
            self.spent.seconds += time.monotonic() - began
        if not self.ended:
            self.ended = self._end(setting)

    def _end(self, setting: Setting) -> str:
        """Why no round follows; empty while one does."""
        params = setting.params
        if beyond := self.spent.beyond(params, setting.each):
            return beyond
        if self.idle >= _IDLE:
            return f"{self.idle} rounds in a row changed nothing"
        # The first round only judges where the game begins.
        return f"all {params.rounds} rounds" if self.number > params.rounds else ""

    # --- a round ------------------------------------------------------------------------------------------------------

    def _round(self, setting: Setting, ask: Ask) -> None:
        self.number += 1
        self.played += self.number > 1
        seed = derive(setting.seed, "round", self.number)
        fold, other = setting.folds[self.number % 2], setting.folds[1 - self.number % 2]
        first = self.number == 1
        entries = [Entry(Proposal(self.theta, "start" if first else "kept", "as it is"))]
        if not first:
            entries += map(Entry, self._proposals(setting, ask, seed))
        write(setting, entries, fold, self.lifts, seed, ask, self.spent)
        judge(setting, entries, fold, seed, ask)
        # What the next round's candidates are told of is the half they are shown, not the one that will judge them.
        compare(setting, entries, other, seed)
        chosen = self._choose(setting.params, entries, seed)
        self._take(entries, chosen, other, setting, seed)
        self._rounds = tuple(
            record(self.number, place, entry, accepted=entry is chosen)
            for place, entry in enumerate(entries, 1)
        )
        self._tell(entries, chosen, ask)

    def _proposals(self, setting: Setting, ask: Ask, seed: int) -> list[Proposal]:
        """Those of the model and those of the search; an answer that is no theta is left out, and said."""
        assert self.gaps is not None
        params, theta = setting.params, self.theta
        requests = self._questions(setting, ask, seed)
        found: list[Proposal] = []
        for sample in self.spent.sampled("optimiser", requests, ask):
            try:
                proposal = read_proposal(sample.texts[0], theta, self.gaps, setting.supports)
            except ValueError as error:
                ask.notice(f"a proposal of the model was refused: {error}")
                continue
            if proposal.theta not in [theta, *(one.theta for one in found)]:
                found.append(proposal)
        known = [one.theta for one in found]
        target = setting.schema.target
        more = searched(
            theta, self.gaps, setting.supports, target, params.searched, known, align=params.align
        )
        return [*found, *more]

    def _questions(self, setting: Setting, ask: Ask, seed: int) -> list[SampleRequest]:
        """To the optimiser, shortened until they fit its context; none where they do not."""
        assert self.gaps is not None
        for tried, worst in ((3, 10), (1, 10), (0, 10)):
            requests = [
                optimiser_request(
                    self.theta,
                    self.tried[:tried],
                    replace(self.gaps, worst=self.gaps.worst[:worst]),
                    self.telling,
                    self.broken,
                    setting.strengths,
                    Sampling(temperature=setting.params.optimiser_temperature),
                    derive(seed, "optimiser", number),
                    setting.schema.description if tried else "",
                )
                for number in range(setting.params.proposals)
            ]
            # An answer takes fewer tokens than bytes; half as many are enough for words and names.
            if all(
                ask.prompt_tokens(one) + max_length(one.grammar) // 2 <= ask.info.context
                for one in requests
                if one.grammar is not None
            ):
                return requests
        ask.notice("the model proposes nothing: the question does not fit its context", "warning")
        return []

    def _choose(self, params: MALLMGANParams, entries: Sequence[Entry], seed: int) -> Entry:
        """The candidate of the lowest loss, if it is surely better than what there is; of many one is better by chance."""
        kept = entries[0]
        rivals = [(entry, entry.verdict) for entry in entries[1:] if entry.verdict is not None]
        if not rivals:
            return kept
        best, verdict = min(rivals, key=lambda one: one[1].loss)
        if kept.verdict is None:  # too few of its rows keep the rules
            return best
        told = compared(kept.verdict, verdict, seed=derive(seed, "compare"))
        sure = 1 - (1 - params.sure) / len(rivals)
        return best if told.better >= sure else kept

    def _take(self, entries: Sequence[Entry], chosen: Entry, fold: Fold, setting: Setting, seed: int) -> None:
        self.idle = 0 if chosen is not entries[0] or self.number == 1 else self.idle + 1
        self.theta = chosen.proposal.theta
        if chosen.gaps is not None:
            self.gaps = chosen.gaps
        self.broken = chosen.rules
        told = entries[0].verdict
        if told is not None and told.telling:
            self.telling = tuple(name for name, much in told.telling if much > 0)[:3]
        if chosen.drawn is not None and chosen.drawn.num_rows:
            # Rows as drawn: those that were brought to their shares lack nothing that examples could bring.
            real, made = fold.counter, Counter.of(setting.schema, setting.base, chosen.drawn)
            self.lifts = lifts(*mixed(real, made, seed)) if setting.params.shuffled else lifts(real, made)
        best = {one.theta: one.score for one in self.tried}
        # The latest score of each: of several, the lowest would be the luckiest.
        best |= {one.proposal.theta: one.verdict.loss for one in entries if one.verdict is not None}
        ranked = sorted(best.items(), key=lambda one: one[1])[:_BEST]
        self.tried = [Tried(theta, score) for theta, score in ranked]
        if chosen.verdict is not None:
            self.curve.append({"round": self.number, **_told(chosen.verdict), **_moved(chosen.proposal)})

    def _tell(self, entries: Sequence[Entry], chosen: Entry, ask: Ask) -> None:
        kept, verdict = entries[0].verdict, chosen.verdict
        if verdict is None:
            ask.notice(f"round {self.number}: too few rows could be judged", "warning")
            return
        between = (verdict.low, verdict.high)
        ask.measured("score", self.number, verdict.score, between, per="round", unit=SCORE)
        ask.measured("near copies", self.number, verdict.excess, per="round", unit=SCORE)
        if self.number == 1 or kept is None:
            told = f"round {self.number}: told from real rows by {_interval(verdict)}"
            ask.notice(f"{told}, where 0 is not at all and 1 always")
            return
        who = {"model": "the model", "search": "the search"}.get(chosen.proposal.author, "")
        what = (
            f"{_interval(verdict)} after {who} proposed: {chosen.proposal.move}"
            if who
            else "nothing better was found"
        )
        ask.notice(f"round {self.number}: {_interval(kept)}; {what} ({len(entries) - 1} candidates)")

    def _verdict(self, setting: Setting, ask: Ask) -> None:
        """The first theta against the last, rows written anew, shown and judged both ways round."""
        self.number += 1
        self.over = True
        self._rounds = ()
        if self.theta == self.start:
            ask.notice(f"the game is over ({self.ended}): nothing was changed")
            return
        if self.spent.beyond(setting.params, 4 * setting.prompts):
            ask.notice(f"the game is over ({self.ended}); what it was worth is not judged")
            return
        entries: list[tuple[Entry, Entry]] = []
        for turn, fold in enumerate(setting.folds):
            seed = derive(setting.seed, "worth", turn)
            first = Entry(Proposal(self.start, "start", "the first theta again, rows written anew"))
            last = Entry(Proposal(self.theta, "kept", "the last theta, rows written anew"))
            write(setting, [first, last], fold, self.lifts, seed, ask, self.spent)
            judge(setting, [first, last], fold, seed, ask, honest=True)
            compare(setting, [first, last], fold, seed)
            entries.append((first, last))
        self._rounds = tuple(
            record(self.number, 2 * turn + place, entry, accepted=place == 2)
            for turn, pair in enumerate(entries)
            for place, entry in enumerate(pair, 1)
        )
        self.worth = worth(entries, setting.seed)
        if self.worth is None:
            ask.notice("what the game was worth could not be judged: too few rows", "warning")
            return
        told = self.worth
        ask.notice(
            f"the game is over ({self.ended}): with rows written anew the first theta scores {told['first']:.2f}, the last"
            f" {told['last']:.2f}; difference {told['difference']:+.2f} [{told['low']:+.2f}, {told['high']:+.2f}]"
        )

    # --- state --------------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "names": list(self.theta.graph.names),
            "theta": self.theta.dump(),
            "start": self.start.dump(),
            "number": self.number,
            "idle": self.idle,
            "over": self.over,
            "gaps": None if self.gaps is None else self.gaps.dump(),
            "telling": list(self.telling),
            "broken": list(self.broken),
            "lifts": None if self.lifts is None else dict(self.lifts),
            "tried": [{"theta": one.theta.dump(), "score": one.score} for one in self.tried],
            "curve": self.curve,
            "worth": self.worth,
            "ended": self.ended,
            "spent": dict(self.spent.__dict__),
            "played": self.played,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Game:
        """What ``dump`` gave. Raises ``KeyError``, ``TypeError``, ``ValueError`` for anything else."""
        names = data["names"]
        return cls(
            Theta.load(names, data["theta"]),
            Theta.load(names, data["start"]),
            int(data["number"]),
            int(data["idle"]),
            bool(data["over"]),
            None if data["gaps"] is None else Gaps.load(data["gaps"]),
            tuple(data["telling"]),
            tuple(data["broken"]),
            data["lifts"],
            [Tried(Theta.load(names, one["theta"]), float(one["score"])) for one in data["tried"]],
            list(data["curve"]),
            data["worth"],
            str(data["ended"]),
            Spent(**data["spent"]),
            int(data["played"]),
        )


def _told(verdict: Judged) -> dict[str, float]:
    return {"score": verdict.score, "low": verdict.low, "high": verdict.high, "novelty": verdict.excess}


def _moved(proposal: Proposal) -> dict[str, str]:
    return {"move": proposal.move, "author": proposal.author}


def _interval(verdict: Judged) -> str:
    near = f", {verdict.excess:.0%} near copies too many" if verdict.excess >= 0.005 else ""
    return f"{verdict.score:.2f} [{verdict.low:.2f}, {verdict.high:.2f}]{near}"
