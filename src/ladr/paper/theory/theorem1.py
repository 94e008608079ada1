"""Theorem 1: does a confidence gap of tau bound the error 1 - p1 of the arg-max?

The paper's bound (1 - tau)/2 assumes that the two likeliest classes share all the mass. This is the best case
for p1, not the worst: p1 is smallest when every other class is exactly tau below it. From p_k <= p1 - tau for
all k > 1, and sum p = 1, follows p1 >= (1 + (K-1) tau)/K. So the error is at most (K-1)(1-tau)/K, and one
distribution has exactly this error.
"""

import numpy as np
import torch

from ladr.backbones.exact.field import Field
from ladr.backbones.exact.transfer import Transfer

TAU = 0.05  # the paper's threshold


def printed_bound(tau: float) -> float:
    """The error bound as the paper prints it (its Eq. 5), the same for every number of classes."""
    return (1 - tau) / 2


def correct_bound(K: int, tau: float) -> float:
    """The smallest error bound that holds for every distribution over K classes with gap at least tau."""
    return (K - 1) * (1 - tau) / K


def worst_case(K: int, tau: float) -> np.ndarray:
    """The distribution (K,) that attains `correct_bound`: all runners-up exactly tau below the first."""
    p1 = (1 + (K - 1) * tau) / K
    return np.r_[p1, np.full(K - 1, p1 - tau)]


def worst_error(K: int, tau: float) -> float:
    """The largest error under the gap constraint, by a linear programme that uses no formula of ours."""
    from scipy.optimize import linprog
    from scipy.sparse import diags_array, hstack

    least_gap = hstack([np.full((K - 1, 1), -1.0), diags_array(np.ones(K - 1))], format="csr")
    solution = linprog(
        np.r_[1.0, np.zeros(K - 1)],  # smallest p1 ...
        A_ub=least_gap, b_ub=np.full(K - 1, -tau),  # ... with p_k - p1 <= -tau for every other class ...
        A_eq=np.ones((1, K)), b_eq=[1.0], bounds=(0, 1),  # ... among the probability vectors
    )  # fmt: skip
    return float(1 - solution.x[0])


def on_field(truth: Transfer, samples: int, seed: int, tau: float = TAU) -> dict:
    """Test the bounds on an exact model: errors of arg-max commits on a partly observed Potts grid.

    Of the masked cells whose gap exceeds tau, in random partial samples of the truth: the mean and the
    largest error 1 - p1 of the arg-max (a sampled token has this error, too), and the shares of cells that
    break the printed and the correct bound.
    """
    stream = torch.Generator().manual_seed(seed)
    shape = (samples, *(truth.W, truth.H)) if truth.flipped else (samples, truth.H, truth.W)
    x = truth.sample(torch.rand(shape, generator=stream))
    observed = torch.rand(shape, generator=stream) < torch.rand(samples, 1, 1, generator=stream)
    p = truth.log_marginals(torch.where(observed, x, -1)).exp()[~observed]
    best = p.topk(2, dim=-1).values
    passing = best[:, 0] - best[:, 1] > tau
    error = 1 - best[passing, 0]
    return {
        "K": truth.K, "tau": tau, "passing": float(passing.double().mean()),
        "mean_error": float(error.mean()), "largest_error": float(error.max()),
        "breaks_printed": float((error > printed_bound(tau)).double().mean()),
        "breaks_correct": float((error > correct_bound(truth.K, tau) + 1e-12).double().mean()),
    }  # fmt: skip


def rows(quick: bool = False) -> list[dict]:
    """One row per number of classes: printed and correct bound, the linear programme, the equality case."""
    sizes = [2, 3, 4, 16, 256] if quick else [2, 3, 4, 16, 256, 8192]
    return [
        {
            "K": K, "tau": tau, "printed": printed_bound(tau), "correct": correct_bound(K, tau),
            "programme": worst_error(K, tau), "equality_case": float(1 - worst_case(K, tau)[0]),
        }
        for tau in (TAU, 0.5) for K in sizes
    ]  # fmt: skip


def field_rows(quick: bool = False) -> list[dict]:
    """`on_field` over couplings, 6x6 grids with 3 codes."""
    samples = 100 if quick else 400
    return [
        {"coupling": beta, **on_field(Field((6, 6), 3, coupling=beta).truth(), samples, seed=0)}
        for beta in (0.3, 0.6, 0.9)
    ]
