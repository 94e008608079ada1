rule track:
    input:
        PLAN.table,
        PLAN.timed,
        PLAN.figures.done,
    output:
        PLAN.tracked,
    log:
        "logs/track.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr track --record {output} 2>&1 | tee {log}"
