"""Profiles: Snakemake plans with each of them, and knows every key of those that need a plugin."""

import importlib.util

import pytest
import yaml
from snakemake.cli import get_argument_parser

from tiny import TEXT
from workflow_runs import ROOT, jobs, laid_out, snakemake

PROFILES = ROOT / "profiles"
ON_GPUS = TEXT.replace("batch_size: 4", "batch_size: 4\n    gpus: 1")


def settings(name):
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text(encoding="utf-8"))


def known(plugin):
    """The options of Snakemake itself, and those of a plugin that is not installed by its prefix."""
    options = get_argument_parser()._option_string_actions
    return {name.removeprefix("--") for name in options} | {f"{plugin}-"}


@pytest.mark.parametrize("name", sorted(path.name for path in PROFILES.iterdir()))
def test_snakemake_knows_every_key_of_a_profile(name):
    profile = settings(name)
    plugin = profile.get("executor", "")
    for key in profile:
        assert key in known(plugin) or (plugin and key.startswith(f"{plugin}-")), key


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cards"), [("workstation", 1), ("eight-gpus", 8)])
def test_a_machine_with_cards_decodes_as_many_cells_at_a_time(tmp_path, name, cards):
    folder = laid_out(tmp_path / "w", ON_GPUS)
    done = snakemake(folder, "--profile", f"profiles/{name}", "-n")
    assert {"decode_field_field_exact_0", "table"} <= set(jobs(done))
    assert settings(name)["resources"] == [f"gpu={cards}"]
    assert "gpu=1" in done.stdout


@pytest.mark.slow
def test_slurm_plans(tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'ladr[slurm]'")
    folder = laid_out(tmp_path / "w")
    for more in ((), ("--slurm-array-jobs", "shard")):
        assert "table" in jobs(snakemake(folder, "--profile", "profiles/slurm", *more, "-n"))


@pytest.mark.slow
def test_kubernetes_plans_with_files_in_a_storage(tmp_path):
    for plugin in ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_fs"):
        if importlib.util.find_spec(plugin) is None:
            pytest.skip(f"no {plugin}: `make storage` installs it")
    here = ["--default-storage-provider", "fs", "--default-storage-prefix", str(tmp_path / "store")]
    done = snakemake(laid_out(tmp_path / "w", ON_GPUS), "--profile", "profiles/kubernetes", *here, "-n")
    assert "table" in jobs(done)
    assert "gpu_manufacturer=nvidia" in done.stdout
