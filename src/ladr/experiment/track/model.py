"""The models that come with this package, as logged models of MLflow that runs link to.

MLflow keeps the folder as it is: weights as safetensors, settings, and README.md, the model's card. It has no
file `MLmodel`, because that would promise a loader in pickle; `ladr.backbones.load` loads the folder.
"""

from typing import Any, NamedTuple

from ladr.base.errors import LadrError
from ladr.base.models import embedded
from ladr.experiment.cell import Cell

MODELS, WEIGHTS = "models", "ladr.weights"


class Model(NamedTuple):
    """A model that comes with this package: its name, and the sha256 of its weights."""

    name: str
    weights: str


def model_of(cell: Cell) -> Model | None:
    """The embedded model that the cell was decoded with; None where it was another one, or none."""
    backbone = cell.spec["backbone"]
    settings = backbone["settings"]
    if not backbone["weights"] or settings.get("folder") or settings.get("source"):
        return None
    try:
        embedded(backbone["name"])
    except LadrError:
        return None
    return Model(backbone["name"], backbone["weights"])


def logged(client: Any, place: str, model: Model) -> str:
    """The id of the model in the experiment `place`, logged where it is not there yet."""
    for one in client.search_logged_models([place]):
        if one.tags.get(WEIGHTS) == model.weights and str(one.status) in ("READY", "LoggedModelStatus.READY"):
            return one.model_id
    folder = embedded(model.name)
    note = (folder / "README.md").read_text(encoding="utf-8")
    tags = {WEIGHTS: model.weights, "mlflow.note.content": note[:5000]}
    made = client.create_logged_model(place, name=model.name, tags=tags, model_type="masked image model")
    client.log_model_artifacts(made.model_id, str(folder))
    client.finalize_logged_model(made.model_id, "READY")
    return made.model_id
