"""`patternsettle new-model`: a model of one's own to begin with, in one file, and a test of it, both as they should be."""

from __future__ import annotations

import keyword
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from agent.cli.next_steps import next_steps
from agent.cli.options import JsonOption
from agent.cli.output import show, show_json
from agent.errors import UsageError
from agent.extras import install
from agent.files import named
from agent.model.named import MODELS

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="What to call it: a Python module's name, like my_model.", show_default=False
    ),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Folder to write it in; the current one unless given.")
]

_MODEL = '''"""{name}: a model of your own. `patternsettle check {name}:make` examines it."""

from sklearn.ensemble import ExtraTreesClassifier

from agent.model.cautious import Cautious


def make(*, gap=44):
    """Return the unfitted classifier.

    Any classifier of scikit-learn with `predict_proba` will do, or a pipeline that ends in one. It is fitted on
    integers: a row for each bar with a pattern, in ascending time, and a column for each of
    `agent.model.features.FEATURES`. The labels are 1 where a long trade took its profit, -1 where a short one
    did, and 0 where neither did. Give nothing a `random_state`: the seed of the training sets it.

    Whatever holds out rows at random (early stopping, ordinary cross-validation) learns from the neighbours in
    time of those it is judged by. `Cautious` holds out stretches, `gap` rows apart, and believes the classifier as
    far as it proves right on them.
    """
    classifier = ExtraTreesClassifier(n_estimators=20, max_depth=6, min_samples_leaf=30)
    return Cautious(classifier, gap=gap)
'''

_TEST = '''"""What {name} has to keep to: `pytest {test}`."""

from {name} import make

from agent.market.synthetic import planted
from agent.model.train import train
from agent.testing import check_model


def test_it_fits_in_and_never_looks_ahead():
    failed = check_model(make).failed
    assert not failed, "\\n".join(f"{{check.name}} Not so: {{check.detail}}" for check in failed)


def test_it_finds_patterns_that_were_planted():
    assert train(planted(3_000, seed=1), factory=make).manifest.metrics.edge
'''


def new_model(name: NameArgument, out: OutOption = Path(), json: JsonOption = False) -> None:
    """Write a model of your own to begin with, and a test of it.

    Both pass as they stand. Nothing that is there already is overwritten.
    """
    named(out / f"test_{name}.py")  # the longer of the two
    files = {out / f"{name}.py": _MODEL, out / f"test_{name}.py": _TEST}
    _require_name(name, out)
    _require_free(tuple(files))
    _write({file: text.format(name=name, test=f"test_{name}.py") for file, text in files.items()})
    commands = _commands(name)
    if json:
        show_json({"model": f"{name}:make", "files": [str(file) for file in files], "next": list(commands)})
        return
    written = Text(f"Wrote {' and '.join(str(file) for file in files)}.")
    where = () if out.resolve() == Path.cwd() else (f"cd {shlex.quote(str(out))}",)
    show(written, next_steps(*where, *commands))


def _commands(name: str) -> tuple[str, ...]:
    # Only who tests contracts or models has pytest: a first `scripts/demo` installs none.
    installing = () if find_spec("pytest") else (install("testing"),)
    return (
        *installing,
        f"pytest test_{name}.py",
        f"patternsettle check {name}:make",
        f"patternsettle evaluate {name}:make --data FILE",
        f"patternsettle train --model {name}:make --data FILE --out {name}.psm",
        f"patternsettle demo --data FILE --model {name}.psm",
    )


def _require_name(name: str, out: Path) -> None:
    """Refuse a name under which a module could not be imported, or would hide another."""
    like = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name.lower()).strip("_")
    like = like if like.isidentifier() else "my_model"
    if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} is not a name that Python can import.",
            cure=f"Take letters, digits and underscores: {f'{like}_model' if keyword.iskeyword(like) else like}.",
        )
    if name in {model.name for model in MODELS}:
        raise UsageError(f"A model called {name!r} is there already.", cure=f"Take another name, like my_{name}.")
    ours = (out / f"{name}.py").exists()
    if not ours and (name in sys.stdlib_module_names or find_spec(name) is not None):
        raise UsageError(
            f"There is a module {name!r} already, and two of one name hide each other.",
            cure=f"Take another name, like my_{name}.",
        )


def _require_free(files: tuple[Path, ...]) -> None:
    for file in files:
        if file.exists():
            raise UsageError(f"{file} is there already, so it is left alone.", cure="Take another name or --out.")


def _write(files: dict[Path, str]) -> None:
    """Write all files, or none."""
    written: list[Path] = []
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                written.append(file)
                opened.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise UsageError(
            f"{error.filename or 'a file'} cannot be written: {error.strerror or error}.",
            cure="Name a folder that can be written with --out.",
        ) from error
