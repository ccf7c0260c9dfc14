"""Reads an archive with numpy.load and compares it with another one's arrays."""
import numpy as np

from agreement import same_arrays, same_values


def check(path, reference, axes="same"):
    """`axes`: "any" where the other archive has its own order of them."""
    same = same_values if axes == "any" else same_arrays
    with np.load(path, allow_pickle=False) as ours, np.load(reference, allow_pickle=False) as theirs:
        return f"numpy {np.__version__}: {same(dict(ours), dict(theirs))}"
