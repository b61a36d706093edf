"""A generated table with known dependencies: where state birds were seen.

States and their birds are facts; the places are points every half degree in a box of whole degrees inside each state's
borders, so that no two states share one. A state determines its bird, a latitude its zone, and latitude and longitude
together the state, though neither does alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["STATES", "draw"]

Array: TypeAlias = np.ndarray[Any, Any]

#: State -> its bird, and the box: south, north, west, east.
STATES: dict[str, tuple[str, tuple[int, int, int, int]]] = {
    "AZ": ("Cactus Wren", (32, 37, -114, -109)),
    "CA": ("California Quail", (37, 41, -122, -120)),
    "CO": ("Lark Bunting", (37, 41, -109, -102)),
    "GA": ("Brown Thrasher", (31, 34, -85, -82)),
    "IA": ("American Goldfinch", (41, 43, -95, -91)),
    "KS": ("Western Meadowlark", (37, 40, -102, -95)),
    "ME": ("Black-capped Chickadee", (45, 47, -70, -68)),
    "MN": ("Common Loon", (44, 47, -96, -93)),
    "MT": ("Western Meadowlark", (45, 49, -112, -104)),
    "ND": ("Western Meadowlark", (46, 49, -104, -97)),
    "NE": ("Western Meadowlark", (40, 43, -102, -97)),
    "NM": ("Greater Roadrunner", (32, 37, -109, -104)),
    "NV": ("Mountain Bluebird", (39, 42, -120, -114)),
    "NY": ("Eastern Bluebird", (42, 44, -76, -74)),
    "OK": ("Scissor-tailed Flycatcher", (34, 37, -99, -95)),
    "OR": ("Western Meadowlark", (42, 45, -123, -118)),
    "SD": ("Ring-necked Pheasant", (43, 46, -104, -97)),
    "TX": ("Northern Mockingbird", (30, 33, -102, -95)),
    "UT": ("California Gull", (37, 41, -114, -109)),
    "WA": ("American Goldfinch", (46, 49, -122, -117)),
    "WY": ("Western Meadowlark", (41, 45, -111, -104)),
}
_STEP = 0.5  # degrees
_PLACES = 24  # in a state, at most
_ZONE = 4  # degrees of latitude


def draw(rows: int, seed: int) -> pa.Table:
    """``rows`` sightings: lat, lon, state, bird, lat_zone. Each state has its own share, each of its places the same."""
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    codes = np.array(list(STATES))
    state = rng.choice(len(codes), rows, p=rng.dirichlet(np.full(len(codes), 12.0)))
    lat, lon = np.empty(rows), np.empty(rows)
    for at, (_, box) in enumerate(STATES.values()):
        own = np.flatnonzero(state == at)
        places = _places(box)
        places = places[rng.permutation(len(places))[:_PLACES]]
        lat[own], lon[own] = places[rng.integers(0, len(places), len(own))].T
    south = (lat // _ZONE * _ZONE).astype(int)
    return pa.table(
        {
            "lat": lat,
            "lon": lon,
            "state": codes[state],
            "bird": np.array([bird for bird, _ in STATES.values()])[state],
            "lat_zone": [f"{low}-{low + _ZONE}" for low in south],
        }
    )


def _places(box: tuple[int, int, int, int]) -> Array:
    """Points of the grid inside a box, its borders left out: latitude and longitude."""
    south, north, west, east = box
    lat, lon = np.arange(south + _STEP, north, _STEP), np.arange(west + _STEP, east, _STEP)
    return np.stack(np.meshgrid(lat, lon, indexing="ij"), axis=-1).reshape(-1, 2)
