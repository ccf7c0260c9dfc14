"""Reads an archive with numpy.load and compares it with another one's arrays."""
import numpy as np

from agreement import same_arrays


def check(path, reference):
    with np.load(path, allow_pickle=False) as ours, np.load(reference, allow_pickle=False) as theirs:
        return f"numpy {np.__version__}: {same_arrays(dict(ours), dict(theirs))}"
