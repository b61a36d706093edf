"""Dependent columns named by the model: the question, the grammar of its answer, and votes over several answers.

Source: LLMSynthor, dependency prompt (arXiv 2505.14752, appendix E).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from localsynth.align.triples import Group
from localsynth.core.columns import Column
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar, OneOf, seq
from localsynth.core.schema import Schema

from .describe import BREVITY, Brevity, column_line, fits, table_block

__all__ = ["Group", "ask_groups", "grammar_of_groups", "group_prompt", "read_groups", "vote"]

_BRANCHES = 2000  # of a group's grammar, up to which it keeps a column from being named twice


def group_prompt(
    schema: Schema, columns: Sequence[Column], most: int, largest: int, brief: Brevity
) -> tuple[Message, ...]:
    """Variables, output format, the weather example, the task."""
    lines = "\n".join(column_line(column, brief) for column in columns)
    text = (
        f"{table_block(schema, brief)}\nVariables:\n{lines}\n\n"
        'Output format: JSON {"1": [variables], "2": [variables]}, one entry for each group.\n'
        "Example: a table of weather has season, temperature, humidity, rainfall and station. Groups that belong together: "
        '{"1": ["season", "temperature"], "2": ["season", "humidity", "rainfall"]}\n'
        f"Task: name at most {most} groups of variables of the table above that depend on each other most in reality. "
        f"Each group has 2 to {largest} different variables. Answer with valid JSON only."
    )
    return (Message("user", text.strip()),)


def grammar_of_groups(names: Sequence[str], most: int, largest: int) -> Grammar:
    """``{"1": [...], ...}`` with 1 to ``most`` groups of 2 to ``largest`` columns."""
    quoted = [json.dumps(name, ensure_ascii=False) for name in names]

    def rest(free: tuple[int, ...], size: int, branches: int) -> Grammar:
        """What follows the columns named so far: more columns, or the end of the list."""
        options: list[Grammar] = [seq("]")] if size >= 2 else []
        if size < largest and free:
            here = branches * len(free)
            if here <= _BRANCHES:
                options += [
                    seq(
                        (", " if size else "") + quoted[at],
                        rest(tuple(x for x in free if x != at), size + 1, here),
                    )
                    for at in free
                ]
            else:  # told apart only when it is read
                any_of = OneOf(tuple(seq((", " if size else "") + quoted[at]) for at in range(len(names))))
                options.append(seq(any_of, rest(free[1:], size + 1, branches)))
        return options[0] if len(options) == 1 else OneOf(tuple(options))

    one = seq("[", rest(tuple(range(len(names))), 0, 1))
    ends: Grammar = seq("}")
    for number in range(most, 0, -1):
        head = seq(f'"{number}": ' if number == 1 else f', "{number}": ', one, ends)
        ends = OneOf((seq("}"), head)) if number > 1 else seq("{", head)
    return ends


def read_groups(text: str) -> list[Group]:
    """The groups of an answer, their columns in order of naming; those without two different columns are left out."""
    groups: list[Group] = []
    for named in json.loads(text).values():
        group = tuple(dict.fromkeys(named))
        if len(group) >= 2 and all(set(group) != set(other) for other in groups):
            groups.append(group)
    return groups


def vote(answers: Sequence[Sequence[Group]], order: Sequence[str], most: int) -> list[tuple[Group, int]]:
    """The groups named most often, in the columns' own order, with their votes; of equal ones the smaller first."""
    place = {name: at for at, name in enumerate(order)}
    votes = Counter(tuple(sorted(group, key=place.__getitem__)) for answer in answers for group in answer)
    ranked = sorted(votes.items(), key=lambda item: (-item[1], len(item[0]), [place[n] for n in item[0]]))
    return ranked[:most]


def ask_groups(
    schema: Schema,
    columns: Sequence[Column],
    ask: Ask,
    sampling: Sampling,
    *,
    most: int,
    largest: int,
    samples: int,
    seed: int,
) -> list[tuple[Group, int]]:
    """Groups with their votes. Raises ``ContextTooSmall`` where the names of the columns alone do not fit."""
    if len(columns) < 2:
        return []
    names = [column.name for column in columns]
    largest = min(largest, len(names))
    grammar = grammar_of_groups(names, most, largest)
    tokens: list[int] = []
    for brief in BREVITY:
        messages = group_prompt(schema, columns, most, largest, brief)
        room, *tokens = fits(messages, grammar, "", ask)
        if room:
            (sample,) = ask.sample("groups", [SampleRequest(messages, grammar, samples, "", sampling, seed)])
            return vote([read_groups(text) for text in sample.texts], names, most)
    raise ContextTooSmall(
        f"a list of the {len(columns)} columns does not fit the model: the prompt takes {tokens[0]} tokens and the answer up "
        f"to {tokens[1]}, the model's context holds {ask.info.context}",
        "choose a model with a longer context, shorten names and descriptions, or set groups = 'strongest'",
    )
