"""What `ladr pictures` worked out, as figures read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ladr.base.errors import LadrError
from ladr.experiment.plan.records import VERSION
from ladr.figures.frame.caption import backbones, dates, machine, made_on
from ladr.figures.frame.results import Results

GREY = 150
FRAMES = 8


@dataclass(frozen=True, eq=False)
class Pictures:
    """Of one backbone.

    arrays: images (prompts, samplers, h, w, 3), settled and rescued (prompts, samplers, H, W), and what else
    `ladr.experiment.illustrations.pictures` describes. made: the model, and where and when this was made;
    asked: the benchmark.
    """

    backbone: str
    told: dict[str, Any]
    arrays: dict[str, np.ndarray]
    made: str
    asked: dict[str, Any]

    def caption(self, prompts: int) -> str:
        """What must stand under a figure that shows images of so many prompts."""
        asked = self.asked
        shown = f"{prompts} of the {asked['count']} prompts" if prompts > 1 else "1 prompt"
        images = f"image no. {asked['seed']}{' of each' if prompts > 1 else ''}"
        return f"Shown: {shown} of {asked['name']} version {asked['version']}, {images}. {self.made}"

    @property
    def labels(self) -> list[str]:
        return [s["label"] for s in self.told["samplers"]]

    def index(self, cell: str) -> int:
        return [s["cell"] for s in self.told["samplers"]].index(cell)

    def passes(self, prompt: int, sampler: int) -> int:
        return int(self.arrays["settled"][prompt, sampler].max()) + 1

    def frame(self, prompt: int, sampler: int, done: int) -> np.ndarray:
        """The image after `done` passes; cells that are still masked are grey."""
        image = self.arrays["images"][prompt, sampler].copy()
        settled = self.arrays["settled"][prompt, sampler]
        side = image.shape[0] // settled.shape[0]
        image[(settled >= done).repeat(side, 0).repeat(side, 1)] = GREY
        return image


def pictures(results: Results) -> Iterator[Pictures]:
    """One per backbone."""
    for backbone, told, folder in results.pictures():
        path = Path(folder) / "pictures.npz"
        try:
            with np.load(path, allow_pickle=False) as held:
                arrays = {key: held[key] for key in held.files}
        except (OSError, ValueError) as error:
            raise LadrError(f"{path}: cannot be read ({error}); run `ladr pictures`") from None
        records = [results.record(s["cell"]) for s in told["samplers"]]
        if told.get("version") != VERSION:
            found = f"version {told.get('version')}, this program reads {VERSION}"
            raise LadrError(f"{Path(folder) / 'pictures.json'}: {found}; run `ladr pictures`")
        asked = records[0]["spec"]["benchmark"]
        yield Pictures(backbone, told, arrays, _made(results, told["provenance"], records), asked)


def _made(results: Results, made: dict[str, Any], records: list[dict[str, Any]]) -> str:
    when = dates(made[key] for key in ("began", "ended"))
    where = f"Machine: {machine(made)}. Worked out {when} from results of {made_on(records)}."
    return f"{backbones(results, records)}. {where}"


def bare(panel: Any, image: np.ndarray, **more: Any) -> Any:
    """An image without axes."""
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    return panel.imshow(image, interpolation="nearest", **more)


def moments(passes: int) -> list[int]:
    """At most FRAMES numbers of passes, evenly spread, the last being the end."""
    return sorted({round(v) for v in np.linspace(1, passes, min(FRAMES, passes))})
