# Cells of one backbone and benchmark share a process: importing torch and loading weights is paid once per job.
# The cells that are there already form one batch, made by a rule that has nothing to do.
for batch in PLAN.decoding:

    rule:
        name:
            f"decode_{batch.name}"
        input:
            ancient([] if batch.name == "there" else batch.needs),
        output:
            batch.made("cell.json"),
        log:
            f"logs/decode/{batch.name}.log",
        conda:
            "../envs/ladr.yaml"
        threads: batch.threads
        resources:
            **batch.resources,
        shell:
            "ladr run --wait {output} 2>&1 | tee {log}"
