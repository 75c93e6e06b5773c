"""The models that can be asked for by name: what each is for, and which extra it needs. Nothing heavy is loaded here."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from agent.errors import ModelError
from agent.extras import install

__all__ = ["DEFAULT", "MODELS", "ONE_FILE", "ONNX", "NamedModel", "is_saved", "spec_of"]

ONE_FILE = ".psm"
"""How the name of a model saved as one file ends."""

ONNX = ".onnx"
"""How the name of an ONNX file ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """A model that can be asked for by name.

    Attributes
    ----------
    name
        As it is asked for.
    purpose
        What it is for, in one sentence.
    spec
        Where its factory is, as ``module:function``.
    extra, module
        The extra of this package that it needs, and the module that comes with it; "" for none.
    """

    name: str
    purpose: str
    spec: str
    extra: str = ""
    module: str = ""

    @property
    def available(self) -> bool:
        """Whether all that it needs is installed."""
        return not self.module or find_spec(self.module) is not None

    @property
    def cure(self) -> str:
        """How to install what it needs."""
        return install(self.extra)


MODELS: tuple[NamedModel, ...] = (
    NamedModel(
        name="logistic",
        purpose="The default: weighs the features against each other; needs the fewest bars, and is the hardest to fool.",
        spec="agent.model.estimators:logistic",
    ),
    NamedModel(
        name="boosting",
        purpose="Small trees, each mending what those before got wrong: finds what matters only together, from some "
        "thousand bars on.",
        spec="agent.model.estimators:boosting",
    ),
    NamedModel(
        name="forest",
        purpose="Fifty larger trees that vote: the least upset by odd bars, the slowest to train and to ask.",
        spec="agent.model.estimators:forest",
    ),
    NamedModel(
        name="tree",
        purpose="Four questions at most to an answer: a person can read it whole.",
        spec="agent.model.estimators:tree",
    ),
    NamedModel(
        name="candles",
        purpose="Boosting that also reads the candlesticks and the volume: for signals that are attested, not verified.",
        spec="agent.model.candles:candles",
        extra="ta",
        module="talib",
    ),
)
"""Every model with a name, the default first."""

DEFAULT = MODELS[0]
"""The one taken where none is asked for."""


def spec_of(name: str) -> str:
    """Return where the factory of a named model is, as ``module:function``.

    Raises
    ------
    ModelError
        Where no model has that name.
    """
    specs = {model.name: model.spec for model in MODELS}
    if name not in specs:
        near = get_close_matches(name.lower(), specs, n=1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        raise ModelError(
            f"there is no model called {name!r}.",
            cure=f"{meant}There are {', '.join(specs)}, your own as module:factory, and saved ones by their path.",
        )
    return specs[name]


def is_saved(model: str) -> bool:
    """Whether this is the place of a saved model, and not what one is to be trained by.

    A file or folder that is there goes before a name. Of what is not there, only a path can be meant as one.
    """
    path = Path(model)
    return (
        path.exists()
        or path.is_symlink()
        or "/" in model
        or "\\" in model
        or path.suffix.lower() in (ONE_FILE, ONNX)
    )
