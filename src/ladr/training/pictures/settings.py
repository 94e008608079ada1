"""The settings of a run on the pictures: a wider model than that of the shapes, and a longer early part."""

from dataclasses import replace

from ladr.training.pictures.captions import IMAGE_OFFSET
from ladr.training.pictures.make import CODES
from ladr.training.settings import Settings, embedded_config, embedded_layout


def picture_settings() -> Settings:
    """5.8 million parameters; a picture is known by its name, so most steps can show few of its cells.

    The last fifth shows whole images: what was learnt from shortened ones does not fit them at once. In the
    run whose weights are shipped the loss of whole images rose while a third of the cells was shown, and fell
    from 2.6 to 0.7 nats in 280 steps of whole ones.
    """
    config = replace(
        embedded_config(), d_model=256, n_heads=8, mlp_hidden_size=688, embedding_size=IMAGE_OFFSET + CODES
    )
    layout = replace(embedded_layout(), image_offset=IMAGE_OFFSET, codebook=CODES, guidance=1.0)
    return Settings(
        data="pictures",
        steps=4000,
        shard_batch=24,
        early=0.35,
        decay_from=0.5,
        average=0.99,
        keep=80,
        keep_until=0.8,
        config=config,
        layout=layout,
    )
