"""Memory that a pass gives back stays with the process for the next pass."""

import torch

LARGEST = 31 << 20  # bytes: glibc learns from blocks of at most 32 MiB


def keep_pages() -> None:
    """Let glibc keep freed memory up to about 60 MiB instead of handing it back to the system.

    It sets its bounds by the largest block of its own mapping that was freed so far, and starts with so small
    ones that every pass of a small backbone would fetch, clear and return the same pages. Other allocators
    are not changed by it.
    """
    torch.empty(LARGEST, dtype=torch.uint8)
