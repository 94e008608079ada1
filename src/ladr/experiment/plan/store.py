"""Where the files of a run lie: on this machine's disk, or in a storage that Snakemake carries them to."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.experiment.cell import Cell
from ladr.experiment.cells.record import CELL, SCORE, done
from ladr.experiment.cells.rows import scored
from ladr.experiment.plan.batch import path


class Disk:
    """The working folder, which all jobs see."""

    def decoded(self, cell: Cell) -> bool:
        return done(Path(path(cell.id, CELL)))

    def scored(self, cell: Cell) -> bool:
        return scored(Path(path(cell.id, CELL)).parent, cell)

    def send(self, files: Iterable[Path]) -> None:
        """Jobs find these files where they are."""


DISK = Disk()


@dataclass(frozen=True)
class Storage:
    """The storage of `--default-storage-provider`. Each job may run in an empty folder on another machine.

    Snakemake copies a file PREFIX/results/x of the storage to .snakemake/storage/PROVIDER/PREFIX/results/x
    below the job's folder. The commands look for results/x, so `link` makes both the same place.
    """

    workflow: Any

    def decoded(self, cell: Cell) -> bool:
        return self._stored(path(cell.id, CELL)).exists()

    def scored(self, cell: Cell) -> bool:
        return self._stored(path(cell.id, SCORE)).exists()

    def send(self, files: Iterable[Path]) -> None:
        """Let Snakemake take these files to the jobs together with the Snakefile."""
        self.workflow.configfiles.extend(str(file) for file in files)

    def link(self) -> None:
        """Make the folder of local copies a link to the working folder."""
        copies = Path(self._stored("results").local_path()).parent.absolute()
        copies.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            copies.symlink_to(os.path.relpath(Path.cwd(), copies.parent), target_is_directory=True)
        if copies.resolve() != Path.cwd().resolve():
            raise LadrError(f"{copies}: holds copies of files of a storage, where a link is meant; remove it")

    def _stored(self, file: str) -> Any:
        """What Snakemake knows of this file in the storage."""
        return self.workflow.modifier.path_modifier.apply_default_storage(file).flags["storage_object"]


def store_of(workflow: Any) -> Disk | Storage:
    """Where this run of Snakemake has its files."""
    if workflow is None or workflow.storage_settings.default_storage_provider is None:
        return DISK
    storage = Storage(workflow)
    storage.link()
    return storage
