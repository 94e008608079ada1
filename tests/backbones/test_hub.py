"""`ladr sample` with weights of the hub: fetched, cached, and every way in which they can be missing."""

import json
import re
import shutil
import sys
from functools import partial

import pytest
import typer
from typer.testing import CliRunner

import hub_server
from hub_server import COMMIT, NAME
from ladr import LadrError
from ladr.backbones.checkpoint.hub import again, folder_of, held
from ladr.backbones.random.blank import random_checkpoint
from ladr.backbones.random.blank_amused import random_amused
from ladr.cli.sample import sample

FETCH = f"hf download {NAME}"
MEND = rf"mend it: {FETCH} --revision {COMMIT}"
FORCE = MEND + " --force-download"
SHARD = "model-00002-of-00003.safetensors"


@pytest.fixture(scope="module")
def lumina(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("lumina"), parts=3)


@pytest.fixture(scope="module")
def amused(tmp_path_factory):
    return random_amused(tmp_path_factory.mktemp("amused"))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's library set to a cache of its own and to an address, where by default nobody answers."""
    from huggingface_hub import utils

    def at(endpoint="http://127.0.0.1:9", offline=False):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        for module in ("constants", "file_download"):
            name = f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE"
            monkeypatch.setattr(name, template, raising=False)
        getattr(utils, "reset_sessions", lambda: None)()  # older libraries keep one that was opened offline
        return tmp_path

    monkeypatch.chdir(tmp_path)
    return at


