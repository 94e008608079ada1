"""How probable was a choice of cells, when the choice used tokens that were then thrown away?

A step that ranks by the *drawn* token (Lumina-DiMOO, MaskGIT) draws a token in every masked cell, adds Gumbel
noise to its log probability, commits the best k cells and forgets the other tokens. The likelihood of what it
commits is a sum over the forgotten tokens. That sum factorises. With score log p + c * gumbel a cell is like
an alarm that rings at rate w = p^(1/c), and the step takes the first k alarms. Let T be the time when the
last of these rings. Conditional on T the other cells are independent, and each is silent until T with
probability sum_v p(v) exp(-T p(v)^(1/c)). What remains is one integral over T.
"""

import torch
from torch import Tensor

NODES = 128  # of the integral over log T, whose integrand is smooth and dies at both ends


def log_weight(
    log_p: Tensor, drawn: Tensor, chosen: Tensor, rescued: Tensor, masked: Tensor, noise: Tensor
) -> Tensor:
    """log [P(chosen | committed tokens) / P(chosen | all drawn tokens)] -> (B,) float64.

    log_p (B,H,W,K): predictions. drawn (B,H,W): codes at the masked cells. chosen (B,H,W): the best cells by
    log p + noise * gumbel, with noise (B,1,1,1). rescued (B,H,W): cells that are committed in addition, by a
    rule that reads no drawn token. The numerator is averaged over the tokens of the cells that stay masked,
    and not over those of rescued cells.
    """
    out = torch.zeros(len(masked), dtype=log_p.dtype)
    waits = masked & ~chosen
    rows = (waits & ~rescued).flatten(1).any(1)  # elsewhere nothing was forgotten
    if not rows.any():
        return out
    log_rates = log_p[rows] / noise[rows]
    own = log_rates.gather(3, drawn[rows].clamp_min(0)[..., None])[..., 0]
    chosen, waits, rescued = chosen[rows], waits[rows], rescued[rows]
    log_t = _times(own, chosen, waits)
    last = _log_density_of_last(log_t, own, chosen)
    known = _log_silent(log_t, own, waits)
    averaged = _log_silent(log_t, own, waits & rescued)
    averaged = averaged + _log_silent_on_average(log_t, log_p[rows], log_rates, waits & ~rescued)
    out[rows] = torch.logsumexp(last + averaged, 0) - torch.logsumexp(last + known, 0)
    return out


def _times(log_rate: Tensor, chosen: Tensor, waits: Tensor) -> Tensor:
    """(nodes,B): log T, from where hardly any cell has rung to where all chosen cells have rung."""
    ringing = log_rate.masked_fill(~(chosen | waits), -torch.inf).flatten(1)
    start = -torch.logsumexp(ringing, 1) - 16
    end = -log_rate.masked_fill(~chosen, torch.inf).flatten(1).amin(1) + 4.5
    return start + torch.linspace(0, 1, NODES, dtype=log_rate.dtype)[:, None] * (end - start)


def _log_silent(log_t: Tensor, log_rate: Tensor, cells: Tensor) -> Tensor:
    """(nodes,B): log probability that none of the cells, with these drawn tokens, has rung by T."""
    row = cells.nonzero()[:, 0]
    return torch.zeros_like(log_t).index_add_(1, row, -(log_t[:, row] + log_rate[cells]).exp())


def _log_silent_on_average(log_t: Tensor, log_p: Tensor, log_rates: Tensor, cells: Tensor) -> Tensor:
    """(nodes,B): the same averaged over the token of every cell."""
    row = cells.nonzero()[:, 0]
    rung = (log_t[:, row, None] + log_rates[cells]).exp()
    silent = torch.logsumexp(log_p[cells] - rung, -1)
    return torch.zeros_like(log_t).index_add_(1, row, silent)


def _log_density_of_last(log_t: Tensor, log_rate: Tensor, cells: Tensor) -> Tensor:
    """(nodes,B): log density of log T up to a constant of each row; T is when the last cell rings."""
    row = cells.nonzero()[:, 0]
    passed = (log_t[:, row] + log_rate[cells]).exp().clamp(1e-300, 700)
    rung = torch.zeros_like(log_t).index_add_(1, row, (-torch.expm1(-passed)).log())
    hazard = torch.zeros_like(log_t).index_add_(1, row, passed / torch.expm1(passed))
    return rung + hazard.clamp_min(1e-300).log()
