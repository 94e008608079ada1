"""What `--sampler` and `--compare` of `ladr sample` may say, and the list of all samplers."""

import json
import textwrap
from dataclasses import dataclass
from typing import Any

from ladr.base.errors import LadrError
from ladr.decoding.policies import POLICIES, build

DEFAULT = "careful"  # of `ladr sample`
MOST_DIGITS = 6
MOST_SAMPLERS = 32  # side by side
ABOUT = {  # what fits into a line of 76 characters beside the longest name
    "ladr": "Plain decoding and the rescue of confident neighbours.",
    "scheduled": "Plain decoding whose time is read off the mask.",
    "cosine": "Plain decoding: best cells first, on a cosine schedule.",
    "maskgit": "Plain decoding with the annealed noise of MaskGIT.",
    "prophet": "Plain decoding, and everything once the network is sure.",
    "order": "The due number of cells, in a fixed order (`order`).",
    "halton": "The due number of cells, in the order of a Halton sequence.",
    "quincunx": "The due number of cells, from a coarse grid to a fine one.",
    "random": "The due number of cells, in a random order.",
    "raster": "The due number of cells, line by line.",
    "threshold": "Fast-dLLM, Dimple: cells surer than a level.",
    "entropy_bound": "EB-Sampler: the most sure cells under a sum of entropies.",
    "localleap": "Sure cells, and less sure ones beside them.",
    "klass": "Sure cells whose probabilities stand still.",
    "rescue": "LADR's rescue alone: confident neighbours of known cells.",
    "all_in": "Everything that is left, from a given time on.",
    "doubt": "Sure cells ride free, and a few unsure ones decide.",
    "careful": "Two short tries of `doubt`; the likelier picture is kept.",
    "free_riders": "Free riders alone: sure cells, up to a sum of doubts.",
    "unsure": "The doubt budget's deciding cells alone: a few unsure ones.",
    "checkerboard": "GtR: one colour of the checkerboard, then the other.",
    "stratified": "LaViDa-O: each quarter of the grid in turn.",
    "moment": "The due number of cells by moments; then colder tokens.",
    "remdm": "Plain decoding that masks improbable tokens again.",
    "free_correction": "Plain decoding that masks again what became improbable.",
    "certainty_prior": "d2Cache: confidence times the density of known cells.",
    "ccd": "Cells that are sure in this pass and in the one before.",
    "sprint": "The masked cells over the passes left, and all sure ones.",
    "uncoupled": "DAPD: cells that hardly look at each other.",
    "oracle": "Learn2PD: what a slower run ends with; in params.yaml alone.",
    "tries": "Several tries of a policy; the likeliest picture is kept.",
}


@dataclass(frozen=True)
class NamedSampler:
    """A policy and its number of planned passes T; `planned`: does its own text say that number?"""

    label: str
    spec: str | dict[str, Any]
    steps: int
    planned: bool = False

    @classmethod
    def parse(cls, text: str, steps: int | None = None) -> "NamedSampler":
        """`ladr`, `cosine@15` (T = 15), or a JSON object {"policy": "ladr", "rank": "confidence"}.

        steps: T where the text does not say it (default: the policy's own).
        """
        if text.lstrip().startswith("{"):
            spec = _object(text)
            policy = build(spec)
            return cls(policy.name, spec, steps or policy.planned)
        name, at, own = text.strip().partition("@")
        if at and not (own.isascii() and own.isdecimal() and len(own) <= MOST_DIGITS and int(own) > 0):
            raise LadrError(f"sampler: {text[:80]!r} is not allowed; a name, or NAME@STEPS such as cosine@15")
        policy = build(name)
        return cls(text.strip(), name, int(own or steps or policy.planned), bool(own))


def several(text: str, steps: int | None = None) -> list[NamedSampler]:
    """The samplers of `--compare`, each once."""
    texts = [one.strip() for one in split(text)]
    samplers = [NamedSampler.parse(one, steps) for one in texts]
    if again := [one for number, one in enumerate(texts) if one in texts[:number]]:
        raise LadrError(f"compare: {again[0][:80]!r} stands here twice; name each sampler once")
    if len(texts) > MOST_SAMPLERS:
        raise LadrError(f"compare: {len(texts)} samplers are not allowed; at most {MOST_SAMPLERS}")
    return samplers


def _object(text: str) -> dict[str, Any]:
    try:
        spec = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise LadrError(f"sampler: {text[:80]!r} is not valid JSON ({error})") from None
    if not isinstance(spec.get("policy"), str):
        raise LadrError(f'sampler: {text[:80]!r} names no policy; an object such as {{"policy": "ladr"}}')
    return spec


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"the key {max(names, key=names.count)[:80]!r} stands there twice")
    return dict(pairs)


def split(text: str) -> list[str]:
    """The samplers of `--compare`: commas stand between them, those within braces and brackets are theirs."""
    parts = [""]
    depth = 0
    for letter in text:
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def listing(width: int) -> str:
    """Every sampler with one line about it, no line wider than `width`."""
    longest = max(map(len, POLICIES))
    return "\n".join(f"{name:{longest}}  {_about(name, width - longest - 2)}" for name in POLICIES)


def _about(name: str, width: int) -> str:
    """The sampler's line of `ABOUT`, else the first words of what its class says about itself."""
    policy = POLICIES[name]
    text = ABOUT.get(name) or getattr(policy, "func", policy).__doc__ or ""
    return textwrap.shorten(text.split("\n\n")[0], width, placeholder=" ...")
