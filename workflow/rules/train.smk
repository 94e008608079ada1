# `snakemake --cores all retrain`: the embedded model from nothing, beside the one that comes with the repository.
# No rule's output is a checkpoint, so what a kill leaves is gone on with. Steps: --config train_steps=5000.
RUN, RETRAINED = "runs/retrain", "runs/shapes-retrained"


rule train_vq:
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
    shell:
        "OMP_NUM_THREADS={threads} ladr train vq --folder {params.folder} 2>&1 | tee -a {log}"


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
        steps=config.get("train_steps", 5000),
    shell:
        "ladr train model --folder {params.folder} --steps {params.steps} --processes {threads} 2>&1 | tee -a {log}"


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
    shell:
        "ladr train exam --folder {params.folder} --processes {threads} --out {output} 2>&1 | tee {log}"


rule retrain:
    input:
        rules.train_exam.output,
