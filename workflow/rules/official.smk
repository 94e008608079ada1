# Cells of the official benchmarks are rendered, laid out and scored by networks, or by a judge on another machine.
# What cannot be scored here is N/A in the table, with the reason; `ladr benchmark import` fills it.
for batch in PLAN.judging:

    rule:
        name:
            f"judge_{batch.name}"
        input:
            ancient(batch.made("cell.json")),
        output:
            batch.made("score.json"),
        log:
            f"logs/score/{batch.name}.log",
        conda:
            "../envs/ladr.yaml"
        resources:
            mem_mb=PLAN.params.official.mem_mb,
            runtime=PLAN.params.official.runtime,
            gpu=int(PLAN.params.official.device.startswith("cuda")),
        shell:
            "ladr score --processes 1 {output} 2>&1 | tee {log}"
