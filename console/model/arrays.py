"""What the arrays of nouns are, for annotations alone: a screen imports this package without paying for numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]  # positions in a tuple of names, or in another column
    Flags = npt.NDArray[np.bool_]
