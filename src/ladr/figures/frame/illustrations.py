"""The illustrations that `ladr pictures` computes, as figures read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ladr.base.errors import LadrError
from ladr.experiment.cells.record import vouched
from ladr.experiment.plan.records import VERSION
from ladr.figures.frame.caption import backbones, dates, machine, made_on
from ladr.figures.frame.results import Results

GREY = 150
FRAMES = 5


@dataclass(frozen=True, eq=False)
class Illustration:
    """Everything that `ladr pictures` computed for one backbone.

    record: pictures.json. arrays: images (prompts, samplers, h, w, 3), settled and rescued (prompts,
    samplers, H, W), passes (prompts, samplers), and the others that
    `ladr.experiment.illustrations.illustration` describes. origin: the model, the machine and the dates, for
    captions. benchmark: the benchmark in the spec of the cells.
    """

    backbone: str
    record: dict[str, Any]
    arrays: dict[str, np.ndarray]
    origin: str
    benchmark: dict[str, Any]

    def caption(self, prompts: int) -> str:
        """The end of the caption of a figure that shows images of so many prompts."""
        spec = self.benchmark
        shown = f"{prompts} of the {spec['count']} prompts" if prompts > 1 else "1 prompt"
        images = f"image no. {spec['seed']}{' of each' if prompts > 1 else ''}"
        return f"Shown: {shown} of {spec['name']} version {spec['version']}, {images}. {self.origin}"

    @property
    def labels(self) -> list[str]:
        return [s["label"] for s in self.record["samplers"]]

    def index(self, cell: str) -> int:
        """The number of the sampler whose cell this is."""
        return [s["cell"] for s in self.record["samplers"]].index(cell)

    def passes(self, prompt: int, sampler: int) -> int:
        """Forward passes of one image: all that its decode took, also for tries that were thrown away."""
        return int(self.arrays["passes"][prompt, sampler])

    def frame(self, prompt: int, sampler: int, done: int) -> np.ndarray:
        """The image after `done` passes; cells that are still masked are grey."""
        image = self.arrays["images"][prompt, sampler].copy()
        settled = self.arrays["settled"][prompt, sampler]
        side = image.shape[0] // settled.shape[0]
        image[(settled >= done).repeat(side, 0).repeat(side, 1)] = GREY
        return image


def illustrations(results: Results) -> Iterator[Illustration]:
    """The illustration of each backbone."""
    for backbone, record, folder in results.illustrations():
        path = Path(folder) / "pictures.npz"
        try:
            with np.load(vouched(path, record), allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
        except LadrError as error:
            raise LadrError(f"{error}; run `ladr pictures`") from None
        except (OSError, ValueError) as error:
            raise LadrError(f"{path}: cannot be read ({error}); run `ladr pictures`") from None
        cells = [results.record(s["cell"]) for s in record["samplers"]]
        if record.get("version") != VERSION:
            versions = f"version {record.get('version')}, this program reads {VERSION}"
            raise LadrError(f"{Path(folder) / 'pictures.json'}: {versions}; run `ladr pictures`")
        origin = _origin(results, record["provenance"], cells)
        yield Illustration(backbone, record, arrays, origin, cells[0]["spec"]["benchmark"])


def _origin(results: Results, provenance: dict[str, Any], records: list[dict[str, Any]]) -> str:
    """The backbone, the machine and the dates, for a caption."""
    when = dates(provenance[key] for key in ("began", "ended"))
    where = f"Machine: {machine(provenance)}. Worked out {when} from results of {made_on(records)}."
    return f"{backbones(results, records)}. {where}"


def bare(panel: Any, image: np.ndarray, **more: Any) -> Any:
    """Show an image without axes."""
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    return panel.imshow(image, interpolation="nearest", **more)


def moments(passes: int) -> list[int]:
    """At most FRAMES numbers of passes, evenly spread, from the masked grid to the end of the decode."""
    return sorted({round(v) for v in np.linspace(0, passes, FRAMES)})
