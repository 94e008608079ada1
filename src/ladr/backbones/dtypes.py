"""`dtype: auto`: the number format in which a device multiplies fastest. This file imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

AUTO = "auto"
BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # of the flags of a processor: it multiplies bfloat16 by itself
CPU_INFO = Path("/proc/cpuinfo")


def resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with `dtype: auto` replaced by what it is for their device on this machine."""
    if settings.get("dtype") != AUTO:
        return dict(settings)
    return {**settings, "dtype": fastest(str(settings.get("device", "cpu")))}


def fastest(device: str, cpu_info: Path = CPU_INFO) -> str:
    """bfloat16 on cuda and on processors with AMX or AVX512-BF16, else float32."""
    if device.startswith("cuda"):
        return "bfloat16"
    return "bfloat16" if device == "cpu" and BFLOAT16 & _flags(cpu_info) else "float32"


def _flags(cpu_info: Path) -> set[str]:
    """The flags of the first processor; none where the system does not list them."""
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
