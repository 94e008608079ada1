"""`ladr demo`: a page that draws a prompt with several samplers, the mask filling step by step."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ladr.backbones import load
from ladr.base.errors import LadrError, needs, shown
from ladr.base.ports import require_port
from ladr.cli.drawing import drawable, require_prompt
from ladr.cli.options import LARGEST_SEED
from ladr.cli.sampler import NamedSampler, split
from ladr.decoding.film import Film
from ladr.decoding.loop import decode
from ladr.speed.threads import threads

HOST, MOST = "127.0.0.1", 3
ENLARGED = 2  # pixels of the page per pixel of a frame
WHOLE = 280  # pixels: on a phone the prompt has a line of its own
PAUSE = 0.06  # seconds between two frames
PROMPTS = {"pictures": "a fox, Noto style on a black background"}
PROMPT = "a red circle to the left of a blue square"
STYLE = "footer {display: none} .gradio-container {max-width: 900px; margin: auto}"
OFF = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_SSR_MODE": "False"}


@dataclass(frozen=True)
class Drawn:
    """One sampler's image: its film, its passes, and the seconds of the decode."""

    label: str
    film: Film
    passes: int
    seconds: float

    def after(self, done: int) -> tuple[Any, str]:
        """The picture after so many passes, masked cells grey, and the line below it."""
        count = min(done, self.passes)
        text = f"**{self.label}**: {count} of {self.passes} passes, {self.seconds:.2f} s"
        return self.film.frame(0, count).repeat(ENLARGED, 0).repeat(ENLARGED, 1), text


def demo(
    backbone: Annotated[str, typer.Option(help="shapes, pictures, mixture, or any other.")] = "shapes",
    samplers: Annotated[
        str, typer.Option(help="Two or three samplers, as for `ladr sample --compare`.")
    ] = "cosine,ladr,careful",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 7860,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve a page: a prompt in, samplers side by side, the mask filling step by step."""
    chosen = [NamedSampler.parse(text) for text in split(samplers)]
    if not 1 <= len(chosen) <= MOST:
        raise LadrError(f"samplers: {len(chosen)} are not allowed; one to {MOST}")
    require_port(HOST, port)
    os.environ.update(OFF)
    with needs("ladr demo"):
        import gradio
    model = load(backbone, **drawable(backbone, {}))
    prompt = PROMPTS.get(backbone, PROMPT)
    drawn(model, NamedSampler("", "cosine", 2), prompt, 0)  # warms up
    page = build(gradio, model, chosen, prompt)
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    _, address, _ = page.launch(
        server_name=HOST, server_port=port or None, share=False, inbrowser=show, quiet=True,
        prevent_thread_lock=True, theme=theme, css=STYLE, footer_links=[], ssr_mode=False,
    )  # fmt: skip
    typer.echo(f"{address} (Ctrl-C ends it)")
    page.block_thread()


def build(gradio: Any, model: Any, samplers: list[NamedSampler], prompt: str) -> Any:
    """The page: a prompt and a seed, a picture and a line for each sampler."""
    with gradio.Blocks(title="ladr demo", analytics_enabled=False) as page:
        gradio.Markdown(
            "# ladr\nThe same prompt and the same noise, decoded by each sampler. Grey is masked."
        )
        with gradio.Row():
            text = gradio.Textbox(prompt, label="Prompt", scale=4, min_width=WHOLE, elem_id="prompt")
            seed = gradio.Number(0, label="Seed", precision=0, scale=1, min_width=80, elem_id="seed")
        button = gradio.Button("Draw", variant="primary", elem_id="draw")
        outputs = []
        with gradio.Row():
            for number, sampler in enumerate(samplers):
                with gradio.Column(min_width=200):
                    picture = gradio.Image(
                        label=sampler.label,
                        show_label=False,
                        height=280,
                        elem_id=f"picture-{number}",
                        buttons=[],
                    )
                    outputs += [picture, gradio.Markdown(f"**{sampler.label}**", elem_id=f"line-{number}")]

        def play(words: str, number: float | None) -> Iterator[list[Any]]:
            try:
                yield from frames(model, samplers, words, seed_of(number))
            except LadrError as error:
                raise gradio.Error(str(error), print_exception=False) from None

        for event in (button.click, text.submit):
            event(play, [text, seed], outputs, show_progress="hidden", api_name=False)
    return page


def seed_of(number: float | None) -> int:
    """The seed that the page's field holds; LadrError where it is empty, or no whole number."""
    if number is None or not 0 <= number <= LARGEST_SEED or number != int(number):
        raise LadrError(f"seed: {shown(number)} is not allowed; a whole number from 0 on")
    return int(number)


def frames(model: Any, samplers: list[NamedSampler], prompt: str, seed: int) -> Iterator[list[Any]]:
    """After every pass, a picture and a line for each sampler. Everything is decoded first, so that no second
    is measured while pictures are sent."""
    images = [drawn(model, sampler, prompt, seed) for sampler in samplers]
    for done in range(max(image.passes for image in images) + 1):
        yield [value for image in images for value in image.after(done)]
        time.sleep(PAUSE)


def drawn(model: Any, sampler: NamedSampler, prompt: str, seed: int) -> Drawn:
    """Decode one image."""
    require_prompt(prompt)
    with threads(1):
        began = time.perf_counter()
        result = decode(model, [prompt], sampler.spec, steps=sampler.steps, seeds=[seed])
        seconds = time.perf_counter() - began
    return Drawn(sampler.label, result.film, result.trace.images[0].passes, seconds)
