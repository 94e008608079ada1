rule theory:
    output:
        str(PLAN.out / "theory.json"),
    log:
        "logs/theory.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr theory --json > {output} 2> {log}"


rule pictures:
    input:
        PLAN.records("cell.json"),
    output:
        touch(str(PLAN.out / "pictures.done")),
    log:
        "logs/pictures.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "ladr pictures 2>&1 | tee {log}"


rule figures:
    input:
        PLAN.table,
        [f"results/latency/{name}.json" for name in PLAN.latencies],
        rules.theory.output,
        rules.pictures.output,
    output:
        touch(str(PLAN.out / "figures.done")),
    log:
        "logs/figures.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        out=subpath(output[0], parent=True),
    shell:
        "(ladr audit && ladr figures --results {params.out}) 2>&1 | tee {log}"
