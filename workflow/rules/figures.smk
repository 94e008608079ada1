if PLAN.reporting:
    from ladr.figures.frame.claims import restructured

    config["captions"] = captions(PLAN.figures.folder)
    config["claims"] = restructured(drawn(PLAN.figures.folder, PLAN.out))


# What is drawn or worked out depends on the files that its module imports: an edit to one of them makes it again, a
# new date alone does not (Snakemake compares the content of small files).
rule theory:
    input:
        local(code("ladr.paper.theory.report")),
    output:
        str(PLAN.out / "theory.json"),
    log:
        "logs/theory.log",
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "ladr theory --large --json > {output} 2> {log}"


# Their path holds a hash of the cells that are shown, so the cells' age does not matter.
rule pictures:
    input:
        ancient(PLAN.figures.illustrated_files),
        local(ancient(str(PLAN.out / "grid.json"))),
    output:
        PLAN.figures.illustrations,
    log:
        "logs/pictures.log",
    priority: 1000000  # they take long, and figures wait for them
    conda:
        "../envs/ladr.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        record=PLAN.figures.illustrations,
    shell:
        "ladr pictures --record {params.record} 2>&1 | tee {log}"


rule audit:
    input:
        local(code("ladr.paper.audit.audit")),
    output:
        str(PLAN.figures.folder / "paper/audit.csv"),
        str(PLAN.figures.folder / "paper/audit.md"),
    log:
        "logs/figures/audit.log",
    conda:
        "../envs/ladr.yaml"
    params:
        out=PLAN.figures.folder / "paper",
    shell:
        "ladr audit --out {params.out} 2>&1 | tee {log}"


# `snakemake figures` draws every figure and lists them in README.md; it says which drawings there are others'.
# For a report, the folder is an input too: each file with its own caption.
rule figures:
    input:
        [record for _, _, record in PLAN.figure_jobs.values()],
        local(code("ladr.figures.frame.index")),
        rules.audit.output,
        report(
            ancient([str(PLAN.figures.folder)] if PLAN.reporting else []),
            patterns=["{figure}.{kind,svg|csv|html}"],
            caption="../report/figure.rst",
            category=lambda w: {"svg": "Figures", "csv": "Tables", "html": "Gallery"}[
                w.kind
            ],
            labels=lambda w: {
                "about": w.figure.rpartition("/")[0],
                "figure": w.figure.rpartition("/")[2],
            },
        ),
    output:
        touch(PLAN.figures.done),
    log:
        "logs/figures.log",
    conda:
        "../envs/ladr.yaml"
    params:
        results=PLAN.out,
        out=PLAN.figures.folder,
        sources=" ".join(f"--source {name}" for name in PLAN.figure_jobs),
    shell:
        "ladr figures --index {params.sources} --results {params.results} --out {params.out} 2>&1 | tee {log}"
