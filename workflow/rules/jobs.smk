# The rules that the plan multiplies: one per batch of cells, per measurement, and per group of figures.
# Their names are a word of COMMANDS and what the job is about, so `rule decode_field_field_exact_0` in a log is the
# line `decode` here; ladr.experiment.plan.jobs has what each job reads and writes.
COMMANDS = {
    "decode": "ladr run --wait {output}",
    "score": "ladr score --processes 1 {output}",
    "judge": "ladr score --processes 1 {output}",
    "latency": "ladr latency {name}",
    "draw": "ladr figures {names} --results {results} --out {out} --record {output}",
}


def command(job):
    """The command line of a job. The shell of a rule is read late, when the loop is over."""
    return lambda wildcards, output: COMMANDS[job.word].format(
        output=output, **job.words
    )


for job in jobs(PLAN):

    rule:
        name:
            f"{job.word}_{job.subject}"
        input:
            job.inputs,
            ancient(job.settled),
        output:
            job.outputs,
        log:
            job.log,
        conda:
            "../envs/ladr.yaml"
        threads: job.threads or workflow.cores
        resources:
            **job.resources,
        params:
            command=command(job),
        shell:
            "{params.command} 2>&1 | tee {log}"
