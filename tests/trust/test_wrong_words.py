"""Wrong words after a command are refused with one line, and nothing is written."""

import shlex
from importlib import import_module

import pytest

from tiny import write
from trust.refusals import refused

ON = "--backbone field --benchmark field-exact"
CALLS = [
    (f"search {ON} --vary noise=3:1:1", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=0:0:0", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=nan:1:1", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=0:inf:1", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=0:1:5", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=0:1:log", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=-3:-1:1", "noise = -3"),
    (f"search {ON} --vary nois=0:1:0.5", "did you mean 'noise'"),
    (f"search {ON} --vary noise=", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary rank=gap,gapp", "gapp"),
    (f"search {ON} --size 0", "from 1 to 10000 prompts"),
    (f"search {ON} --size -1", "from 1 to 10000 prompts"),
    (f"search {ON} --size x", "(known: default, full, smoke)"),
    (f"search {ON} --size 1000000000", "from 1 to 10000 prompts"),
    (f"search {ON} --trials -1", "'--trials'"),
    (f"search {ON} --trials 0", "'--trials'"),
    (f"search {ON} --seed -1", "'--seed'"),
    ("search --backbone field --benchmark nope", "nope"),
    ("search --backbone field --benchmark mini-geneval", "mini-geneval"),
    ("search --backbone nope", "'nope' is not known"),
    ("search --backbone field --base nope", "'nope' is not known"),
    ("sweep", "nothing to vary"),
    ("sweep --alpha structure", "PHASE=VALUE"),
    ("sweep --alpha structure=", "values with commas"),
    ("sweep --alpha structure=[", "not valid YAML"),
    ("sweep --alpha structure=7", "alpha.0 = 7"),
    ("sweep --vary steps=0", "steps.0 = 0"),
    ("sweep --vary ..=0", "no field to vary"),
    ("sweep --vary steps=4 --cores x", "cores: 'x'"),
    ("sweep --vary steps=4 --cores 0", "cores: '0'"),
    ("sweep --vary steps=4 --size 0", "from 1 to 10000"),
    ("sweep --vary steps=4 --size x", "'x' is not known"),
    ("sweep --vary steps=4 --backbone nope", "'nope' is not known"),
    ("sweep --vary steps=4 --benchmark nope", "'nope' is not known"),
    ("sweep --vary steps=4 --base nope", "'nope' is not known"),
    ("sweep --vary steps=4 --images 100000000", "'--images'"),
    (f"sample x --backbone field --sampler cosine@{'9' * 5000}", "NAME@STEPS"),
    ("""sample x --backbone field --sampler '{"policy": ["ladr"]}'""", "names no policy"),
    ("""sample x --backbone field --sampler '{"policy": "then"}'""", "first is missing"),
    (
        """sample x --backbone field --sampler '{"policy": "then", "first": {"policy": [1]}, "second": "cosine"}'""",  # noqa: E501
        "is not allowed; a name",
    ),
    ("sample x --backbone field --sampler then", "first is missing"),
    ("sample x --backbone field --sampler ''", "--sampler: is empty; give a value, or leave --sampler out"),
    ("sample x --backbone field --sampler ' '", "'' is not known"),
    ("sample x --backbone field --device gpu", "device: 'gpu' cannot be used"),
    ("sample x --backbone field --device cuda:99", "device: 'cuda:99' cannot be used"),
    ("sample x --backbone field --dtype int64", "dtype: 'int64' is not allowed; float32 or bfloat16 or auto"),
    ("sample x --backbone field --with codes=3 --with codes=4", "with: 'codes' stands here twice"),
    ("sample x --backbone field --out a.txt", "out: 'a.txt' cannot be written; a file whose name"),
    ("sample x --backbone field --out=", "--out: is empty"),
    ("sample x --backbone builtins:exit", "backbone 'builtins:exit': "),
    ("sample x --backbone field --sampler os:system", "policy 'os:system': fails when it is called (TypeErr"),
    ("""sample x --backbone field --sampler '{"policy": "os:system"}'""", "policy 'os:system': fails when"),
    ("sample x --backbone field --compare cosine,cosine", "'cosine' stands here twice"),
    (f"sample x --backbone field --compare {','.join(f'cosine@{n}' for n in range(1, 40))}", "at most 32"),
    ("""sample x --backbone field --sampler '{"policy": "ladr", "policy": "cosine"}'""", "'policy' stands"),
    ("table --out ''", "--out: is empty"),
    ("audit --out ''", "--out: is empty"),
    ("pictures --record ''", "--record: is empty"),
    ("pictures --record params.yaml", "params.yaml: holds something else than a record of this kind"),
    ("track --record params.yaml", "params.yaml: holds something else than a record of this kind"),
    ("figures quality --record params.yaml", "params.yaml: holds something else than a record of this kind"),
    ("figures os:system", "figure 'os:system': fails when it is called (TypeError"),
    (f"search {ON} --vary noise=0:1:1e-30", "FIELD=LOW:HIGH:STEP"),
    (f"search {ON} --vary noise=0.1,0.1", "noise: 0.1 stands here twice"),
    (f"search {ON} --vary noise=0:1:0.5 --vary noise=0:1:0.5", "--vary: 'noise' stands here twice"),
    ("sweep --vary steps=4 --vary steps=8", "--vary: 'steps' stands here twice"),
    ("sweep --vary steps=4", "there is no Snakefile here"),
    ("calibrate ladr --field nois --passes 4 --backbone field", "(did you mean 'noise'?)"),
    ("train modxel", "there is no command 'train modxel' (did you mean 'model'?); `ladr train --help` lists"),
    ("train data pictres", "there is no command 'train data pictres' (did you mean 'pictures'?)"),
    ("train vq --steps 0", "'--steps' = '0': "),
    ("calibrate ladr --field noise --passes=nan", "'--passes' = 'nan': "),
    ("""sample x --backbone field --sampler '{"policy": "ladr", "noise": NaN}'""", "noise: nan"),
    ("""sample x --backbone field --compare '{"policy": "ladr"'""", "not valid JSON"),
    ("sample x --backbone field --compare ,", "'' is not known"),
    ("train model --data shape", "data: 'shape' is unknown (did you mean 'shapes'?)"),
    ("train vq --data shape --folder new", "data: 'shape' is unknown (did you mean 'shapes'?)"),
    ("train exam --out .", ".: is a folder; name a file"),
    ("train exam --out " + "x" * 300, "this name is too long"),
    ("train exam --folder params.yaml", "params.yaml: has no config.json"),
    ("track --record .", ".: is a folder; name a file"),
    ("train sheet --to params.yaml/x.png", "a part of this path is a file"),
    ("sample x --backbone field --seed -1", "'--seed'"),
    ("sample x --backbone field --temperature nan", "'--temperature'"),
    ("sample x --backbone field --temperature -1", "'--temperature'"),
    ("sample x --backbone field --guidance 3", "guidance: no such setting"),
    ("sample x --backbone field --with grid=[1,2,3]", "two whole numbers"),
    ("sample x --backbone field --with codes=3.5", "a whole number from 2"),
    ("sample x --backbone field --with grid", "NAME=VALUE"),
    ("sample x --backbone field --size 3x", "HEIGHTxWIDTH"),
    ("sample x --backbone field --threads 100000000000", "'--threads'"),
    ("sample x --backbone field --steps 100000000000", "'--steps'"),
    ("sample x --backbone field --cache mll", "'mll' is not known"),
    ("run", "Missing argument"),
    ("run 12345678", "is not in the grid"),
    ("run x/../../y", "is not in the grid"),
    ("run ''", "is not in the grid"),
    ("score x", "is not in the grid"),
    ("score . --benchmark mini-geneval --images 0", "'--images'"),
    ("score . --benchmark mini-geneval --images 100000000000", "'--images'"),
    ("score . --benchmark mini-geneval --size 0", "from 1 to 10000"),
    ("score . --benchmark mini-geneval --processes 0", "'--processes'"),
    ("score . . --benchmark mini-geneval", "one folder at a time"),
    ("score . --benchmark nope", "nope"),
    ("ceiling x", "no cell of the grid"),
    ("latency nope", "'nope' is not in the grid"),
    ("grid --params nowhere.yaml", "cannot be read"),
    ("grid --params .", "no regular file"),
    ("figures nope", "nope"),
    ("ui", "nothing is tracked yet"),
    ("ui --port 0", "'--port'"),
    ("prompts nope", "nope"),
    ("prompts mini-geneval --size 0", "from 1 to 10000"),
    ("prompts mini-geneval --size 5555555555555555555555555555555", "from 1 to 10000"),
    ("prompts mini-geneval --size ²", "is neither a positive number"),
    ("evaluate nowhere --benchmark mini-geneval --prompt single-object-000", "did you mean"),
    ("speed loop --height 0", "'--height'"),
    ("speed loop --height 100000000", "'--height'"),
    ("speed mixture --scenes 100000000000", "'--scenes'"),
    ("train vq --steps 0", "'--steps'"),
    ("train vq --seed -1", "'--seed'"),
    ("nope", "there is no command 'nope'"),
    ("grade", "is now `ladr score`"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def imported():
    """What takes long to import is imported before: its seconds are none of a refusal."""
    for name in ("run", "vq", "exam", "sheet"):
        import_module(f"ladr.training.{name}")


@pytest.mark.parametrize(("call", "says"), CALLS, ids=lambda text: text[:50])
def test_wrong_words_are_one_line(call, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LADR_SET", raising=False)
    write(tmp_path)
    assert says in refused(shlex.split(call), capsys)
