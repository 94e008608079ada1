"""The shape of params.yaml. The file itself and the descriptions here say what its keys mean."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ladr.base.outside import ADDRESS

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
Size = Annotated[str | Annotated[int, Field(ge=1, strict=True)], Field(union_mode="left_to_right")]


def whole(least: int, most: int) -> Any:
    """The bounds of a whole number. Numbers that nobody can mean are refused before anything runs."""
    return Field(ge=least, le=most, strict=True)


Count = Annotated[int, whole(1, 10_000)]
Steps = Annotated[int, whole(1, 1_000_000)]
Part = Annotated[int, whole(1, 1_000_000)]
Seed = Annotated[int, whole(0, 1_000_000_000)]
Megabytes = Annotated[int, whole(1, 100_000_000)]
Minutes = Annotated[int, whole(1, 1_000_000)]
Threads = Annotated[int, whole(1, 1024)]
Gpus = Annotated[int, whole(0, 64)]
Warmup = Annotated[int, whole(0, 1000)]
Temperature = Annotated[float, Field(ge=0, le=1000, strict=True)]
Price = Annotated[float, Field(ge=0, strict=True)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BackboneRow(Strict):
    """A backbone with its settings and its benchmarks."""

    kind: str | None = Field(None, description="which backbone of the registry; default: the row's own name")
    settings: dict[str, Any] = Field({}, description="handed to the backbone when it is loaded")
    batch_size: Count = Field(16, description="images decoded at once; tokens do not depend on it")
    threads: Threads = Field(1, description="CPU threads of one decode job")
    mem_mb: Megabytes = Field(2000, description="memory that one decode job asks for")
    runtime: Minutes = Field(240, description="minutes that one decode job asks for, on a cluster")
    job_minutes: float = Field(
        30, gt=0, le=100000, description="minutes of work of one decode job, by the estimate of `ladr grid`"
    )
    gpus: Gpus = Field(0, description="GPUs that one decode job asks for")
    benchmarks: dict[str, Size] = Field(
        description="benchmark -> size: smoke, default, full, or prompts per column"
    )
    images: dict[str, Count] = Field({}, description="benchmark -> images per prompt; default: the file's")


class Sampler(BaseModel):
    """A policy with its steps. Every other key is a field of the policy."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    policy: str = Field(description="the name of a policy")
    label: str | None = Field(None, description="what tables and figures call it; default: the row's name")
    steps: Steps | None = Field(None, description="T of the schedules; default: the file's `steps`")
    match: Name | None = Field(
        None, description="take as many steps as that sampler needed passes on average"
    )
    temperature: Temperature | None = Field(None, description="of the drawn codes; default: the file's")
    cache: dict[str, Any] | None = Field(
        None, description="{name: ml | branch | delayed | stale | ramp, field: value, ...}"
    )
    backbones: list[str] | None = Field(None, description="only on these backbones")

    @property
    def spec(self) -> dict[str, Any]:
        """What `ladr.decoding.policies.build` takes."""
        return {"policy": self.policy, **(self.model_extra or {})}


class Group(Strict):
    """Lines that belong together, on some of the benchmarks."""

    label: str | None = None
    benchmarks: list[str] = Field(min_length=1)
    backbones: list[str] | None = Field(None, description="only on these backbones")
    size: Size | None = Field(None, description="overrides the backbone's size")
    images: Count | dict[str, Count] | None = Field(
        None, description="images per prompt, for all or backbone -> images; default: the backbone's"
    )
    extended: bool = Field(False, strict=True, description="only where the file's `extended` is true")

    def images_on(self, backbone: str) -> int | None:
        return self.images.get(backbone) if isinstance(self.images, dict) else self.images


class Ablation(Group):
    """Rows that belong to one figure."""

    rows: dict[Name, Sampler] = Field(min_length=1)


class Sweep(Group):
    """Every combination of values for some fields of one sampler."""

    base: Name = Field(description="the sampler to vary")
    grid: dict[str, list[Any]] = Field(min_length=1, description="field, dotted for inner ones -> its values")


class CurveRow(Sampler):
    """A sampler with one of its fields at several values."""

    vary: str = Field(description="the field of the policy, or `steps`, that makes the curve")
    values: list[Any] | dict[str, list[Any]] = Field(
        description="its values, or backbone -> values; a backbone without values is not asked"
    )

    def values_on(self, backbone: str) -> list[Any]:
        return self.values.get(backbone, []) if isinstance(self.values, dict) else self.values


