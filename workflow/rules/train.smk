# `snakemake --cores all retrain`: an embedded model from nothing, beside those that come with the repository. `shapes`, or
# what `--config train=pictures` says; that one's packages lie in packages/ (docs/backbones.md has the command that fetches
# them). No rule's output is a checkpoint, so what a kill leaves is gone on with. Steps: --config train_steps=5000.
DATA = trained(config)
RUN = "runs/retrain" if DATA == "shapes" else f"runs/retrain-{DATA}"
RETRAINED = f"runs/{DATA}-retrained"
TRAIN_STEPS = config.get("train_steps", {"shapes": 5000}.get(DATA))


rule train_data:
    output:
        touch(f"{RUN}/data.done"),
    log:
        "logs/train/data.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        folder=subpath(output[0], parent=True),
        packages=config.get("packages", "packages"),
    shell:
        "ladr train data pictures --from {params.packages} --folder {params.folder} 2>&1 | tee {log}"


rule train_vq:
    input:
        [] if DATA == "shapes" else ancient(rules.train_data.output),
    output:
        touch(f"{RUN}/vq.done"),
    log:
        "logs/train/vq.log",
    conda:
        "../envs/ladr.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        folder=subpath(output[0], parent=True),
        data=DATA,
    shell:
        "OMP_NUM_THREADS={threads} ladr train vq --data {params.data} --folder {params.folder} 2>&1 | tee -a {log}"


rule train_model:
    input:
        ancient(rules.train_vq.output),
    output:
        touch(f"{RUN}/model.done"),
    log:
        "logs/train/model.log",
    conda:
        "../envs/ladr.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=1440,
    params:
        folder=subpath(output[0], parent=True),
        options=[DATA, *([] if TRAIN_STEPS is None else ["--steps", TRAIN_STEPS])],
    shell:
        "ladr train model --processes {threads} --folder {params.folder} --data {params.options} 2>&1 | tee -a {log}"


rule train_export:
    input:
        rules.train_model.output,
    output:
        f"{RETRAINED}/config.json",
        f"{RETRAINED}/model.safetensors",
        f"{RETRAINED}/tokenizer.json",
    log:
        "logs/train/export.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        folder=subpath(input[0], parent=True),
        to=subpath(output[0], parent=True),
    shell:
        "ladr train export --folder {params.folder} --to {params.to} 2>&1 | tee {log}"


rule train_exam:
    input:
        rules.train_export.output,
    output:
        f"{RETRAINED}/exam.json",
    log:
        "logs/train/exam.log",
    conda:
        "../envs/ladr.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        folder=subpath(output[0], parent=True),
        data=DATA,
    shell:
        "ladr train exam --data {params.data} --folder {params.folder} --processes {threads} --out {output} 2>&1 | tee {log}"


rule retrain:
    input:
        rules.train_exam.output,
