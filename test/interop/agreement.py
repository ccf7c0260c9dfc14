"""What every check asks in the end: the same logits, the same arrays."""
import numpy as np

# Largest deviation allowed, as a part of the largest logit.
TOLERANCE = 1e-4

# Convolutions of each block.
BLOCKS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def logits_agree(logits, logits_file):
    """A sentence; raises where they do not agree."""
    expected = np.load(logits_file)
    logits = np.asarray(logits).reshape(expected.shape)
    error = np.abs(logits - expected).max() / np.abs(expected).max()
    assert error <= TOLERANCE, f"logits differ by {error:.2e} of the largest"
    return f"logits within {error:.1e}"


def same_arrays(ours, theirs):
    """Both are {name: array} as one framework reads them: same names, types, shapes and bytes. A sentence; raises at the first difference."""
    assert set(ours) == set(theirs), f"names differ: {sorted(set(ours) ^ set(theirs))}"
    for name, tensor in theirs.items():
        a, b = np.asarray(ours[name]), np.asarray(tensor)
        assert a.dtype == b.dtype and a.shape == b.shape, f"{name}: {a.dtype} {a.shape}, theirs is {b.dtype} {b.shape}"
        assert a.tobytes() == b.tobytes(), f"{name} differs"
    return f"{len(theirs)} arrays equal, bit for bit"


def same_values(ours, theirs):
    """Of each of their names the same numbers, whatever the order of the axes; recomputed ones (a variance from a deviation) to 4e-7 of the largest."""
    assert set(ours) >= set(theirs), f"names are missing: {sorted(set(theirs) - set(ours))}"
    for name, tensor in theirs.items():
        a, b = (np.sort(np.ravel(array)) for array in (ours[name], tensor))
        assert a.dtype == b.dtype and a.size == b.size and np.abs(a - b).max() <= 4e-7 * np.abs(b).max(), f"{name} differs"
    return f"{len(theirs)} arrays of the same values"
