"""An experiment of seconds that has ablations, sweeps and labels: what figures are drawn from."""

REPLAY = "replay:ladr"
PARAMS = {
    "use": ["field"],
    "steps": 6,
    "images": 2,
    "backbones": {
        "field": {"settings": {"grid": [4, 4], "codes": 2}, "benchmarks": {"field-exact": 2}},
    },
    "samplers": {
        "cosine": {"policy": "cosine", "label": "Cosine"},
        "cosine_matched": {"policy": "cosine", "match": "ladr", "label": "Cosine, LADR's passes"},
        "ladr": {"policy": "ladr", "label": "LADR"},
        "late": {"policy": "ladr", "label": "Late", "phases": {"exploration": {"alpha": 0.0}}},
    },
    "ablations": {
        "figure5": {
            "benchmarks": ["field-exact"],
            "rows": {
                "neighbour": {"policy": "ladr", "budget": REPLAY},
                "elsewhere": {"policy": "ladr", "where": "non-frontier-first", "budget": REPLAY},
            },
        },
        "parts": {
            "benchmarks": ["field-exact"],
            "rows": {
                "plain": {"policy": "cosine", "schedule": "fixed"},
                "rescue": {"policy": "ladr", "schedule": "fixed"},
                "both": {"policy": "ladr"},
            },
        },
    },
    "sweeps": {
        "alpha_tau": {
            "base": "ladr",
            "benchmarks": ["field-exact"],
            "grid": {"phases.structure.alpha": [0.1, 0.3], "phases.structure.tau": [0.05, 0.5]},
        },
        "steps": {"base": "cosine", "benchmarks": ["field-exact"], "grid": {"steps": [2]}},
    },
    "curves": {
        "rivals": {
            "benchmarks": ["field-exact"],
            "rows": {
                "plain": {"policy": "cosine", "label": "Cosine", "vary": "steps", "values": [2, 4, 6]},
                "bar": {
                    "policy": "threshold", "label": "Threshold", "vary": "level", "values": [0.5, 0.8, 0.95],
                },
            },
        },
    },
}  # fmt: skip
