"""The part of the Python API that looks for structure in real rows: dependencies, keys, rules, and an order of the columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, NotFound, PolicyError, SchemaError
from localsynth.core.finding import Found, FoundDependency, FoundRule, Limits, percent
from localsynth.core.nearest import nearest
from localsynth.core.ordering import Ordering, order_columns
from localsynth.core.schema import Dependency, Rule
from localsynth.store import datasets
from localsynth.store.finding import cardinalities, find, strengths

from .base import Base
from .checking import check_schema

__all__ = ["Accepted", "Suggesting"]

_LIMITS = Limits()


@dataclass(frozen=True)
class Accepted:
    """What :meth:`Suggesting.accept` wrote into a schema. left : what it passed over, with the reason, in sentences."""

    dependencies: tuple[Dependency, ...]
    rules: tuple[Rule, ...]
    left: tuple[str, ...]


class Suggesting(Base):
    """Structure found in the rows of the train split; offered to the person who owns them, shown to no model."""

    def suggest(self, dataset: str, limits: Limits = _LIMITS) -> Found:
        """Dependencies, keys and rules that the train rows keep, with evidence. Nothing is changed.

        Raises ``NotFound``, and ``DatasetError`` where there are no train rows.
        """
        found = datasets.get(self.store, dataset)
        if not found.train_rows:
            raise DatasetError(
                f"the dataset '{found.name}' has no rows to look for dependencies in",
                f"write what you know into its schema: localsynth schema export {found.name}",
            )
        return find(datasets.train_table(self.store, found.name), found.schema, limits)

    def order(
        self, dataset: str, *, first: str | None = None, fixed: Sequence[str] = (), found: Found | None = None
    ) -> Ordering:
        """An order of the columns in which what determines stands before what is determined.

        first : a column to stand first; the target may. fixed : columns to stand first, in this order. found : what
        :meth:`suggest` gave; by default it is asked. Of a dataset without rows, declared dependencies are all there is.
        Raises ``NotFound`` for a name that is no column, ``SchemaError`` for one named twice.
        """
        known = datasets.get(self.store, dataset)
        schema = known.schema
        if not known.train_rows:
            return order_columns(
                schema.names, schema.dependencies, target=schema.target, first=first, fixed=fixed
            )
        rows = datasets.train_table(self.store, known.name)
        seen = find(rows, schema, _LIMITS) if found is None else found
        return order_columns(
            schema.names,
            [*schema.dependencies, *seen.dependencies],
            strengths(rows, schema),
            cardinalities(rows, schema),
            schema.target,
            first,
            fixed=fixed,
        )

    def accept(
        self, dataset: str, names: Iterable[str] | None = None, *, found: Found | None = None
    ) -> Accepted:
        """Write dependencies and rules that were found into the dataset's schema.

        names : of dependencies (``state -> bird``) and rules; all that can be by default. found : what :meth:`suggest` gave;
        by default it is asked. The schema then tells of the rows, so it counts as inferred.

        Raises ``PolicyError`` where the dataset's policy is ``schema``: whoever reads its schema would see statistics of rows.
        Raises ``NotFound`` for a name that was not found, ``SchemaError`` for a dependency that some rows break and for a key,
        and what ``schema check`` raises where the rules cannot be kept together.
        """
        known = datasets.get(self.store, dataset)
        if known.policy < Found.exposure:
            raise PolicyError(
                f"the policy of dataset '{known.name}' shows a model the schema alone, and what is found tells of the rows",
                f"write into the schema by hand what is publicly known (localsynth schema export {known.name}), or, if you own"
                f" the data, `localsynth schema set {known.name} --policy {Found.exposure.label}`",
            )
        seen = self.suggest(dataset) if found is None else found
        taken, left = _chosen(seen, names)
        dependencies = tuple(
            one.declared()
            for one in taken
            if isinstance(one, FoundDependency) and one.declared() not in known.schema.dependencies
        )
        there = {text for rule in known.schema.rules for text in (rule.check, rule.label)}
        rules = tuple(
            one.declared()
            for one in taken
            if isinstance(one, FoundRule) and not {one.check, one.name} & there
        )
        if dependencies or rules:
            self._add(known, dependencies, rules)
        return Accepted(dependencies, rules, tuple(left))

    def _add(self, known: Dataset, dependencies: Sequence[Dependency], rules: Sequence[Rule]) -> None:
        schema = known.schema
        new = schema.model_copy(
            update={
                "dependencies": (*schema.dependencies, *dependencies),
                "rules": (*schema.rules, *rules),
                "inferred": True,
            }
        )
        check_schema(new)
        datasets.set_schema(self.store, known.name, new, declared=False)


def _chosen(found: Found, names: Iterable[str] | None) -> tuple[list[FoundDependency | FoundRule], list[str]]:
    """What to accept, and why the rest is not, in sentences."""
    able: dict[str, FoundDependency | FoundRule] = {one.name: one for one in found.dependencies}
    able |= {one.name: one for one in found.rules}
    if names is None:
        left = [_refusal(one) for one in found.dependencies if not one.exact]
        return [one for one in able.values() if isinstance(one, FoundRule) or one.exact], left
    taken = []
    for name in dict.fromkeys(names):
        if name not in able and name in {key.name for key in found.keys}:
            raise SchemaError(
                f"'{name}' is a key, and a schema declares no keys", "it is told for information"
            )
        if name not in able:
            raise NotFound(
                f"nothing called '{name}' was found{nearest(name, able)}",
                "`localsynth schema suggest DATASET` lists what was",
            )
        one = able[name]
        if isinstance(one, FoundDependency) and not one.exact:
            raise SchemaError(_refusal(one), "dependencies of a schema are kept by every row")
        taken.append(one)
    return taken, []


def _refusal(one: FoundDependency) -> str:
    return f"'{one.name}' holds only nearly: {percent(one.g3)} of the rows break it"
