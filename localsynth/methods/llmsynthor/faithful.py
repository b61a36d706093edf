"""The paper's mode: a loop that only adds rows, steered by the values that are too rare so far.

Source: LLMSynthor (arXiv 2505.14752): algorithm 1, appendices A and E.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.contracts import Ask, Draft, SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar
from localsynth.core.run import Reject
from localsynth.core.seeds import derive
from localsynth.core.targets import TargetSource

from .columns import missing_texts, planned
from .describe import BREVITY, fits
from .groups import Group, ask_groups
from .params import LLMSynthorParams
from .proposals import Choices, draw, proposal_grammar, proposal_prompt, read_proposals
from .texts import Texts
from .told import told_of_proposals
from .typedrows import json_text, whole_table
from .watch import Watch

__all__ = ["Faithful"]

Array: TypeAlias = np.ndarray[Any, Any]
_BINS, _LARGEST_GROUP, _FEWEST = 6, 4, 5
_MOST_OPTIONS = 50  # values of a nominal column that a proposal may name
_TOLD_EACH = 20  # iterations
_TALLY = ("proposals", "drawn", "kept", "broken")


class Faithful:
    """One run in the faithful mode."""

    def __init__(self, params: LLMSynthorParams, task: Task, targets: TargetSource) -> None:
        self._params, self._task, self._targets = params, task, targets
        self._sampling = Sampling(params.temperature, params.top_k, params.top_p)
        self._groups: list[Group] = []
        self._iteration = 0
        self._tally = dict.fromkeys(_TALLY, 0)
        self._notes: tuple[str, ...] = ()
        self._no_text: dict[str, float] = {}
        self._watch: Watch | None = None
        self._texts = Texts(params, task)

    def batch_rows(self) -> int:
        """The rows of one iteration."""
        return max(_FEWEST, -(-self._task.rows // self._params.iterations))

    def learn(self, ask: Ask, seed: int) -> None:
        """The dependency prompt, once; then a look whether a proposal fits the context. Raises ``ContextTooSmall``."""
        params, schema = self._params, self._task.schema
        columns = planned(schema)
        self._texts.check(ask)
        voted = ask_groups(
            schema, columns, ask, self._sampling, most=params.most_groups, largest=_LARGEST_GROUP, samples=1,
            seed=derive(seed, "groups"),
        )  # fmt: skip
        self._groups = [group for group, _ in voted]
        watch = self._ready()
        for note in dict.fromkeys(self._notes):
            ask.notice(note, "warning")
        for group in self._groups:
            if any(", ".join(group) in note for note in self._notes):
                continue  # a note has said so
            if all(set(joint.names) != set(group) for joint in watch.joints):
                ask.notice(f"no joint table of {', '.join(group)} can be had: the group is dropped")
        self._question(ask)

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        return {
            "groups": [list(group) for group in self._groups],
            "iteration": self._iteration,
            "tally": dict(self._tally),
            "watch": self._ready().dump(),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self._groups = [tuple(group) for group in data["groups"]]
        self._iteration = int(data["iteration"])
        self._tally = {name: int(data["tally"][name]) for name in _TALLY}
        self._watch = None
        self._ready().load(data["watch"])

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """One iteration; none is made once all iterations are used."""
        watch, schema = self._ready(), self._task.schema
        if self._iteration >= self._params.iterations:
            return Draft(whole_table(schema, {}, 0))
        self._iteration += 1
        messages, grammar, choices, rows = self._question(ask, n)
        request = SampleRequest(messages, grammar, 1, "", self._sampling, derive(seed, "proposals"))
        (sample,) = ask.sample("proposals", [request])
        proposals = read_proposals(sample.texts[0], choices)
        rng = np.random.default_rng(derive(seed, "draw"))
        drawn = draw(proposals, choices, rows, rng)
        made = len(next(iter(drawn.values())))
        table = whole_table(schema, drawn, made)
        table = self._texts.fill(table, self._empty(made, rng), ask, derive(seed, "texts"))
        broken = self._broken(table)
        kept, rejects = self._judge(table, broken)
        watch.count(kept)
        self._tell(len(proposals), broken, kept.num_rows, ask)
        return Draft(kept, tuple(rejects))

    def _tell(self, proposals: int, broken: Array, kept: int, ask: Ask) -> None:
        """A summary of what was done so far: now and then, and when it is done."""
        tally = self._tally
        new = (proposals, len(broken), kept, int(broken.any(axis=1).sum()))
        self._tally = {name: tally[name] + more for name, more in zip(_TALLY, new, strict=True)}
        done = self._tally["kept"] >= self._task.rows or self._iteration >= self._params.iterations
        if done or self._iteration % _TOLD_EACH == 0:
            ask.notice(told_of_proposals(self._iteration, self._tally, rules=bool(self._task.schema.rules)))

    def _question(
        self, ask: Ask, n: int | None = None
    ) -> tuple[tuple[Any, ...], Grammar, list[Choices], int]:
        """Prompt and grammar as long as the context allows: first less is told, then fewer proposals are asked for."""
        watch, params = self._ready(), self._params
        rows = n or self.batch_rows()
        tokens: list[int] = []
        for proposals in range(params.per_iteration, 0, -1):
            for brief in BREVITY:
                choices = [Choices.of(v, min(_MOST_OPTIONS, brief.levels)) for v in watch.variables]
                grammar = proposal_grammar(choices, proposals, rows, params.reason_length)
                messages = proposal_prompt(
                    self._task.schema, watch, brief, proposals=proposals, rows=rows, context=params.context
                )
                room, *tokens = fits(messages, grammar, "", ask)
                if room:
                    return messages, grammar, choices, rows
        raise ContextTooSmall(
            f"a proposal over the {len(watch.variables)} columns of '{self._task.dataset}' does not fit the model: the prompt "
            f"takes {tokens[0]} tokens and the answer up to {tokens[1]}, the model's context holds {ask.info.context}",
            "choose a model with a longer context, lower reason_length, or use mode = 'aligned', which plans some columns",
        )

    def _empty(self, rows: int, rng: np.random.Generator) -> dict[str, Any]:
        """Which rows have no text, column by column: at random, as often as wanted."""
        return {name: rng.random(rows) < rate for name, rate in self._no_text.items()}

    def _ready(self) -> Watch:
        if self._watch is None:
            self._targets.margins(self._params.bins or _BINS)
            statistics = self._targets.tables(self._groups, 0)
            self._notes = statistics.notes
            self._no_text = missing_texts(self._task.schema, statistics)
            self._watch = Watch(self._task.schema, statistics, self._groups)
        return self._watch

    def _broken(self, table: pa.Table) -> Array:
        """Rows x rules: what each row breaks."""
        rules = self._task.schema.rules
        if not rules or not table.num_rows:
            return np.zeros((table.num_rows, len(rules)), np.bool_)
        return np.asarray(self._task.violations(table))

    def _judge(self, table: pa.Table, broken: Array) -> tuple[pa.Table, list[Reject]]:
        """Rows that keep the rules, and rejects for the others; all rows where rules are not enforced."""
        rules = self._task.schema.rules
        if not rules or not self._params.enforce_rules or not table.num_rows:
            return table, []
        bad = broken.any(axis=1)
        rejects = [
            Reject("rule", rules[int(np.argmax(which))].label, json_text(row))
            for which, row in zip(broken[bad], table.filter(pa.array(bad)).to_pylist(), strict=True)
        ]
        return table.filter(pa.array(~bad)), rejects
