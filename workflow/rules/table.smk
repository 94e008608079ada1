rule table:
    input:
        str(PLAN.out / "grid.json"),
        PLAN.records("cell.json"),
        PLAN.records("score.json"),
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
        out=subpath(output[0], parent=True),
    shell:
        "ladr table --out {params.out} 2>&1 | tee {log}"
