"""Object detections for GenEval from a transformers Mask2Former, computed from its raw logits."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ladr.base.errors import LadrError, needs
from ladr.base.foreign import read_text
from ladr.benchmarks.official.fetch import locate
from ladr.benchmarks.official.geneval_rules import ObjectDetection
from ladr.benchmarks.official.pixels import for_detector
from ladr.benchmarks.official.weights import network

CONVERTED = "converted.json"  # beside weights that `convert-detector` made
MOST = 100  # detections per image
KEPT_ABOVE = 0.05  # far below every threshold of the rules: saves masks that no rule can see


@dataclass
class Detector:
    """A Mask2Former for instances. Results carry its `name`."""

    model: Any
    classes: Sequence[str]
    name: str
    device: str = "cpu"
    exact: bool = False  # GenEval's own weights, converted

    @classmethod
    def load(cls, checkpoint: str | Path, classes: Sequence[str], device: str = "cpu") -> "Detector":
        with needs("Mask2Former"):
            from transformers import Mask2FormerForUniversalSegmentation

        model = network(Mask2FormerForUniversalSegmentation, checkpoint).to(device)
        if model.config.num_labels != len(classes):
            raise LadrError(f"{checkpoint}: {model.config.num_labels} classes, GenEval has {len(classes)}")
        exact = (Path(checkpoint) / CONVERTED).is_file()
        return cls(model, classes, f"mask2former:{Path(checkpoint).name}", device, exact)

    @torch.inference_mode()
    def __call__(self, image: Image.Image) -> dict[str, list[ObjectDetection]]:
        """Detections by class, each with its box in pixels of `image` and its (H, W) mask."""
        pixels, (h, w) = for_detector(image)
        out = self.model(pixel_values=pixels.to(self.device))
        masks = torch.nn.functional.interpolate(
            out.masks_queries_logits, pixels.shape[-2:], mode="bilinear", align_corners=False
        )[..., :h, :w]
        size = (image.height, image.width)
        masks = torch.nn.functional.interpolate(masks, size, mode="bilinear", align_corners=False)[0]
        return instances(out.class_queries_logits[0], masks, self.classes)


def of_geneval(checkpoint: str | Path, folder: Path | None, device: str = "cpu") -> Detector:
    """The detector with the class names of GenEval's files, from `folder` or from where `fetch` puts them."""
    text = read_text(locate("geneval", "evaluation/object_names.txt", folder))
    return Detector.load(checkpoint, [name.strip() for name in text.split("\n") if name.strip()], device)


def instances(
    class_logits: torch.Tensor, mask_logits: torch.Tensor, classes: Sequence[str], least: float = KEPT_ABOVE
) -> dict[str, list[ObjectDetection]]:
    """Detections by class, from (Q, C + 1) class logits and (Q, H, W) mask logits.

    The 100 best of all query x class pairs are kept. Score: class probability x mean mask probability inside
    the mask. Box: the tight box of the mask, right and lower edge exclusive. One query may give several
    classes.
    """
    probabilities = class_logits.float().softmax(-1)[:, :-1]
    scores, pairs = probabilities.flatten().topk(min(MOST, probabilities.numel()))
    detections = defaultdict(list)
    for score, pair in zip(scores.tolist(), pairs.tolist(), strict=True):
        query, label = divmod(pair, probabilities.shape[1])
        mask = mask_logits[query] > 0
        inside = mask.sum()
        sharpness = (mask_logits[query].float().sigmoid() * mask).sum() / (inside + 1e-6)
        confidence = score * float(sharpness)
        if inside == 0 or confidence <= least:
            continue
        detections[classes[label]].append(ObjectDetection(_box(mask), confidence, mask.cpu().numpy()))
    return dict(detections)


def _box(mask: torch.Tensor) -> tuple[float, float, float, float]:
    xs, ys = mask.any(0).nonzero(), mask.any(1).nonzero()
    return float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1)
