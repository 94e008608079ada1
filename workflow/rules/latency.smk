# A stopwatch wants the machine to itself: the job takes all cores.
for name, records in PLAN.latencies.items():

    rule:
        name:
            f"latency_{name}".replace("-", "_")
        input:
            ancient(records),
        output:
            f"results/latency/{name}.json",
        log:
            f"logs/latency/{name}.log",
        conda:
            "../envs/ladr.yaml"
        threads: workflow.cores
        resources:
            mem_mb=4000,
            runtime=60,
        params:
            name=name,
        shell:
            "ladr latency {params.name} 2>&1 | tee {log}"
