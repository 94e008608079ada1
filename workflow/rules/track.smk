rule track:
    input:
        PLAN.table,
        PLAN.timed,
        PLAN.figures.done,
        local(ancient(str(PLAN.out / "grid.json"))),
        ancient(PLAN.records(*DECODED, *SCORED)),
    output:
        PLAN.tracked,
    log:
        "logs/track.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        record=lambda wildcards: PLAN.tracked,
    shell:
        "ladr track --record {params.record} 2>&1 | tee {log}"
