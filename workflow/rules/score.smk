for batch in PLAN.scoring:

    rule:
        name:
            f"score_{batch.name}"
        input:
            ancient(batch.made("cell.json")),
        output:
            batch.made("score.json"),
        log:
            f"logs/score/{batch.name}.log",
        conda:
            "../envs/ladr.yaml"
        resources:
            mem_mb=2000,
            runtime=60,
        shell:
            "ladr score --processes 1 {output} 2>&1 | tee {log}"


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
        "ladr ceiling {output} 2>&1 | tee {log}"
