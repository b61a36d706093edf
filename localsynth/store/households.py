"""Two generated tables that belong together: households, and the persons who live in them.

Population-like, not taken from any population. A household is of one of six families and has 1 to 12 persons; person by
person, in a fixed order (the head, the spouse, children from the eldest down, the head's parents, other relatives, or
flatmates), each is drawn under what the household is and who was drawn before:

- heads: age and sex by family; spouses: of the other sex but for 3 %, men about 2.5 years older than their wives (sd 4);
- children: the eldest 24 to 36 years younger than the head as a rule, the others 1 to 5 years apart;
- education: by age below 19, later by birth cohort, and like that of the head of the same household;
- employment: by age, sex and education; the household's income is the sum of what its members earn, with noise;
- tenure and rooms follow income, the head's age, the number of persons and the area.

What always holds is what the rules of ``recipes/persons.schema.toml`` and ``recipes/households.toml`` say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FAMILIES", "MOST", "draw"]

#: family -> (share, mean and sd of the head's age, share of women among heads)
FAMILIES = {
    "single": (0.14, 52.0, 19.0, 0.52),
    "couple": (0.20, 56.0, 15.0, 0.35),
    "couple with children": (0.40, 41.0, 8.0, 0.30),
    "single parent": (0.10, 39.0, 8.0, 0.82),
    "extended": (0.10, 46.0, 9.0, 0.40),
    "shared": (0.06, 26.0, 6.0, 0.50),
}
MOST = 12
_YOUNGEST_HEAD, _OLDEST = 18, 100
_REGIONS = {
    "North": (0.30, 0.55),
    "South": (0.25, 0.75),
    "East": (0.20, 0.45),
    "West": (0.25, 0.85),
}  # share, urban
_ADULT_LEVELS = ("primary", "secondary", "high school", "higher")
_PAY = {"none": 1200.0, "primary": 1400.0, "secondary": 1800.0, "high school": 2300.0, "higher": 3400.0}
_OTHER_INCOME = {"retired": 1500.0, "unemployed": 800.0, "student": 250.0}


@dataclass
class _Person:
    relation: str
    sex: str
    age: int
    education: str = "none"
    employment: str = "child"


def draw(households: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """So many households and their persons, tied by ``household_id``; persons stand in their household's order."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    homes: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for number in range(1, households + 1):
        key = f"H{number:06d}"
        family = _pick(rng, list(FAMILIES), [share for share, *_ in FAMILIES.values()])
        members = _members(rng, family)
        for person in members:
            person.education = _education(rng, person, members[0])
            person.employment = _employment(rng, person)
        homes.append({"household_id": key, **_home(rng, family, members)})
        people += [{"household_id": key, **vars(person)} for person in members]
    return pa.Table.from_pylist(homes), pa.Table.from_pylist(people)


def _pick(rng: np.random.Generator, options: Sequence[str], weights: Sequence[float]) -> str:
    shares = np.array(weights)
    return options[int(rng.choice(len(options), p=shares / shares.sum()))]


def _within(rng: np.random.Generator, mean: float, sd: float, low: int, high: int) -> int:
    """A whole number from a normal distribution, drawn again until it lies between the bounds (at last, moved there)."""
    for _ in range(20):
        value = round(float(rng.normal(mean, sd)))
        if low <= value <= high:
            return value
    return int(np.clip(round(mean), low, high))


def _members(rng: np.random.Generator, family: str) -> list[_Person]:
    _, mean, sd, women = FAMILIES[family]
    head = _Person("head", "F" if rng.random() < women else "M", _within(rng, mean, sd, _YOUNGEST_HEAD, 95))
    if family in {"couple with children", "single parent", "extended"}:
        head.age = max(head.age, 20)
    members = [head]
    if family in {"couple", "couple with children"} or (family == "extended" and rng.random() < 0.75):
        members.append(_spouse(rng, head))
    if family in {"couple with children", "single parent"}:
        children = 1 + min(int(rng.poisson(1.15 if family == "couple with children" else 0.7)), 7)
        members += _children(rng, head, children)
    if family == "extended":
        members += _children(rng, head, min(int(rng.poisson(1.4)), 5))
        members += _elders(rng, head)
        others = min(int(rng.poisson(0.8)) + (len(members) == 1), MOST - len(members))
        members += [
            _Person("other relative", _sex(rng), _within(rng, 32, 20, 0, _OLDEST)) for _ in range(others)
        ]
    if family == "shared":
        mates = 1 + min(int(rng.poisson(1.2)), 5)
        members += [_Person("flatmate", _sex(rng), _within(rng, 26, 6, 18, 70)) for _ in range(mates)]
    return members


