"""What pyproject.toml cannot say: a wheel carries the embedded models, which lie beside the package."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path(__file__).parent / "models"


class BuildWithModels(build_py):
    """Copies `models/` into the package, without the logs of their training."""

    def run(self):
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "ladr" / "models"
            copytree(MODELS, target, ignore=ignore_patterns("training*.jsonl"), dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithModels})
