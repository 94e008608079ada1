# What the jobs of jobs.smk run.
COMMANDS = {
    "decode": "ladr run --wait {cells}",
    "join": "ladr join {cells}",
    "score": "ladr score --processes 1 {cells}",
    "judge": "ladr score --processes 1 {cells}",
    "latency": "ladr latency {name}",
    "draw": "ladr figures {names} --results {results} --out {out} --record {record}",
}


def command(job):
    """The command line of a job. The shell of a rule is read late, when the loop over the jobs is over."""
    return lambda wildcards: COMMANDS[job.word].format(**job.words)


def outputs(job):
    """A record of figures stays until its job writes it: it says which files may stay, and which go."""
    return update(job.outputs) if job.word == "draw" else job.outputs
