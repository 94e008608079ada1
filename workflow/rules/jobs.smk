# The rules that the plan multiplies: one per batch of cells, per cell that is cut, per measurement, and per group of
# figures.
# Their names are a word of COMMANDS and what the job is about, so `rule decode_field_field_exact_0` in a log is the
# line `decode` in commands.smk; ladr.experiment.plan.jobs has what each job reads and writes.
for job in jobs(PLAN):

    rule:
        name:
            f"{job.word}_{job.subject}"
        input:
            job.inputs,
            ancient(job.settled),
            local(job.sources),
        output:
            outputs(job),
        log:
            job.log,
        priority: job.priority
        conda:
            "../envs/ladr.yaml"
        threads: job.threads or workflow.cores
        resources:
            **job.resources,
        params:
            command=command(job),
        shell:
            "{params.command} 2>&1 | tee {log}"


# A job for each span of images of a cell that is cut. A killed one goes on from the parts beside its output.
rule shard:
    input:
        ancient(
            lambda wildcards: PLAN.needs(PLAN.shard(wildcards.cell, wildcards.images))
        ),
    output:
        "results/cells/{cell}/parts/shard-{images}.safetensors",
    log:
        "logs/decode/{cell}.{images}.log",
    wildcard_constraints:
        images=r"\d+-\d+",
    priority: 100000  # a cell that is cut takes longer than any that is not
    conda:
        "../envs/ladr.yaml"
    threads: lambda wildcards: PLAN.grid.cells[wildcards.cell].row.threads
    resources:
        mem_mb=lambda wildcards: PLAN.grid.cells[wildcards.cell].row.mem_mb,
        runtime=lambda wildcards: PLAN.grid.cells[wildcards.cell].row.runtime,
        gpu=lambda wildcards: PLAN.grid.cells[wildcards.cell].row.gpus,
    shell:
        "ladr run --wait --images {wildcards.images} {wildcards.cell} 2>&1 | tee {log}"