def draw(*words, backbone="lumina-dimoo", model=NAME):
    """`ladr sample` with that model; what it says, raised if it is an error."""
    app = typer.Typer()
    app.command()(sample)
    asked = [
        "a red circle",
        "--backbone",
        backbone,
        "--model",
        model,
        "--steps",
        "4",
        "--json",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(app, [*map(str, [*asked, *words])])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return json.loads(done.stdout.splitlines()[-1])


def says(message):
    return pytest.raises(LadrError, match=message)


def test_a_model_is_fetched_by_revision_once_and_its_hashes_are_kept(hub, lumina):
    with hub_server.serving(lumina) as server:
        hub(server.url)
        first = draw("--revision", "main")
        fetched = list(server.asked)
        assert first["samplers"][0]["passes"] <= 4
        assert {SHARD, "tokenizer.json", "vqvae/diffusion_pytorch_model.safetensors"} <= set(fetched)
        draw("--revision", COMMIT)
        assert server.asked == fetched, "what is in the cache is not fetched twice"
    kept = held(NAME)
    assert kept["commit"] == COMMIT
    assert kept["sha256"] == {
        str(path.relative_to(lumina)): hub_server.digest(path) for path in lumina.rglob("*.safetensors")
    }
    hub(offline=True)
    assert draw()["samplers"][0]["passes"] == first["samplers"][0]["passes"]


def test_a_download_that_breaks_off_says_how_to_go_on_and_keeps_complete_files(hub, lumina, monkeypatch):
    from huggingface_hub.file_download import http_get

    monkeypatch.setattr("huggingface_hub.file_download.http_get", partial(http_get, _nb_retries=0))
    with hub_server.serving(lumina) as server:
        hub(server.url)
        server.cut = SHARD
        with says(rf"cannot be fetched .*try again, complete files are kept: {FETCH}") as broken:
            draw()
        assert broken.value.status == 1
        server.cut, before = "", list(server.asked)
        assert draw()["samplers"][0]["passes"] <= 4
        again = server.asked[len(before) :]
    assert SHARD in again
    assert len(again) < len(set(before)), "complete files are fetched again"


@pytest.mark.parametrize("backbone", ["lumina-dimoo", "amused"])
def test_wrong_revisions_and_names_are_told_apart(hub, lumina, backbone):
    with hub_server.serving(lumina) as server:
        hub(server.url)
        with says(rf"{NAME} at revision v9 does not exist; give a branch, tag or .*or none .*: {FETCH}$"):
            draw("--revision", "v9", backbone=backbone)
        with says(r"me/gone does not exist on the hub, or is not yours to read \(hf auth login\)"):
            draw(model="me/gone", backbone=backbone)
        with says(
            r"me/closed wants its terms accepted: https://huggingface.co/me/closed, then: hf auth login"
        ):
            draw(model="me/closed", backbone=backbone)


@pytest.mark.parametrize(("offline", "why"), [(True, r" \(HF_HUB_OFFLINE is set\)"), (False, "")])
def test_without_network_the_cache_is_used_and_its_absence_is_told(hub, lumina, offline, why):
    home = hub(offline=offline)
    with says(
        rf"{NAME} at revision main is not in the cache and the hub cannot be reached{why}; online: {FETCH}$"
    ) as refused:
        draw()
    assert refused.value.status == (2 if offline else 1)
    hub_server.cached(home, lumina)
    assert draw()["samplers"][0]["passes"] <= 4
    with says(rf"at revision v9 is not in the cache .*; online: {FETCH} --revision v9$"):
        draw("--revision", "v9")


@pytest.mark.parametrize(
    ("backbone", "file", "says_"),
    [
        ("lumina-dimoo", SHARD, rf"index\.json: names {SHARD}, which is not in .*; {MEND}$"),
        ("lumina-dimoo", "config.json", rf"config\.json: no such file; {MEND}$"),
        ("lumina-dimoo", "tokenizer.json", rf"no tokenizer\.json; {MEND}$"),
        ("lumina-dimoo", "vqvae/diffusion_pytorch_model.safetensors", rf"vqvae: neither .*; {MEND}$"),
        ("amused", "transformer/diffusion_pytorch_model.safetensors", rf"transformer: neither .*; {MEND}$"),
        ("amused", "text_encoder/model.safetensors", rf"text_encoder: neither .*; {MEND}$"),
        ("amused", "model_index.json", rf"model_index\.json: no such file; {MEND}$"),
    ],
)
def test_what_a_stopped_download_left_out_is_named_before_decoding(
    hub, lumina, amused, backbone, file, says_
):
    snapshot = hub_server.cached(hub(offline=True), lumina if backbone == "lumina-dimoo" else amused)
    (snapshot / file).unlink()
    with says(says_):
        draw(backbone=backbone)


@pytest.mark.parametrize(
    ("backbone", "file"),
    [
        ("lumina-dimoo", SHARD),
        ("lumina-dimoo", "vqvae/diffusion_pytorch_model.safetensors"),
        ("amused", "transformer/diffusion_pytorch_model.safetensors"),
        ("amused", "text_encoder/model.safetensors"),
        ("amused", "vqvae/diffusion_pytorch_model.safetensors"),
    ],
)
def test_half_a_shard_and_a_changed_one_are_named_with_the_command(hub, lumina, amused, backbone, file):
    folder = lumina if backbone == "lumina-dimoo" else amused
    snapshot = hub_server.cached(hub(offline=True), folder)
    blob = (snapshot / file).resolve()
    whole = blob.read_bytes()
    blob.write_bytes(whole[: len(whole) // 2])
    with says(rf"{re.escape(file)}: sha256 is [0-9a-f]{{64}}, the hub says {blob.name}; {FORCE}$"):
        draw(backbone=backbone)
    with says(rf"{re.escape(file)}: truncated or damaged .*; {FORCE}$"):
        draw(backbone=backbone, model=snapshot)
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with says(rf"sha256 is .*; {FORCE}$"):
        draw(backbone=backbone)
    blob.write_bytes(whole)
    assert draw(backbone=backbone)["samplers"][0]["passes"] <= 4
    assert again(folder) == "download it again"


@pytest.mark.parametrize("backbone", ["lumina-dimoo", "amused"])
def test_too_little_memory_is_told_with_what_helps(lumina, amused, tmp_path, monkeypatch, backbone):
    folder = lumina if backbone == "lumina-dimoo" else amused
    monkeypatch.setattr("ladr.backbones.checkpoint.fits.free", lambda device: 1e5)
    monkeypatch.chdir(tmp_path)
    numbers = r"needs about \d+\.\d GB \(weights \d+\.\d\), cpu has 0\.0 GB free; "
    with says(numbers + r"dtype bfloat16 \(--dtype bfloat16\).*--size 512x512.*`ladr devices`"):
        draw(backbone=backbone, model=folder)


@pytest.mark.parametrize(
    ("backbone", "package", "says_"),
    [
        (
            "lumina-dimoo",
            "diffusers",
            r"pixels: the package diffusers is not installed; pip install 'ladr\[real\]",
        ),
        ("lumina-dimoo", "huggingface_hub", rf"{NAME} of the hub: .*pip install 'ladr\[real\]"),
        ("amused", "diffusers", r"network of aMUSEd: .*pip install 'ladr\[real\]"),
        ("amused", "transformers", r"text encoder of aMUSEd: .*pip install 'ladr\[real\]"),
    ],
)
def test_a_missing_package_is_told(lumina, amused, tmp_path, monkeypatch, backbone, package, says_):
    folder = lumina if backbone == "lumina-dimoo" else amused
    monkeypatch.chdir(tmp_path)
    for name in [package, *(n for n in sys.modules if n.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with says(says_):
        draw(backbone=backbone, model=NAME if package == "huggingface_hub" else folder)


@pytest.mark.parametrize(
    ("backbone", "file", "changes", "says_"),
    [
        (
            "lumina-dimoo",
            "config.json",
            {"auto_map": {"AutoModel": "evil.Model"}},
            r"auto_map\.AutoModel .*evil",
        ),
        (
            "amused",
            "model_index.json",
            {"transformer": ["evil", "Model"]},
            r"transformer is \['evil', 'Model'\]",
        ),
        (
            "amused",
            "text_encoder/config.json",
            {"auto_map": {"AutoModel": "evil.M"}},
            "auto_map asks for .*evil",
        ),
    ],
)
def test_code_of_a_repository_is_refused_and_not_run(
    hub, lumina, amused, tmp_path, backbone, file, changes, says_
):
    folder = lumina if backbone == "lumina-dimoo" else amused
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / file).write_text(json.dumps({**json.loads((copy / file).read_text()), **changes}))
    for place in (copy, (copy / file).parent):
        (place / "evil.py").write_text("open('ran', 'w').close()")
    with hub_server.serving(copy) as server:
        hub(server.url)
        with says(says_ + ".* never run here"):
            draw(backbone=backbone)
        assert not [name for name in server.asked if name.endswith(".py")], "code was fetched"
    assert not (tmp_path / "ran").exists()


def test_only_a_name_of_the_hub_is_asked_for(hub):
    hub()
    for wrong in ("./nowhere", "/no/where", "a/b/c", "tiny"):
        with says("is neither a folder here nor a hub name like 'owner/name'"):
            folder_of(wrong)
