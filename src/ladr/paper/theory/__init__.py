"""The paper's theory as executable experiments on exact models; `ladr theory` prints them all."""

from ladr.paper.theory.report import results, theory

__all__ = ["results", "theory"]
