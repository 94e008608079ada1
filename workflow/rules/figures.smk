rule theory:
    output:
        str(PLAN.out / "theory.json"),
    log:
        "logs/theory.log",
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr theory --json > {output} 2> {log}"


rule figures:
    input:
        PLAN.table,
        [f"results/latency/{name}.json" for name in PLAN.latencies],
        rules.theory.output,
    output:
        touch(str(PLAN.out / "figures.done")),
    log:
        "logs/figures.log",
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        out=str(PLAN.out),
    shell:
        "ladr figures --results {params.out} --out figures 2>&1 | tee {log}"
