"""One quadratic loss, repeated: scalar, diagonal or dense.

f_t(x) = (x - center)' H (x - center)/2
"""

from simlab.comparator import quadratic_best
from simlab.errors import BadInput
from simlab.feasible import Box, Space
from simlab.ops import divide, dot, matvec
from simlab.problem import Problem
from simlab.rule import Matrix, Reals


def loss(t, x, curvature, center):
    """f(x)."""
    return divide(dot(x - center, matvec(curvature, x - center)), 2)


def grad(t, x, curvature, center):
    """H (x - center)."""
    return matvec(curvature, x - center)


def quadratic(*, curvature: Matrix = 1, center: Reals = 0, lower: Reals = None, upper: Reals = None):
    """A fixed convex quadratic; the dimension is that of center and curvature.

        f(x) = (x - center)' H (x - center)/2,   F = the whole space, or [lower, upper] if either is given

    curvature: H >= 0 as a number, a diagonal "1,10" or a symmetric positive semidefinite matrix "2,1;1,2";
    center: a number or a vector "1,0*9". Lower and upper bounds: numbers or vectors; both or neither.

    Reference: the textbook problem; cf. Bock and Weiss 2019 for Adam's 2-cycles on it.
    """
    shapes = {len(v) for v in (curvature, center, lower, upper) if isinstance(v, tuple)}
    if len(shapes) > 1:
        raise BadInput(f"curvature, center, lower and upper have one dimension; got {sorted(shapes)}")
    d = shapes.pop() if shapes else None
    if d is not None:
        center = center if isinstance(center, tuple) else (center,) * d
        curvature = curvature if isinstance(curvature, tuple) else (curvature,) * d
    if (lower is None) != (upper is None):
        raise BadInput("give both lower and upper, or neither (then F is the whole space)")
    feasible = Space() if lower is None else Box(lower, upper)
    best = quadratic_best(curvature, center, feasible)
    return Problem(loss, grad, feasible, (curvature, center), period=1, dimension=d, best=best)
