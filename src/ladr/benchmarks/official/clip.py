"""CLIP as two benchmarks use it: GenEval's colours of boxes, T2I-CompBench's image-prompt cosine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ladr.base.errors import needs
from ladr.benchmarks.official.geneval_rules import COLOURS, ObjectDetection
from ladr.benchmarks.official.named import name_of
from ladr.benchmarks.official.pixels import for_clip
from ladr.benchmarks.official.weights import network, tokenizer

TEMPLATES = (
    "a photo of a {colour} {name}",
    "a photo of a {colour}-colored {name}",
    "a photo of a {colour} object",
)
BACKGROUND = "#999"
OFFICIAL_WEIGHTS = {
    "colours": "openai/clip-vit-large-patch14",
    "cosine": "openai/clip-vit-base-patch32",
}


@dataclass
class Clip:
    """A transformers CLIP with its tokenizer. Its embeddings have length one."""

    model: Any
    tokenizer: Any
    name: str
    device: str = "cpu"
    _colours: dict[str, torch.Tensor] = field(default_factory=dict)

    @classmethod
    def load(cls, checkpoint: str | Path, device: str = "cpu") -> "Clip":
        with needs("CLIP"):
            from transformers import AutoTokenizer, CLIPModel

        model = network(CLIPModel, checkpoint).to(device)
        name = name_of(checkpoint, *OFFICIAL_WEIGHTS.values())
        return cls(model, tokenizer(AutoTokenizer, checkpoint), name, device)

    @torch.inference_mode()
    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, d): the embeddings of the texts. Longer texts are cut to what the model can read."""
        most = self.model.config.text_config.max_position_embeddings
        encoded = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=most, return_tensors="pt"
        )
        ids = encoded["input_ids"].to(self.device)
        mask = encoded["attention_mask"].to(self.device)
        pooled = self.model.text_model(input_ids=ids, attention_mask=mask).pooler_output
        return torch.nn.functional.normalize(self.model.text_projection(pooled).float(), dim=-1)

    @torch.inference_mode()
    def images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """(n, d): the embeddings of the images."""
        side = self.model.config.vision_config.image_size
        pixels = torch.cat([for_clip(image, side) for image in images]).to(self.device)
        pooled = self.model.vision_model(pixel_values=pixels).pooler_output
        return torch.nn.functional.normalize(self.model.visual_projection(pooled).float(), dim=-1)

    def cosine(self, image: Image.Image, text: str) -> float:
        """The raw cosine of image and text: no factor, no clipping."""
        return float(self.images([image]) @ self.texts([text]).T)

    def colours(self, image: Image.Image, name: str, detections: Sequence[ObjectDetection]) -> list[str]:
        """One colour for each detection of class `name`. The box is cut out, and what is outside the mask is
        grey."""
        if name not in self._colours:
            self._colours[name] = self._classifier(name)
        features = self.images([cut_out(image, detection) for detection in detections])
        return [COLOURS[k] for k in (features @ self._colours[name].T).argmax(-1).tolist()]

    def _classifier(self, name: str) -> torch.Tensor:
        """(colours, d): for each colour the mean embedding of the templates."""
        rows = []
        for colour in COLOURS:
            texts = self.texts([template.format(colour=colour, name=name) for template in TEMPLATES])
            rows.append(torch.nn.functional.normalize(texts.mean(0), dim=-1))
        return torch.stack(rows)


def cut_out(image: Image.Image, detection: ObjectDetection) -> Image.Image:
    """The box of `detection` with grey outside its mask."""
    if detection.mask is not None:
        grey = Image.new("RGB", image.size, BACKGROUND)
        image = Image.composite(image, grey, Image.fromarray(detection.mask))
    return image.crop(detection.box)