def _sex(rng: np.random.Generator) -> str:
    return "F" if rng.random() < 0.5 else "M"


def _spouse(rng: np.random.Generator, head: _Person) -> _Person:
    other = "M" if head.sex == "F" else "F"
    older = 2.5 if other == "M" else -2.5
    sex = head.sex if rng.random() < 0.03 else other
    return _Person("spouse", sex, _within(rng, head.age + older, 4.0, _YOUNGEST_HEAD, 97))


def _children(rng: np.random.Generator, head: _Person, count: int) -> list[_Person]:
    """From the eldest down; children who have come of age are less and less likely to live at home."""
    eldest = min(head.age - 16, 27)
    age = _within(rng, min(head.age - 30.0, 17.0), 4.5, 0, eldest)
    found = []
    for _ in range(count):
        found.append(_Person("child", _sex(rng), age))
        age = max(0, age - int(rng.integers(1, 6)))
    return found


def _elders(rng: np.random.Generator, head: _Person) -> list[_Person]:
    lowest = head.age + 16
    mother = _Person("parent", "F", _within(rng, head.age + 27, 4.0, lowest, 98))
    found = [mother] if rng.random() < 0.7 else []
    if rng.random() < 0.35:
        found.append(_Person("parent", "M", _within(rng, head.age + 29, 4.0, lowest, 98)))
    return found


def _education(rng: np.random.Generator, person: _Person, head: _Person) -> str:
    age = person.age
    if age < 5:
        return "none"
    if age < 19:
        by_age = (
            ("none", "primary"),
            ("primary", "primary"),
            ("primary", "secondary"),
            ("secondary", "high school"),
        )
        lower, upper = by_age[0 if age < 7 else 1 if age < 12 else 2 if age < 15 else 3]
        return upper if rng.random() < (0.75 if age < 18 else 0.85) else lower
    modern = np.clip((100 - age) / 80, 0.0, 1.0)
    weights = np.array(
        [0.32 - 0.30 * modern, 0.33 - 0.15 * modern, 0.22 + 0.15 * modern, 0.13 + 0.30 * modern]
    )
    if age < 22:
        weights[3] *= 0.1
    if person is not head and head.education in _ADULT_LEVELS:
        weights[_ADULT_LEVELS.index(head.education)] *= 2.5
    return _pick(rng, _ADULT_LEVELS, weights.tolist())


def _employment(rng: np.random.Generator, person: _Person) -> str:
    age = person.age
    if age < 15:
        return "child"
    if age < 18:
        return "student" if rng.random() < 0.92 else "employed"
    if age >= 65 or (age >= 58 and rng.random() < (age - 57) / 9):
        return "retired" if rng.random() < 0.93 else "employed"
    study = 0.55 if age < 22 else 0.25 if age < 26 else 0.02
    if rng.random() < study:
        return "student"
    works = {"none": 0.5, "primary": 0.62, "secondary": 0.74, "high school": 0.82, "higher": 0.90}[
        person.education
    ]
    if person.sex == "F" and person.relation in {"head", "spouse"} and 25 <= age < 45:
        works -= 0.12
    if rng.random() < works:
        return "employed"
    return "unemployed" if rng.random() < 0.45 else "at home"


def _home(rng: np.random.Generator, family: str, members: Sequence[_Person]) -> dict[str, Any]:
    region = _pick(rng, list(_REGIONS), [share for share, _ in _REGIONS.values()])
    urban = rng.random() < _REGIONS[region][1]
    income = 300.0
    for person in members:
        if person.employment == "employed":
            income += _PAY[person.education] * float(rng.lognormal(0.0, 0.35)) * (1.1 if urban else 0.95)
        else:
            income += _OTHER_INCOME.get(person.employment, 0.0)
    income = min(round(income / 10) * 10, 40_000)
    head = members[0]
    own = float(
        np.clip((head.age - 22) / 60 + (income - 3000) / 12_000 + (0.0 if urban else 0.15), 0.03, 0.92)
    )
    tenure = (
        "owned"
        if rng.random() < own
        else "social"
        if rng.random() < (0.5 if income < 2200 else 0.08)
        else "rented"
    )
    rooms = 1 + 0.62 * len(members) + (1.2 if tenure == "owned" else 0.0) + (0.0 if urban else 0.6)
    return {
        "region": region,
        "area": "urban" if urban else "rural",
        "family": family,
        "persons": len(members),
        "income": income,
        "tenure": tenure,
        "rooms": int(np.clip(round(float(rng.normal(rooms, 0.8))), 1, 12)),
    }
