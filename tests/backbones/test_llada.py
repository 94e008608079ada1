"""The transformer, its K/V memory, and checkpoint files."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.lumina.attention import Turn, grouped
from ladr.backbones.lumina.llada import KV, LLaDA
from ladr.backbones.random.blank import TINY, random_model
from ladr.base.errors import LadrError


@pytest.fixture(scope="module")
def model():
    return random_model(TINY, seed=3)


def ids(*shape):
    return torch.randint(0, 192, shape, generator=torch.Generator().manual_seed(len(shape)))


def test_tensor_names_are_upstreams(model):
    names = set(model.state_dict())
    block = {
        "attn_norm", "ff_norm", "q_proj", "k_proj", "v_proj", "attn_out", "ff_proj", "up_proj", "ff_out",
    }  # fmt: skip
    wanted = {f"model.transformer.blocks.{i}.{name}.weight" for i in range(2) for name in block}
    assert names == wanted | {f"model.transformer.{name}.weight" for name in ("wte", "ln_f", "ff_out")}


def test_packed_sequences_equal_lone_ones(model):
    lengths = [5, 9, 9, 12]
    rows = [ids(n) for n in lengths]
    positions = torch.cat([torch.arange(n) for n in lengths])
    with torch.no_grad():
        packed = model.run(torch.cat(rows), model.turn(positions), grouped(lengths, lengths))
        for row, states in zip(rows, packed.split(lengths), strict=True):
            assert torch.allclose(states, model(row[None])[0], atol=1e-5)


def test_a_turn_multiplies_by_a_unit_complex_number():
    stream = torch.Generator().manual_seed(0)
    x, angle = torch.randn(5, 3, 8, generator=stream), torch.randn(5, 1, 4, generator=stream)
    turned = torch.complex(*x.chunk(2, -1)) * torch.polar(torch.ones_like(angle), angle)
    wanted = torch.cat((turned.real, turned.imag), -1)
    assert torch.allclose(Turn.by(angle)(x), wanted, atol=1e-6)
    assert torch.allclose(Turn.by(angle).at(torch.tensor([3]))(x[3:4]), wanted[3:4], atol=1e-6)


def test_the_last_layer_may_answer_for_some_places(model):
    lengths = [6, 8]
    row, want = ids(14), torch.tensor([0, 5, 7, 13])
    with torch.no_grad():
        turn, groups = model.turn(torch.cat([torch.arange(6), torch.arange(8)])), grouped(lengths, lengths)
        some = model.run(row, turn, groups, last=(want, grouped([2, 2], lengths)))
        assert torch.allclose(some, model.run(row, turn, groups)[want], atol=1e-5)


def test_recomputing_everything_through_the_memory_is_a_full_pass(model):
    row, at = ids(10), torch.arange(10)
    turn, memory = model.turn(at), KV(TINY, 10, model.body["wte"].weight)
    with torch.no_grad():
        full = model.run(row, turn, grouped([10], [10]))
        for _ in range(2):
            assert torch.allclose(
                model.run(row, turn, grouped([10], [10]), kv=memory, at=at), full, atol=1e-5
            )
        some = torch.tensor([1, 4, 8])
        part = model.run(row[some], turn.at(some), grouped([3], [10]), kv=memory, at=some)
        assert torch.allclose(part, full[some], atol=1e-5)
        changed = row.clone()
        changed[4] = (row[4] + 1) % 192
        part = model.run(changed[some], turn.at(some), grouped([3], [10]), kv=memory, at=some)
        assert (part - full[some])[0].abs().max() > 1e-3


def test_positions_may_have_gaps(model):
    row = ids(1, 12)
    kept = torch.tensor([[0, 1, 4, 5, 9, 11]])
    with torch.no_grad():
        dense = model(row.gather(1, kept))
        assert not torch.allclose(model(row.gather(1, kept), kept), dense, atol=1e-3)
        shifted = torch.arange(6)[None] + 7
        assert torch.allclose(model(row[:, :6], shifted), model(row[:, :6]), atol=1e-4)


def test_training_computes_what_inference_computes(model):
    row = ids(2, 11)
    with torch.no_grad():
        wanted = model(row)
    fresh = LLaDA(TINY)
    fresh.load_state_dict(model.state_dict())
    states = fresh(row)
    assert torch.allclose(states, wanted, atol=1e-5)
    fresh.head(states, 128, 192).logsumexp(-1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in fresh.parameters())


def test_head_over_a_range(model):
    hidden = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model.head(hidden, 128, 192), model.head(hidden)[:, 128:], atol=1e-6)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_checkpoint_comes_back(model, tmp_path, parts):
    checkpoint.save(tmp_path, TINY.to_json(), model.state_dict(), parts=parts)
    assert len(list(tmp_path.glob("*.safetensors"))) == parts
    back = LLaDA(TINY)
    checkpoint.load(back, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), model.parameters(), strict=True))
    with torch.device("meta"):
        back = LLaDA(TINY)
    checkpoint.load(back, tmp_path, dtype=torch.bfloat16)
    assert {p.dtype for p in back.parameters()} == {torch.bfloat16}


def saved(model, folder, parts=1):
    checkpoint.save(folder, TINY.to_json(), model.state_dict(), parts=parts)
    return folder / "model.safetensors"


def rewrite(path, change):
    state = load_file(path)
    change(state)
    save_file(state, path)


NAME = "model.transformer.ln_f.weight"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop(NAME), f"tensor {NAME} is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "tensor extra does not belong"),
        (lambda s: s.update({NAME: torch.ones(63)}), r"ln_f.weight has shape \(63,\); .* asks for \(64,\)"),
    ],
)
def test_wrong_tensors_are_refused(model, tmp_path, change, says):
    rewrite(saved(model, tmp_path), change)
    with pytest.raises(LadrError, match=says):
        checkpoint.load(LLaDA(TINY), tmp_path)


def test_a_truncated_file_is_refused(model, tmp_path):
    path = saved(model, tmp_path)
    for size in (path.stat().st_size - 100, 50, 4, 0):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(LadrError, match=r"model\.safetensors: truncated or damaged"):
            checkpoint.load(LLaDA(TINY), tmp_path)


def test_a_missing_shard_is_refused(model, tmp_path):
    saved(model, tmp_path, parts=3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(LadrError, match=r"index\.json: names model-00002-of-00003\.safetensors"):
        checkpoint.load(LLaDA(TINY), tmp_path)


def test_an_index_cannot_lead_out_of_the_folder(model, tmp_path):
    saved(model, tmp_path / "in", parts=2)
    index = tmp_path / "in" / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"][NAME] = "../model.safetensors"
    index.write_text(json.dumps(content))
    with pytest.raises(LadrError, match=r"names '\.\./model\.safetensors"):
        checkpoint.load(LLaDA(TINY), tmp_path / "in")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors"])
def test_a_pickle_is_refused(model, tmp_path, name):
    saved(model, tmp_path).unlink()
    (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(LadrError, match="pickle"):
        checkpoint.load(LLaDA(TINY), tmp_path)


def test_an_empty_folder_and_broken_json_are_refused(tmp_path):
    with pytest.raises(LadrError, match=r"neither model\.safetensors nor model\.safetensors\.index\.json"):
        checkpoint.load(LLaDA(TINY), tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(LadrError, match="not valid JSON"):
        checkpoint.read_json(tmp_path / "config.json")
