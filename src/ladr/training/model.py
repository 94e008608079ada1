"""The state of a training run, and one step of it, on one or more CPU processes or on a GPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import Tensor

from ladr.backbones.exact.patches import PatchCodes
from ladr.backbones.lumina.llada import LLaDA
from ladr.base.errors import LadrError
from ladr.training import checkpoints
from ladr.training.data import Sample, Stream
from ladr.training.data_set import data_set
from ladr.training.muon import Muon
from ladr.training.objective import loss
from ladr.training.settings import SHARDS, Settings

VALIDATION_SEED = 1_000_003


class Run:
    """The state of a run on one of `world` processes: each takes every `world`-th shard."""

    def __init__(
        self,
        settings: Settings,
        patches: PatchCodes,
        folder: Path,
        rank: int = 0,
        world: int = 1,
        source: Callable[[int, int, int], Callable[[int], Sample] | None] = lambda seed, stride, early: None,
    ):
        """source: of (seed, stride, early), what makes the samples of a stream; None: the stream itself."""
        self.settings, self.folder, self.rank, self.world = settings, folder, rank, world
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings.seed)  # the one use of the global stream: initial weights
        self.model = initial(LLaDA(settings.config)).to(self.device)
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}
        matrices = [p for p in self.model.body["blocks"].parameters() if p.ndim == 2]
        others = [p for p in self.model.parameters() if not any(p is m for m in matrices)]
        dtype = torch.bfloat16 if multiplies_bfloat16(self.device) else torch.float32
        self.muon = Muon(matrices, lr=settings.matrix_rate, weight_decay=0.01, dtype=dtype)
        self.adam = torch.optim.AdamW(others, lr=settings.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.step, self.spent = 0, 0.0
        data = data_set(settings.data, folder.parent)
        tokenizer = data.tokenizer()
        layout = settings.layout

        def encode(caption: str | None) -> list[int]:
            return tokenizer.encode(layout.text(layout.uncondition if caption is None else caption)).ids

        def stream(seed: int, shard: int, shards: int) -> Stream:
            mine = seed == settings.seed
            early = settings.early_samples() if mine else 0
            ahead = source(seed, shards, early) if mine and shard % world == rank else None
            make = data.numbered(seed, early)
            return Stream(make, shard, shards, settings.shard_batch, encode, patches, ahead)

        self.streams = [stream(settings.seed, s, SHARDS) for s in range(SHARDS)]
        self.batches = [iter(s) for s in self.streams]
        held_out = iter(stream(VALIDATION_SEED, 0, 1))
        self.validation = [next(held_out) for _ in range(8)] if rank == 0 else []

    def advance(self, compiled: bool) -> Tensor:
        """One optimizer step over all shards; the mean loss of this process's shards, not waited for."""
        s = self.settings
        for optimizer, rate in ((self.muon, s.matrix_rate), (self.adam, s.other_rate)):
            for group in optimizer.param_groups:
                group["lr"] = rate * s.rate(self.step)
        losses = []
        for shard in range(self.rank, SHARDS, self.world):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=multiplies_bfloat16(self.device)):
                batch, seed = next(self.batches[shard]), [s.seed, self.step, shard]
                keep, reach = s.cells(self.step), s.reach(self.step)
                value = loss(self.model, batch, s.layout, seed, keep, reach, compiled)
            (value / SHARDS).backward()
            losses.append(value.detach())
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in (self.muon, self.adam):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._update_average()
        self.step += 1
        return torch.stack(losses).mean()

    def _share_gradients(self) -> None:
        if self.world == 1:
            return
        grads = [p.grad for p in self.model.parameters()]
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        for grad, part in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        mine = self.model.state_dict()
        torch._foreach_lerp_(list(self.average.values()), [mine[k] for k in self.average], 1 - keep)

    @torch.no_grad()
    def validate(self) -> float:
        """The averaged weights' loss on images that training never sees, all cells in the sequence."""
        model = LLaDA(self.settings.config).to(self.device)
        model.load_state_dict(self.average)
        values = []
        for i, batch in enumerate(self.validation):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=multiplies_bfloat16(self.device)):
                values.append(loss(model, batch, self.settings.layout, [VALIDATION_SEED, i]))
        return float(torch.stack(values).mean())

    def save(self) -> None:
        """Everything to go on from here, from whichever number of processes."""
        tensors: dict[str, Tensor] = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        tensors |= checkpoints.flatten("muon", self.muon) | checkpoints.flatten("adam", self.adam)
        states = [stream.state() for stream in self.streams]
        if self.world > 1:
            gathered: list = [None] * self.world
            dist.all_gather_object(gathered, states)
            states = [gathered[s % self.world][s] for s in range(SHARDS)]
        if self.rank == 0:
            state = {
                "step": self.step,
                "seconds": self.spent,
                "streams": states,
                "steps": self.settings.steps,
            }
            checkpoints.write(self.folder, tensors, state)

    def start_from(self, weights: Path) -> None:
        """Take the weights of a finished model; step, optimizers and data begin anew."""
        try:
            self.model.load_state_dict(load_file(weights, device=str(self.device)))
        except RuntimeError as error:
            reason = " ".join(str(error).split()).partition(": ")[2][:120]
            raise LadrError(
                f"{weights}: its weights are not those of this model of {self.settings.data} ({reason})"
            ) from None
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}

    def resume(self) -> bool:
        """Go on from the last checkpoint of the folder, if there is one."""
        checkpoint = checkpoints.read(self.folder)
        if checkpoint is None:
            return False
        tensors, state = checkpoint
        chosen: dict[str, dict[str, Any]] = {p: {} for p in ("model", "average")}
        for name, tensor in tensors.items():
            head, _, rest = name.partition(".")
            if head in chosen:
                chosen[head][rest] = tensor
        self.model.load_state_dict(chosen["model"])
        self.average = {k: v.to(self.device) for k, v in chosen["average"].items()}
        checkpoints.restore("muon", self.muon, tensors)
        checkpoints.restore("adam", self.adam, tensors)
        self.step, self.spent = state["step"], state["seconds"]
        for stream, saved in zip(self.streams, state["streams"], strict=True):
            stream.restore(saved)
        self.batches = [iter(s) for s in self.streams]
        return True


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware does; a CPU that only emulates it is ten times slower than in float32."""
    return (
        device.type == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    )


@torch.no_grad()
def initial(model: LLaDA) -> LLaDA:
    """Small normal weights; what is added to the residual stream starts smaller with depth."""
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.02)
        if name.endswith(("attn_out.weight", ".ff_out.weight")) and "blocks" in name:
            weight.mul_((2 * model.config.n_layers) ** -0.5)
    return model
