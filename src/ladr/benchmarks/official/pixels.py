"""Images as the networks of the official scorers take them, without their image processors."""

import numpy as np
import torch
from PIL import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
DETECTOR_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
DETECTOR_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)
DETECTOR_SHORT, DETECTOR_LONG, DETECTOR_STRIDE = 800, 1333, 32


def tensor(image: Image.Image, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """(1, 3, h, w), normalised by mean and standard deviation."""
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)
    return ((pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None])[None]


def for_clip(image: Image.Image, side: int) -> torch.Tensor:
    """(1, 3, side, side): the shorter side is resized to `side` (bicubic), then the centre is cropped."""
    width, height = image.size
    scale = side / min(width, height)
    size = (side, int(height * scale)) if width <= height else (int(width * scale), side)
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return tensor(image.crop((left, top, left + side, top + side)), CLIP_MEAN, CLIP_STD)


def for_blip(image: Image.Image, side: int) -> torch.Tensor:
    """(1, 3, side, side), squashed by bicubic interpolation: the aspect ratio is not kept."""
    return tensor(image.resize((side, side), Image.Resampling.BICUBIC), CLIP_MEAN, CLIP_STD)


def for_detector(image: Image.Image) -> tuple[torch.Tensor, tuple[int, int]]:
    """The image as (1, 3, H, W), and (h, w) before padding. The shorter side becomes 800 unless the longer
    one would exceed 1333; interpolation is bilinear without antialiasing, as OpenCV does it; right and below,
    zeros (the mean colour) pad to a multiple of 32."""
    width, height = image.size
    scale = min(DETECTOR_LONG / max(width, height), DETECTOR_SHORT / min(width, height))
    h, w = int(height * scale + 0.5), int(width * scale + 0.5)
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32)).permute(2, 0, 1)[None]
    pixels = (
        torch.nn.functional.interpolate(pixels, (h, w), mode="bilinear", align_corners=False).round() / 255
    )
    mean, std = (torch.tensor(v)[:, None, None] for v in (DETECTOR_MEAN, DETECTOR_STD))
    padding = (0, -w % DETECTOR_STRIDE, 0, -h % DETECTOR_STRIDE)
    return torch.nn.functional.pad((pixels - mean) / std, padding), (h, w)
