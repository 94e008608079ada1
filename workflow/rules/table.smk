rule table:
    input:
        local(str(PLAN.out / "grid.json")),
        PLAN.records(DECODED[0], SCORED[0]),
        ancient(PLAN.records(*DECODED[1:], *SCORED[1:])),
        ancient(PLAN.ceilings),
    output:
        PLAN.table[0],
        PLAN.table[1:3],
        report(PLAN.table[3], caption="../report/scores.rst", category="Tables"),
        PLAN.table[4:],
    log:
        "logs/table.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        out=PLAN.out,
    shell:
        "ladr table --out {params.out} 2>&1 | tee {log}"