class Curves(Group):
    """Rows that are compared as curves of score against passes."""

    rows: dict[Name, CurveRow] = Field(min_length=1)


class JudgeRow(Strict):
    """A vision-language model behind an OpenAI-compatible address."""

    endpoint: str = Field(description="its address, up to /v1")
    model: str = Field("QwenVL", description="its name at the endpoint")
    weights: str | None = Field(None, description="which weights serve there, as their hub names them")
    key_env: str = Field("OPENAI_API_KEY", description="environment variable with the API key")
    concurrency: Threads = Field(8, description="questions that are open at once")
    attempts: Count = Field(8, description="tries per question, with growing pauses")
    seconds: float | None = Field(
        None, gt=0, strict=True, description="your guess of one call, for the estimate"
    )
    price_in: Price | None = Field(None, description="per million tokens in, for the estimate")
    price_out: Price | None = Field(None, description="per million tokens out, for the estimate")


class Official(Strict):
    """The official benchmarks: where their prompts are, and what scores their images. Scores depend on the
    second, cells do not."""

    prompts: str | None = Field(None, description="folder of the official files; default: fetched, pinned")
    images: Count | None = Field(None, description="images per prompt; default: 4, T2I-CompBench 10")
    device: str = Field("cpu", description="where the scoring networks run")
    mem_mb: Megabytes = Field(16000, description="memory that one score job asks for")
    runtime: Minutes = Field(1440, description="minutes that one score job asks for, on a cluster")
    keep_images: bool = Field(False, strict=True, description="keep the rendered images of scored cells")
    detector: str | None = Field(
        "facebook/mask2former-swin-small-coco-instance", description="GenEval's Mask2Former; null: import"
    )
    colors: str = Field("openai/clip-vit-large-patch14", description="CLIP of GenEval's colours")
    clip: str | None = Field("openai/clip-vit-base-patch32", description="CLIP of T2I Non-spatial")
    allow_few_detections: bool = Field(
        False, strict=True, description="take GenEval results where most images hold no detection at all"
    )
    blip: str | None = Field("Salesforce/blip-vqa-capfilt-large", description="BLIP-VQA of T2I attributes")
    chunks: str | None = Field(None, description="file of noun chunks; default: spaCy")
    questions: str | None = Field(None, description="dpg_bench.csv; default: the one among the prompts")
    judge: JudgeRow | None = Field(None, description="asks UniGenBench's questions")
    dpg: str | None = Field(None, description="scores dpg-<model>: `judge`, or a BLIP-VQA checkpoint")
    spatial: str | None = Field(None, description="scores Spatial [spatial-<model>]: a detector checkpoint")


class Latency(Strict):
    """A measurement of seconds per image, one image at a time, all samplers by turns."""

    benchmark: str | list[str] = Field(description="where the prompts come from; of several, the first asked")
    prompts: Count = 6
    warmup: Warmup = Field(1, description="images decoded before the clock counts")
    backbones: list[str] | None = None


class Params(Strict):
    use: list[str] = Field(min_length=1, description="the backbones that run")
    seed: Seed = Field(0, description="number of the first image of each prompt")
    images: Count = Field(1, description="images per prompt")
    steps: Steps = Field(64, description="T of the schedules")
    temperature: Temperature = Field(1.0, description="of the drawn codes")
    baseline: Name = Field("cosine", description="the sampler that all others are compared with")
    part: Part = Field(64, description="images that are saved together; what a kill costs at most")
    tracking: bool = Field(True, strict=True, description="log finished cells to MLflow")
    backbones: dict[Name, BackboneRow] = Field(min_length=1)
    samplers: dict[Name, Sampler] = Field(min_length=1)
    ablations: dict[Name, Ablation] = {}
    sweeps: dict[Name, Sweep] = {}
    curves: dict[Name, Curves] = {}
    extended: bool = Field(False, strict=True, description="run groups with `extended: true` too")
    latency: Latency | None = None
    theory: bool = Field(
        False, strict=True, description="the exact divergences on Potts grids, and their figure"
    )
    figures: list[Annotated[str, Field(pattern=f"^{ADDRESS}$")]] = Field(
        [], description="figures from outside the package, each as package.module:draw"
    )
    official: Official = Official()
