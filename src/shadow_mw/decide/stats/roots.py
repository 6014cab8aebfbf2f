"""Where a function changes its sign, for many functions at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shadow_mw.decide.stats.interval import Floats

_STEPS = 100
_LARGE = 1e6


def root(f: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """A point between `low` and `high`, of any shape, to 1e-12 absolute or 1e-10 relative.

    Chandrupatla, A new hybrid quadratic/bisection algorithm, Advances in Engineering Software 28
    (1997). `f` works element by element, rises or falls, and is finite or infinite. Where it does
    not change its sign the end with the smaller value comes back.
    """

    def value(x: Floats) -> Floats:
        return np.asarray(np.clip(f(x), -_LARGE, _LARGE))

    b, a = (np.array(end, float) for end in np.broadcast_arrays(low, high))
    fb, fa = value(b), value(a)
    t = np.full_like(a, 0.5)
    for _ in range(_STEPS):
        at = a + t * (b - a)
        value_at = value(at)
        same = np.sign(value_at) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = at, value_at
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        found = np.minimum(np.abs(fa), np.abs(fb)) == 0
        near = 1e-12 + 1e-10 * np.abs(best)
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = near / np.abs(b - a)
            if (found | ~(limit < 0.5)).all():
                break
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            curve = fa / (fb - fa) * fc / (fb - fc)
            curve += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            t = np.clip(np.where(smooth, curve, 0.5), limit, 1 - limit)
        t = np.where(np.isfinite(t), t, 0.5)
    return np.asarray(best)
