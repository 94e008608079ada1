"""How often a pass sweeps the whole table of logits, by policy: counted, not timed."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ladr import POLICIES, build, decode
from toy import knowing

DEAR = ("_softmax", "_log_softmax", "logsumexp", "exp", "special_entr", "topk", "sort", "log_softmax")
GRID, CODES = (9, 9), 256
SHARED = 1.0  # the softmax of the draw
ANOTHER = {
    "entropy_bound": 1.0,  # entropies
    "klass": 1.0,  # the divergence from the pass before
    "doubt": 1.0, "careful": 1.0, "free_riders": 1.0, "unsure": 1.0, "tries": 1.0,  # the conditional branch
    "moment": 1.0,  # a colder softmax
}  # fmt: skip


class Guided:
    """A backbone with two branches of fixed logits."""

    grid, codes, conditional = GRID, CODES, None

    def __init__(self):
        shape = (2, GRID[0] * GRID[1], CODES)
        self.table = 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))
        self.everywhere = False

    def bind(self, prompts):
        return self

    def keep(self, live):
        pass

    @property
    def attention(self):
        return torch.ones(1, GRID[0] * GRID[1], GRID[0] * GRID[1])

    def logits(self, tokens, rows, *, t=None, recompute=None):
        masked = (tokens[0] == -1).flatten()
        self.conditional = self.table[1][masked]
        return self.table[0][None].view(1, *GRID, CODES) if self.everywhere else self.table[0][masked]


class Counter(TorchDispatchMode):
    """Counts the elements that expensive operations read of tensors that are CODES wide."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        table = args[0] if args and isinstance(args[0], torch.Tensor) else None
        wide = table is not None and table.dim() and table.shape[-1] == CODES
        if wide and func.overloadpacket.__name__ in DEAR:
            self.elements += table.numel()
        return func(*args, **(kwargs or {}))


def sweeps(policy):
    """Tables read by expensive operations over tables predicted, in one decode."""
    with Counter() as counter:
        out = decode(Guided(), ["a"], policy, steps=6, batch_size=1)
    predicted = sum(out.trace.images[0].masked)
    if policy.everywhere:
        predicted = GRID[0] * GRID[1] * out.trace.images[0].passes
    return counter.elements / (predicted * CODES), GRID[0] * GRID[1] / predicted


@pytest.mark.parametrize("name", [n for n in POLICIES if n != "random"])
def test_a_policy_sweeps_the_table_once_more_at_most(name):
    counted, drawn_again = sweeps(knowing(name, lambda slow: decode(Guided(), ["a"], slow, steps=6)))
    own = 2 * drawn_again if name == "moment" else 0  # tokens of its own, at the cells it takes
    assert counted <= SHARED + ANOTHER.get(name, 0) + own + 1e-9


@pytest.mark.parametrize(
    "spec",
    [
        {"policy": "cosine", "rank": "entropy"},
        {"policy": "doubt", "rank": "entropy"},
        {"policy": "prophet", "logits": "conditional", "scale": 100.0},
    ],
    ids=str,
)
def test_what_is_asked_of_a_branch_is_read_once_in_a_pass(spec):
    assert sweeps(build(spec))[0] <= 3 - (spec["policy"] != "doubt") + 1e-9


def test_the_count_sees_a_sweep():
    def wasteful(view):
        table = view.predictions.marginals.logits
        return view.masked & (table.logsumexp(-1).max() > table.softmax(-1).min())

    assert sweeps(build(wasteful))[0] == pytest.approx(3)
