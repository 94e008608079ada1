rule track:
    input:
        PLAN.table,
        [f"results/latency/{name}.json" for name in PLAN.latencies],
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
