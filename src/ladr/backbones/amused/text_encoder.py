"""The CLIP text encoder that comes with aMUSEd, through transformers."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ladr.backbones.checkpoint.ranges import require_like, settings_of
from ladr.backbones.checkpoint.safetensors_folder import read_json
from ladr.base.errors import LadrError, needs, shown


class Encoder:
    """`tokenizer/` and `text_encoder/` of a folder: texts -> (hidden (S, L, D), pooled (S, P))."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: str):
        with needs("the text encoder of aMUSEd"):
            from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

        with settings_of(folder / "tokenizer", "CLIP tokenizer"):
            self.words = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        path = folder / "text_encoder" / "config.json"
        require_like(CLIPTextConfig().to_dict(), read_json(path), path)
        with settings_of(path, "CLIP text encoder"):
            model, report = CLIPTextModelWithProjection.from_pretrained(
                folder / "text_encoder", use_safetensors=True, local_files_only=True, output_loading_info=True
            )
        if missing := sorted(report["missing_keys"]):
            raise LadrError(f"{folder / 'text_encoder'}: tensor {', '.join(missing[:3])} is missing")
        longest, most = self.words.model_max_length, model.config.max_position_embeddings
        if type(longest) is not int or not 1 <= longest <= most:
            raise LadrError(
                f"{folder / 'tokenizer'}: model_max_length is {shown(longest)}, must be a whole number "
                f"from 1 to {most}"
            )
        self.model = model.to(device, dtype).eval().requires_grad_(False)
        self.device = device

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        length = self.words.model_max_length
        ids = self.words(
            list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        )
        out = self.model(ids.input_ids.to(self.device), output_hidden_states=True, return_dict=True)
        return out.hidden_states[-2], out.text_embeds
