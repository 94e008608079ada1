"""BLIP-VQA: how sure it is of "yes", and its answer in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ladr.base.errors import needs
from ladr.benchmarks.official.named import name_of
from ladr.benchmarks.official.pixels import for_blip
from ladr.benchmarks.official.weights import network, tokenizer

ENC, BOS, YES, NO = 30523, 30522, 2748, 2053  # ids of BLIP's vocabulary: BERT's, with two tokens added
LONGEST = 35
DROPPED = re.compile(r"[.!\"()*#:;~]")
OFFICIAL_WEIGHTS = "Salesforce/blip-vqa-capfilt-large"


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
        with needs("BLIP"):
            from transformers import AutoTokenizer, BlipForQuestionAnswering

        model = network(BlipForQuestionAnswering, checkpoint).to(device)
        return cls(model, tokenizer(AutoTokenizer, checkpoint), name_of(checkpoint, OFFICIAL_WEIGHTS), device)

    @torch.inference_mode()
    def yes(self, image: Image.Image, questions: Sequence[str]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) of the first answer token per question, rounded to 4 decimals.

        The image is encoded once. Questions are not padded into a batch: the cross attention of transformers
        5 drops the question's mask, so its decoder would look at padding, which the official one does not.
        """
        side = self.model.config.vision_config.image_size
        seen = self.model.vision_model(pixel_values=for_blip(image, side).to(self.device)).last_hidden_state
        return [round(self._yes(seen, question), 4) for question in questions]

    def answers_yes(self, image: Image.Image, questions: Sequence[str]) -> list[bool]:
        """For each question: is yes likelier than no?"""
        return [p > 0.5 for p in self.yes(image, questions)]

    def _yes(self, seen: torch.Tensor, question: str) -> float:
        encoded = self.tokenizer(clean(question), truncation=True, max_length=LONGEST, return_tensors="pt")
        ids = encoded["input_ids"].to(self.device)
        ids[:, 0] = ENC
        states = self.model.text_encoder(input_ids=ids, encoder_hidden_states=seen).last_hidden_state
        start = torch.full((1, 1), BOS, device=self.device)
        out = self.model.text_decoder(input_ids=start, encoder_hidden_states=states)
        return float(torch.softmax(out.logits[0, 0, [YES, NO]].float(), dim=-1)[0])


def clean(question: str) -> str:
    """The question in lower case, without the marks that the official script drops, at most 50 words."""
    return " ".join(DROPPED.sub("", question.lower()).rstrip(" ").split(" ")[:50])
