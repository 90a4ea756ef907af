"""Comparing what came back with what is right: values, shapes, dtypes, NaN; gradients by central differences."""

import numpy as np


class Mismatch(Exception):
    """Two values differ. The text is for the candidate; staff has the numbers behind it."""

    def __init__(self, message, staff=""):
        super().__init__(message)
        self.staff = staff


def close(got, want, *, rtol=1e-6, atol=1e-8, dtype=None, shape=True, nan_equal=True, name="the result"):
    """Raises Mismatch unless |got - want| <= atol + rtol * |want| everywhere.

    got may be a number, a list of numbers or an array; anything else is a mismatch with a clear message. dtype, when given, must
    be exactly that. shape=True demands want's shape. NaN matches NaN at the same place unless nan_equal is False; infinities
    must be equal.
    """
    want = np.asarray(want)
    array = as_array(got, name)
    if dtype is not None and array.dtype != np.dtype(dtype):
        raise Mismatch(f"{name} has dtype {array.dtype}, expected {np.dtype(dtype)}")
    if shape and array.shape != want.shape:
        raise Mismatch(f"{name} has shape {array.shape}, expected {want.shape}")
    if not shape:
        try:
            array, want = np.broadcast_arrays(array, want)
        except ValueError:
            raise Mismatch(f"{name} has shape {array.shape}, which does not fit {want.shape}") from None
    if want.dtype == bool or array.dtype == bool:
        bad = array != want
    else:
        a, b = wide(array), wide(want)
        both_nan = np.isnan(a) & np.isnan(b) if nan_equal else np.zeros(a.shape, bool)
        with np.errstate(all="ignore"):
            bad = ~((np.abs(a - b) <= atol + rtol * np.abs(b)) | (a == b) | both_nan)
            bad |= np.isinf(b) & (a != b)
    if bad.any():
        raise Mismatch(*describe(array, want, bad, name, rtol, atol))


def as_array(v, name="the result"):
    """A numeric array of what came back, or Mismatch."""
    if isinstance(v, np.ndarray):
        array = v
    elif isinstance(v, (bool, int, float, np.generic)):
        array = np.asarray(v)
    elif isinstance(v, (list, tuple)):
        try:
            array = np.asarray(v)
        except (ValueError, OverflowError):
            raise Mismatch(f"{name} is a ragged list, expected numbers in a regular shape") from None
    else:
        raise Mismatch(f"{name} is {word(v)}, expected numbers")
    if array.dtype.kind not in "biufc":
        raise Mismatch(f"{name} holds {array.dtype}, expected numbers")
    return array


def array(v, shape=None, name="the result"):
    """A float64 array of what came back, or Mismatch. In shape, None stands for any length: (None, 14, 14).

    Take every value that you are going to index or compute with through this first: a harness that trips over a strange answer is
    a fault of ours, and a strange answer is the candidate's.
    """
    a = as_array(v, name)
    if a.dtype.kind == "c":
        raise Mismatch(f"{name} holds complex numbers")
    if shape is not None and (a.ndim != len(shape) or any(want is not None and want != got for want, got in zip(shape, a.shape))):
        wanted = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ("," if len(shape) == 1 else "") + ")"
        raise Mismatch(f"{name} has shape {a.shape}, expected {wanted}")
    return a.astype(np.float64)


def numbers(v, length=None, name="the result"):
    """A list of floats of what came back, or Mismatch."""
    return array(v, (length,), name).tolist()


def record(v, keys, name="the result"):
    """A dict of what came back that has at least these keys, or Mismatch."""
    if not isinstance(v, dict) or not set(keys) <= set(v):
        raise Mismatch(f"{name} is {word(v)}, expected a dict with {', '.join(map(str, keys))}")
    return v


def shape_dtype(got, shape, dtype, name="the result"):
    """Raises Mismatch unless got is an array with exactly this shape and dtype (either may be None)."""
    if not isinstance(got, np.ndarray):
        raise Mismatch(f"{name} is {word(got)}, expected an array")
    if shape is not None and got.shape != tuple(shape):
        raise Mismatch(f"{name} has shape {got.shape}, expected {tuple(shape)}")
    if dtype is not None and got.dtype != np.dtype(dtype):
        raise Mismatch(f"{name} has dtype {got.dtype}, expected {np.dtype(dtype)}")


def wide(array):
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def word(v):
    if v is None:
        return "None"
    return {"str": "a text", "dict": "a dict", "list": "a list", "tuple": "a tuple", "bytes": "bytes"}.get(type(v).__name__, f"a {type(v).__name__}")


def describe(array, want, bad, name, rtol, atol):
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    got, expected = array[where], want[where]
    place = f" at {list(where)}" if where else ""
    if array.dtype.kind == "f" and np.isnan(got) and not np.isnan(expected):
        what = f"{name} is NaN{place}"
    elif array.dtype.kind == "f" and np.isinf(got) and not np.isinf(expected):
        what = f"{name} is infinite{place}"
    else:
        what = f"{name} is off{place}"
    count = f"; {int(bad.sum())} of {bad.size} values differ" if bad.size > 1 else ""
    with np.errstate(all="ignore"):
        worst = float(np.nanmax(np.abs(wide(array) - wide(want)))) if bad.size else 0.0
    return f"{what}{count}", f"{name}{place}: got {got!r}, want {expected!r}; largest difference {worst:.3g}; rtol {rtol:g}, atol {atol:g}"


def central_difference(f, x, direction=None, step=1e-6, along=None):
    """The derivative of the scalar function f at x by central differences: along a direction, or the whole gradient.

    Pass along=k to try k random unit directions drawn from a fixed generator: returns (directions, derivatives).
    """
    x = np.asarray(x, np.float64)
    if along is not None:
        rng = np.random.default_rng(along)
        directions = [rng.normal(size=x.shape) for _ in range(int(along))]
        directions = [d / np.linalg.norm(d) for d in directions]
        return directions, [central_difference(f, x, d, step) for d in directions]
    if direction is not None:
        return (float(f(x + step * direction)) - float(f(x - step * direction))) / (2 * step)
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = 1.0
        grad[i] = central_difference(f, x, e, step)
    return grad


def gradient_error(f, x, gradient, *, rng, directions=6, step=1e-5):
    """How far gradient is from the true gradient of f at x, relative: the largest over random directions.

    It needs two values of f for each direction, so f should be the harness's own formula, not a question over the wire.
    """
    x, gradient = np.asarray(x, np.float64), np.asarray(gradient, np.float64)
    if gradient.shape != x.shape:
        return float("inf")
    worst = 0.0
    for _ in range(directions):
        d = rng.normal(size=x.shape)
        d /= np.linalg.norm(d)
        want, got = central_difference(f, x, d, step), float((gradient * d).sum())
        if not np.isfinite(got):
            return float("inf")
        worst = max(worst, abs(got - want) / max(abs(want), abs(got), 1e-6))
    return worst
