"""BLIP-VQA: how sure it is of "yes", and its answer in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ladr.benchmarks.official.pixels import for_blip

ENC, BOS, YES, NO = 30523, 30522, 2748, 2053  # ids of BLIP's vocabulary: BERT's, with two tokens added
LONGEST = 35
DROPPED = re.compile(r"[.!\"()*#:;~]")
EXACT = "blip-vqa-capfilt-large"  # the official weights' name


@dataclass
class BlipVqa:
    """A transformers BLIP for visual questions with its tokenizer.

    BLIP was trained with [ENC] in place of the question's first token; transformers leaves [CLS] there, which
    changes the answers, so the token is put in by hand and the two text networks are run one by one.
    """

    model: Any
    tokenizer: Any
    name: str
    device: str = "cpu"

    @classmethod
    def load(cls, checkpoint: str | Path, device: str = "cpu") -> "BlipVqa":
        from transformers import AutoTokenizer, BlipForQuestionAnswering

        model = BlipForQuestionAnswering.from_pretrained(checkpoint).eval().to(device)
        return cls(model, AutoTokenizer.from_pretrained(checkpoint), Path(checkpoint).name, device)

    @torch.inference_mode()
    def yes(self, image: Image.Image, questions: Sequence[str]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) of the first answer token per question, rounded to 4 decimals."""
        if not questions:
            return []
        states, mask = self._read(image, questions)
        start = torch.full((len(questions), 1), BOS, device=self.device)
        out = self.model.text_decoder(
            input_ids=start, encoder_hidden_states=states, encoder_attention_mask=mask
        )
        logits = out.logits[:, 0].float()
        share = torch.softmax(logits[:, [YES, NO]], dim=-1)[:, 0]
        return [round(p, 4) for p in share.tolist()]

    def answers_yes(self, image: Image.Image, questions: Sequence[str]) -> list[bool]:
        """Whether "yes" is likelier than "no"."""
        return [p > 0.5 for p in self.yes(image, questions)]

    def _read(self, image: Image.Image, questions: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The questions' states over the image, which is encoded once: (n, length, d) and their mask."""
        side = self.model.config.vision_config.image_size
        seen = self.model.vision_model(pixel_values=for_blip(image, side).to(self.device)).last_hidden_state
        seen = seen.expand(len(questions), -1, -1)
        texts = [clean(question) for question in questions]
        encoded = self.tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        ids, mask = encoded["input_ids"].to(self.device), encoded["attention_mask"].to(self.device)
        ids[:, 0] = ENC
        states = self.model.text_encoder(
            input_ids=ids,
            attention_mask=mask,
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long, device=self.device),
        ).last_hidden_state
        return states, mask


def clean(question: str) -> str:
    """Lower case, without the marks that the official script drops, at most 50 words."""
    return " ".join(DROPPED.sub("", question.lower()).rstrip(" ").split(" ")[:50])
