"""The experiment of params.yaml. `snakemake --cores all`, or `snakemake` alone, makes everything."""

import sys

from snakemake.utils import min_version

from ladr.experiment.plan.batch import DECODED, SCORED
from ladr.experiment.plan.figures import code
from ladr.experiment.plan.jobs import jobs
from ladr.experiment.plan.workflow import planned, trained
from ladr.experiment.plan.records import captions, drawn

min_version("9.14")


report: "workflow/report/workflow.rst"


PLAN = planned(config, sys.argv, workflow)

# With `--sdm apptainer` every job runs in this image of the Dockerfile: --config container=docker://example/ladr
if "container" in config:

    container: config["container"]


include: "workflow/rules/commands.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/table.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/train.smk"


rule all:
    default_target: True
    input:
        PLAN.all,


# What is decoded, scored and measured, without figures and MLflow: `snakemake grid`.
rule grid:
    input:
        PLAN.results,
