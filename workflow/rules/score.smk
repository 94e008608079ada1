rule ceiling:
    output:
        "results/ceilings/{name}.jsonl",
    log:
        "logs/ceiling/{name}.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr ceiling results/ceilings/{wildcards.name}.jsonl 2>&1 | tee {log}"
