"""Sample tables: real ones that come with scikit-learn and generated ones, so that there is something to try without a file.

A sample is a loader and what is known of its columns; the schema itself is inferred at import, from the train rows alone. Add a
sample by adding an entry to the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import NotFound
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Sample", "find", "load", "sample_names"]


@dataclass(frozen=True)
class Sample:
    """A table that comes with the program.

    columns : name -> (unit, description), where they are known; an empty unit is an unknown one.
    """

    name: str
    description: str
    target: str
    load: Callable[[], pa.Table]
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def describe(self, schema: Schema) -> Schema:
        """The inferred schema with what is known written in."""
        described = []
        for column in schema.columns:
            unit, text = self.columns.get(column.name, ("", ""))
            update: dict[str, Any] = {"description": text}
            if unit and "unit" in type(column).model_fields:
                update["unit"] = unit
            described.append(column.model_copy(update=update))
        return schema.model_copy(update={"columns": tuple(described), "description": self.description})


def sample_names() -> list[str]:
    """Names of all samples."""
    return sorted(_SAMPLES)


def find(name: str) -> Sample:
    """A sample by name. Raises ``NotFound`` with the nearest."""
    sample = _SAMPLES.get(name.removeprefix("sample:").strip().lower())
    if sample is None:
        raise NotFound(
            f"there is no sample called '{name}'{nearest(name, _SAMPLES)}",
            f"there are: {', '.join(sample_names())}",
        )
    return sample


def load(name: str) -> pa.Table:
    """The rows of a sample. Raises ``NotFound``."""
    return find(name).load()


def _table(bunch: Any, names: list[str], target: str, classes: bool) -> pa.Table:
    import pyarrow as pa

    columns = {name: pa.array(bunch.data[:, index]) for index, name in enumerate(names)}
    if classes:
        words = [str(word) for word in bunch.target_names]
        columns[target] = pa.array([words[index] for index in bunch.target])
    else:
        columns[target] = _whole(bunch.target)
    return pa.table(columns)


def _whole(values: Any) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(np.rint(values).astype("int64"))


def _diabetes() -> pa.Table:
    import pyarrow as pa
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    names = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]
    table = _table(bunch, names, "progression", classes=False)
    for name in ("age", "tc", "hdl", "glu"):
        table = table.set_column(table.column_names.index(name), name, _whole(table[name].to_numpy()))
    # The source codes sex as 1 and 2 and does not say which is which.
    codes = pa.array([str(int(code)) for code in table["sex"].to_pylist()])
    return table.set_column(1, "sex", codes)


def _breast_cancer() -> pa.Table:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in bunch.feature_names]
    return _table(bunch, names, "diagnosis", classes=True)


def _wine() -> pa.Table:
    from sklearn.datasets import load_wine

    bunch = load_wine()
    names = [str(name).replace("/", "_") for name in bunch.feature_names]
    table = _table(bunch, names, "cultivar", classes=True)
    for name in ("magnesium", "proline"):
        table = table.set_column(table.column_names.index(name), name, _whole(table[name].to_numpy()))
    return table


def _iris() -> pa.Table:
    from sklearn.datasets import load_iris

    return _table(
        load_iris(), ["sepal_length", "sepal_width", "petal_length", "petal_width"], "species", classes=True
    )


def _ecommerce() -> pa.Table:
    from . import ecommerce

    return ecommerce.draw(2000, seed=0)


def _households() -> pa.Table:
    from . import households

    return households.draw(2000, seed=0)[0]


def _persons() -> pa.Table:
    from . import households

    return households.draw(2000, seed=0)[1]


def _location() -> pa.Table:
    from . import location

    return location.draw(3000, seed=0)


def _asia() -> pa.Table:
    from . import asia

    return asia.draw(1000, seed=0)


_NUCLEUS = {
    "radius": "distance from the centre to the outline",
    "texture": "standard deviation of grey values",
    "perimeter": "length of the outline",
    "area": "area inside the outline",
    "smoothness": "local variation of the radius",
    "compactness": "perimeter^2 / area - 1",
    "concavity": "how deep the concave parts of the outline are",
    "concave_points": "how many concave parts the outline has",
    "symmetry": "symmetry of the outline",
    "fractal_dimension": "coastline approximation - 1",
}
_OVER_NUCLEI = {"mean_{}": "mean", "{}_error": "standard error", "worst_{}": "mean of the three largest"}

_SAMPLES = {
    sample.name: sample
    for sample in (
        Sample(
            "diabetes",
            "442 diabetes patients: ten measurements at baseline and how far the disease had progressed a year later"
            " (Efron, Hastie, Johnstone, Tibshirani 2004).",
            "progression",
            _diabetes,
            {
                "age": ("years", "age"),
                "sex": ("", "sex, coded 1 and 2; the source does not say which is which"),
                "bmi": ("kg/m2", "body mass index"),
                "bp": ("mmHg", "mean blood pressure"),
                "tc": ("mg/dL", "total serum cholesterol"),
                "ldl": ("mg/dL", "low-density lipoproteins"),
                "hdl": ("mg/dL", "high-density lipoproteins"),
                "tch": ("", "total cholesterol divided by HDL"),
                "ltg": ("", "logarithm of serum triglycerides"),
                "glu": ("mg/dL", "blood sugar"),
                "progression": ("", "a quantitative measure of disease progression one year after baseline"),
            },
        ),
        Sample(
            "breast-cancer",
            "569 breast masses: features of the cell nuclei in a digitised image of a fine needle aspirate, and the"
            " diagnosis (Wolberg, Street, Mangasarian 1995). Lengths are in units of the image.",
            "diagnosis",
            _breast_cancer,
            {
                **{
                    form.format(name): ("", f"{what}; {over} over the nuclei")
                    for form, over in _OVER_NUCLEI.items()
                    for name, what in _NUCLEUS.items()
                },
                "diagnosis": ("", "malignant or benign"),
            },
        ),
        Sample(
            "ecommerce",
            "2,000 made-up customers of an online shop: who they are, what they bought last, and how they paid. Generated,"
            " with a known joint distribution.",
            "value",
            _ecommerce,
            {
                "age": ("years", "age of the customer"),
                "gender": ("", "gender of the customer: M or F"),
                "tier": ("", "whether the customer lives in a developed or a developing market"),
                "category": ("", "what kind of article was bought"),
                "price": ("USD", "price of the article"),
                "payment": ("", "Online, or COD: cash on delivery"),
                "discount": ("", "how much the customer reacts to a discount"),
                "value": ("", "what the customer is worth to the shop"),
            },
        ),
        Sample(
            "households",
            "2,000 made-up households: where they live, who they are, what they earn. Generated, population-like; their persons"
            " are the sample persons.",
            "tenure",
            _households,
            {
                "household_id": ("", "number of the household; persons have it too"),
                "region": ("", "part of the country"),
                "area": ("", "urban or rural"),
                "family": ("", "what kind of family the household is"),
                "persons": ("persons", "how many persons live in the household"),
                "income": ("EUR/month", "what all persons earn together"),
                "tenure": ("", "owned, rented, or social housing"),
                "rooms": ("rooms", "rooms of the home"),
            },
        ),
        Sample(
            "persons",
            "The 6,375 persons of the 2,000 made-up households of the sample households, household by household: the head,"
            " the spouse, children, others. Generated, population-like.",
            "employment",
            _persons,
            {
                "household_id": ("", "the household the person lives in"),
                "relation": ("", "relation to the head of the household"),
                "sex": ("", "F or M"),
                "age": ("years", "age"),
                "education": ("", "highest level of education, or the one that is attended"),
                "employment": ("", "what the person does"),
            },
        ),
        Sample(
            "location",
            "3,000 made-up sightings of the state bird in 21 states of the USA: where each was. States, birds and places are"
            " facts, which place is drawn: state tells bird, lat tells lat_zone, lat and lon tell state.",
            "bird",
            _location,
            {
                "lat": ("degrees", "latitude, north"),
                "lon": ("degrees", "longitude; west is negative"),
                "state": ("", "state, its two-letter code"),
                "bird": ("", "the state bird"),
                "lat_zone": (
                    "",
                    "band of four degrees of latitude: the south end belongs to it, the north end not",
                ),
            },
        ),
        Sample(
            "asia",
            "1,000 made-up patients of a chest clinic, short of breath or not: where they were, whether they smoke, what they"
            " have, what the X-ray shows. Drawn from the network of Lauritzen and Spiegelhalter (1988).",
            "dysp",
            _asia,
            {
                "asia": ("", "whether the patient was in Asia lately"),
                "tub": ("", "whether the patient has tuberculosis"),
                "smoke": ("", "whether the patient smokes"),
                "lung": ("", "whether the patient has lung cancer"),
                "bronc": ("", "whether the patient has bronchitis"),
                "either": ("", "whether the patient has tuberculosis or lung cancer, or both"),
                "xray": ("", "whether the chest X-ray shows something"),
                "dysp": ("", "whether the patient is short of breath: dyspnoea"),
            },
        ),
        Sample(
            "wine",
            "178 wines grown in one region of Italy from three cultivars: a chemical analysis of each"
            " (Forina et al. 1991).",
            "cultivar",
            _wine,
            {
                "alcohol": ("% vol", "alcohol"),
                "malic_acid": ("g/L", "malic acid"),
                "ash": ("", "ash"),
                "alcalinity_of_ash": ("", "alcalinity of ash"),
                "magnesium": ("mg/L", "magnesium"),
                "total_phenols": ("", "total phenols"),
                "flavanoids": ("", "flavanoids"),
                "nonflavanoid_phenols": ("", "nonflavanoid phenols"),
                "proanthocyanins": ("", "proanthocyanins"),
                "color_intensity": ("", "colour intensity"),
                "hue": ("", "hue"),
                "od280_od315_of_diluted_wines": (
                    "",
                    "optical density at 280 nm over that at 315 nm, diluted",
                ),
                "proline": ("mg/L", "proline"),
                "cultivar": ("", "which of three cultivars"),
            },
        ),
        Sample(
            "iris",
            "150 iris flowers of three species, 50 each: sepals and petals measured (Fisher 1936).",
            "species",
            _iris,
            {
                "sepal_length": ("cm", "length of the sepal"),
                "sepal_width": ("cm", "width of the sepal"),
                "petal_length": ("cm", "length of the petal"),
                "petal_width": ("cm", "width of the petal"),
                "species": ("", "species of iris"),
            },
        ),
    )
}
