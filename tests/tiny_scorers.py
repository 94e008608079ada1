"""Tiny random instances of the networks that score official benchmarks, saved like checkpoints."""

import torch

WORDS = ["a", "photo", "of", "red", "cup", "owl", "is", "there", "?", "box", "the", "blue", "object"]


def save_tokenizer(folder, first, last, unknown="[UNK]"):
    """A word tokenizer that puts `first` before and `last` after a text, saved as transformers saves one."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"[PAD]": 0, unknown: 1, first: 2, last: 3, **{w: k for k, w in enumerate(WORDS, start=4)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        f"{first} $A {last}", None, [(first, 2), (last, 3)]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token=unknown)
    fast.save_pretrained(folder)


def save_clip(folder):
    """A tiny random CLIP with its tokenizer."""
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig

    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextConfig(**size, vocab_size=32, max_position_embeddings=12, eos_token_id=3, bos_token_id=2)
    vision = CLIPVisionConfig(**size, image_size=16, patch_size=4)
    torch.manual_seed(1)
    model = CLIPModel(
        CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=8)
    )
    model.save_pretrained(folder)
    save_tokenizer(folder, "<s>", "</s>")
    return folder


def save_blip(folder):
    """A tiny random BLIP that answers questions, with its tokenizer."""
    from transformers import BlipConfig, BlipForQuestionAnswering, BlipTextConfig, BlipVisionConfig

    size = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = BlipTextConfig(**size, vocab_size=30524, encoder_hidden_size=32, max_position_embeddings=40)
    vision = BlipVisionConfig(**size, image_size=16, patch_size=4)
    model = BlipForQuestionAnswering(BlipConfig(text_config=text.to_dict(), vision_config=vision.to_dict()))
    torch.manual_seed(0)
    with torch.no_grad():  # large enough weights for answers to differ
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    save_tokenizer(folder, "[CLS]", "[SEP]")
    return folder


def detector_config(classes=5):
    """The configuration of a tiny Mask2Former."""
    from transformers import Mask2FormerConfig, SwinConfig

    stages = ["stage1", "stage2", "stage3", "stage4"]
    heads = {"num_heads": [1, 1, 2, 2], "depths": [1, 2, 1, 1]}
    swin = SwinConfig(embed_dim=8, window_size=2, out_features=stages, **heads)
    dims = dict.fromkeys(("feature_size", "mask_feature_size", "hidden_dim"), 32)
    dims |= {"encoder_feedforward_dim": 16, "dim_feedforward": 16, "encoder_layers": 1, "decoder_layers": 3}
    return Mask2FormerConfig(
        backbone_config=swin, num_attention_heads=2, num_queries=6, num_labels=classes, **dims
    )
