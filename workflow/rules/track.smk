TRACKED = str(PLAN.out / "tracked.json")


rule track:
    input:
        PLAN.table,
    output:
        TRACKED,
    log:
        "logs/track.log",
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr track --record {output} 2>&1 | tee {log}"
