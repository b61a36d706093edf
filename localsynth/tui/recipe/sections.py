"""What the form shows for a draft: the recipe's own keys, then the parameters of its method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from localsynth.core.dataset import Dataset
from localsynth.core.errors import LocalsynthError
from localsynth.tui.plain import line, one_line

from .draft import Draft
from .fields import Field, Kind, method_fields

if TYPE_CHECKING:
    from localsynth.workspace import MethodCard, ModelChoice, Pace

__all__ = ["Choice", "Facts", "Section", "sections"]

_TOML = (".toml",)
ROWS = Field(("rows",), Kind.WHOLE, "How many rows to make.", 500, bounds="1 to 100,000,000", written=True)
SEED = Field(
    ("seed",),
    Kind.WHOLE,
    "Of everything random: equal recipes with equal seeds give equal rows.",
    0,
    written=True,
)
WHERE = Field(
    ("where",),
    Kind.TEXT,
    "A condition in SQL that every row meets, such as: disease = 'yes' AND age > 60. The method has to be able to keep it.",
    usual="all rows",
)
TITLE = Field(("title",), Kind.TEXT, "What the recipe is called, for people.", "")
NAME = Field(("dataset", "name"), Kind.CHOICE, "The table that rows are made like.", label="table")
TARGET = Field(
    ("dataset", "target"),
    Kind.CHOICE,
    "The column that others are to predict; methods keep closest what belongs to it. By default the schema says which.",
)
STATISTICS = Field(
    ("dataset", "statistics"),
    Kind.PATH,
    "A file of published statistics, read instead of rows. Such statistics are public, so no privacy budget is spent on them.",
    suffixes=_TOML,
)
SOURCE = Field(
    ("dataset", "source"),
    Kind.PATH,
    "The table's file, or sample:NAME; imported when the dataset is not in the workspace yet.",
    suffixes=(".csv", ".tsv", ".parquet", ".jsonl", ".ndjson"),
)
SCHEMA = Field(
    ("dataset", "schema"),
    Kind.PATH,
    "A file that describes the table; it takes the place of the dataset's.",
    suffixes=_TOML,
)
POLICY = Field(
    ("dataset", "policy"),
    Kind.CHOICE,
    "The most that a model may see of the table, where it is not in the workspace yet.",
    choices=("schema", "statistics", "rows"),
)
HOLDOUT = Field(
    ("dataset", "holdout"),
    Kind.NUMBER,
    "The share of the rows that no method ever sees, to judge by; used when the table is imported.",
    usual="1/3",
    bounds="at least 0, less than 1",
)
MODEL = Field(
    ("model", "name"),
    Kind.CHOICE,
    "The model that writes. uniform is no model: random rows that the schema allows, to try things.",
    label="model",
)
THREADS = Field(
    ("model", "threads"),
    Kind.WHOLE,
    "Threads of the model.",
    usual="as tuned, else all cores",
    bounds="1 to 1,024",
)
EPSILON = Field(
    ("privacy", "epsilon"),
    Kind.NUMBER,
    "The privacy budget: how much the statistics that are seen may tell of any one person; 1 is usual, smaller is more private"
    " and noisier. Only methods that see statistics alone can keep one.",
    usual="no budget",
    bounds="more than 0, at most 100",
)
DELTA = Field(
    ("privacy", "delta"),
    Kind.NUMBER,
    "The chance with which the budget may be exceeded; well below 1 / rows.",
    usual="1e-6, with an epsilon",
)
COPIES = Field(
    ("privacy", "drop_copies"),
    Kind.SWITCH,
    "Refuse rows that are equal to a real one. Not together with an epsilon.",
    False,
)
MINUTES = Field(
    ("limits", "max_minutes"),
    Kind.NUMBER,
    "Minutes after which the run finishes its batch and stops; it can be resumed.",
    usual="no limit",
    bounds="more than 0",
)
MEMORY = Field(
    ("limits", "max_memory"),
    Kind.TEXT,
    "The most memory that all processes of the run may hold, the model's weights included, such as 4GB.",
    usual="no limit",
)
MEMBERS = Field(("members",), Kind.TOML, "Rows of another table that belong to these, made after them.")
PARENT = Field(("parent",), Kind.TOML, "The run whose rows these belong to.")


@dataclass(frozen=True)
class Choice:
    """One of the values of a choice; ``""`` writes nothing."""

    value: str
    words: Text


@dataclass(frozen=True)
class Section:
    """Some fields under a heading. choices : of those whose choices depend on what there is."""

    title: str
    fields: tuple[Field, ...]
    choices: dict[tuple[str, ...], list[Choice]]
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """What there is to choose from. broken : plug-ins that cannot be used, and why.

    about : the dataset whose policy the methods were judged by, and whether there are published statistics. trouble : why
    the workspace could not be read, where it could not: then nobody knows which datasets there are.
    """

    datasets: Sequence[Dataset] = ()
    methods: Sequence[MethodCard] = ()
    models: Sequence[ModelChoice] = ()
    paces: Sequence[Pace] = ()
    broken: Sequence[tuple[str, str]] = ()
    about: tuple[str | None, bool] = (None, False)
    trouble: LocalsynthError | None = None

    def dataset(self, name: str | None) -> Dataset | None:
        """The dataset of that name, where it is in the workspace."""
        return next((one for one in self.datasets if name and one.name.lower() == name.lower()), None)

    def method(self, name: str) -> MethodCard | None:
        """The method of that name, where it can be used at all."""
        return next((one for one in self.methods if one.name == name), None)


def sections(draft: Draft, facts: Facts) -> list[Section]:
    """What can be set, given what is set."""
    card = facts.method(draft.method)
    found = [Section("What to make", (ROWS, SEED, WHERE, TITLE), {}), _table(draft, facts, card)]
    if card is None or card.needs_model or draft.get(("model",)) is not None:
        choices = {MODEL.place: _models(draft, facts.models)}
        note = "" if card is None or card.needs_model else f"{card.name} uses no model"
        found.append(Section("Model", (MODEL, THREADS), choices, note))
    if card is not None:
        found.append(_method(draft, card))
    private = (EPSILON, DELTA, COPIES) if draft.get(MEMBERS.place) is None else ()
    tied = tuple(one for one in (MEMBERS, PARENT) if draft.get(one.place) is not None)
    return [
        *found,
        *([Section("Privacy", private, {})] if private else []),
        Section("Limits", (MINUTES, MEMORY), {}),
        *([Section("Tables that belong together", tied, {})] if tied else []),
    ]


def _table(draft: Draft, facts: Facts, card: MethodCard | None) -> Section:
    dataset = facts.dataset(draft.dataset)
    known = [Choice(one.name, _dataset(one)) for one in facts.datasets]
    if draft.dataset and dataset is None:
        note = "  not in the workspace yet" if facts.trouble is None else "  the workspace cannot be read"
        known.insert(0, Choice(draft.dataset, Text.assemble(line(draft.dataset), (note, "dim"))))
    if not draft.dataset:
        known.insert(0, Choice("", Text("none chosen")))
    fields, choices = [NAME], {NAME.place: known}
    if dataset is not None and draft.get(SCHEMA.place) is None:
        usual = f"{one_line(dataset.schema.target)}, as in the schema" if dataset.schema.target else "none"
        names = [Choice(name, line(name)) for name in dataset.schema.names]
        choices[TARGET.place] = _with_present(draft, TARGET, [Choice("", Text(usual)), *names])
        fields.append(TARGET)
    elif draft.get(TARGET.place) is not None:
        present = str(draft.get(TARGET.place))
        choices[TARGET.place] = [Choice("", Text("as in the schema")), Choice(present, line(present))]
        fields.append(TARGET)
    importing = dataset is None and draft.dataset is not None
    fields += [
        one
        for one in (SOURCE, SCHEMA, POLICY, HOLDOUT)
        if draft.get(one.place) is not None or (importing and one is not HOLDOUT)
    ]
    if POLICY in fields:
        words = [Choice("", Text("the usual one")), *(Choice(one, Text(one)) for one in POLICY.choices)]
        choices[POLICY.place] = _with_present(draft, POLICY, words)
    if (card is not None and card.published) or draft.get(STATISTICS.place) is not None:
        fields.append(STATISTICS)
    return Section("Table", tuple(fields), choices)


def _with_present(draft: Draft, one: Field, choices: list[Choice]) -> list[Choice]:
    """With what is written, though it be none of them."""
    present = draft.get(one.place)
    if isinstance(present, str) and present not in {choice.value for choice in choices}:
        choices.append(Choice(present, Text.assemble(line(present), ("  unknown", "dim"))))
    return choices


def _dataset(dataset: Dataset) -> Text:
    rows = f"{dataset.rows:,} rows" if dataset.rows else "no rows"
    return Text.assemble(line(dataset.name), (f"  {rows}, policy {dataset.policy.label}", "dim"))


def _models(draft: Draft, models: Sequence[ModelChoice]) -> list[Choice]:
    default = next((one for one in models if one.default), None)
    usual = f"{default.name}, the default" if default else "none is installed"
    choices = [Choice("", Text(usual))]
    choices += [Choice(one.name, _model(one)) for one in models]
    choices.append(
        Choice("uniform", Text.assemble("uniform", ("  no model: random valid rows, to try things", "dim")))
    )
    return _with_present(draft, MODEL, choices)


def _model(one: ModelChoice) -> Text:
    fit = {
        True: "fits the free memory",
        False: f"needs {one.memory / 1e9:,.1f} GB, more than is free",
        None: f"needs {one.memory / 1e9:,.1f} GB",
    }[one.fits]
    words = fit if one.installed else "not installed"
    return Text.assemble(line(one.name), (f"  {one.size / 1e6:,.0f} MB, {words}", "dim"))


def _method(draft: Draft, card: MethodCard) -> Section:
    """Its parameters; those that only another mode reads are left out, but where they are set."""
    fields = method_fields(card.params)
    mode_field = next((one for one in fields if one.key == "mode"), None)
    mode = draft.get(("method", "mode")) or (mode_field.default if mode_field is not None else "")
    shown = tuple(one for one in fields if one.mode in {"", mode} or draft.get(one.place) is not None)
    choices = {
        one.place: _with_present(
            draft,
            one,
            [
                Choice(word, Text(word + ("  (default)" if word == one.default else "")))
                for word in one.choices
            ],
        )
        for one in shown
        if one.kind is Kind.CHOICE
    }
    left = len(fields) - len(shown)
    note = f"{left} more are read in another mode only" if left else "" if fields else "it has nothing to set"
    return Section(f"Method {card.name}", shown, choices, note)
