"""What a sample of the rows adds to the counts: values that many rows share, facets of texts and vectors, relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from console.analysis.columns.heavy import heavy_values
from console.analysis.columns.relations import MOST_SCORES, categories_each, relations_of, scores
from console.model import ColumnProfile, Profile
from console.sources.fitting import Bins, coded
from console.sources.rich import facets
from console.sources.sampling import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.model import Array, Flags

LEAST_ROWS = 2  # of a group: how many tell anything is for who compares, and minutes of them are added up


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A sample, read in the bins of one baseline."""

    sample: Sample
    known: Mapping[str, Sequence[ColumnProfile]]  # facets of the baseline, by the column that they are of
    scores: Mapping[str, Array]  # of every sampled row, by what is related

    @classmethod
    def of(cls, sample: Sample, bins: Sequence[Bins], like: Profile | None, *, related: bool) -> Beside:
        """Facets are those of the baseline that this is `like`; without one they are fitted to all of the sample."""
        known = (
            {one.column: [column for column in like.columns if column.of == one.column] for one in bins} if like else {}
        )
        return cls(sample, known, _scores(sample, bins) if related else {})

    def added(self, profile: Profile, keys: Sequence[Any]) -> Profile:
        """A group's profile, with what its rows in the sample say."""
        members = self.sample.members(keys)
        columns = tuple(one for column in profile.columns for one in self._beside(column, members))
        relations = None
        if self.scores and int(members.sum()) >= LEAST_ROWS:
            relations = relations_of({name: values[members] for name, values in self.scores.items()})
        return replace(profile, columns=columns, relations=relations)

    def _beside(self, column: ColumnProfile, members: Flags) -> Iterator[ColumnProfile]:
        """The column, and its facets."""
        if column.kind == "text" or column.kind == "embedding":
            yield column
            yield from self._facets(column.name, column.kind, members)
        elif column.kind == "datetime" or column.name not in self.sample.values:
            yield column
        else:
            heavy, sampled = heavy_values(self.sample.values[column.name][members])
            yield replace(column, heavy=heavy, sampled=sampled)

    def _facets(self, name: str, kind: Literal["text", "embedding"], members: Flags) -> tuple[ColumnProfile, ...]:
        """What is fitted to all rows is counted by other rows than taught it, so for all of them it is asked once."""
        known = self.known.get(name, ())
        if not known and not members.all():
            known = facets(name, kind, self._cells(name, kind, np.ones_like(members)))
        return facets(name, kind, self._cells(name, kind, members), known)

    def _cells(self, name: str, kind: Literal["text", "embedding"], members: Flags) -> npt.NDArray[Any]:
        if kind == "text":
            return self.sample.values[name][members]
        vectors = self.sample.vectors[name]
        return vectors.values[members[vectors.rows]]


def _scores(sample: Sample, bins: Sequence[Bins]) -> dict[str, Array]:
    told = [one for one in bins if one.column in sample.values and (one.edges or one.categories)]
    ordered = sum(one.is_ordered for one in told)
    most = categories_each(ordered, len(told) - ordered)
    found: dict[str, Array] = {}
    for one in told:
        edges = len(one.edges) if one.is_ordered else None
        found |= scores(one.column, coded(one, sample), edges=edges, categories=one.categories, most=most)
    return dict(islice(found.items(), MOST_SCORES))
