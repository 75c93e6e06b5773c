"""The command line: which commands there are, and how each error ends: one line, exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from difflib import SequenceMatcher
from io import TextIOWrapper
from typing import Annotated

import typer
from typer.exceptions import TyperException

from agent import __version__
from agent.cli.chain import chain
from agent.cli.check import check
from agent.cli.data import data
from agent.cli.demo import demo
from agent.cli.deploy import deploy
from agent.cli.doctor import doctor
from agent.cli.evaluate import evaluate
from agent.cli.mandate import mandate
from agent.cli.models import models
from agent.cli.new_model import new_model
from agent.cli.output import OutputFailed, StandardOutput, kept_for_results, take_standard_output
from agent.cli.place import places_judged
from agent.cli.run import run
from agent.cli.stopping import Stopped, stop_in_order
from agent.cli.swap import swap
from agent.cli.sweep import sweep
from agent.cli.train import train
from agent.errors import BooksUnbalanced, PatternSettleError
from agent.model.reasons import ending

NAME = "patternsettle"
UNBALANCED = 1
REFUSED = 2
_ABOUT_AS_NEAR = 0.1
INTERRUPTED = 130
EXIT_CODES = (
    "Exit codes: 0 done, also where Ctrl-C ended it with its report; 1 the books do not balance, or a model failed its "
    "check; 2 refused, with what to do; 130 interrupted, with nothing to report (SIGTERM: 143, SIGHUP: 129)."
)

app = typer.Typer(
    name=NAME,
    help="Patterns found by a model, trades settled by a contract, everything traceable.",
    invoke_without_command=True,
    add_completion=False,
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: it reads well at any width, and starts faster
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Patterns found by a model, trades settled by a contract, everything traceable."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (demo, run, swap, train, models, new_model, check, evaluate, sweep, data, chain, deploy, doctor):
    app.command()(kept_for_results()(places_judged(command)))
app.add_typer(mandate, name="mandate")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    if sys.stdout is None:  # it was closed; what is opened next must not take its place
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY))  # not to be written to, as it was asked
    # A name that this terminal cannot show must not end a command that has done its work.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    take_standard_output()
    with stop_in_order() as asked:
        try:
            code = run_command(arguments)
        except Exception:
            # A library in the middle of being imported makes its own of what a signal raises.
            if not asked.is_set():
                raise
            code = _refuse("interrupted.", code=INTERRUPTED)
    sys.exit(code)


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: see `EXIT_CODES`."""
    wanted = sys.argv[1:] if arguments is None else list(arguments)
    command = typer.main.get_command(app)
    try:
        # Not `app(...)`: typer would end the process where a reader has gone, and say nothing of Ctrl-C.
        with redirect_stdout(StandardOutput(sys.stdout)):
            try:
                with command.make_context(NAME, wanted) as context:
                    command.invoke(context)
            finally:
                sys.stdout.flush()  # here, so that a reader that has gone, or a full disk, is met here
    except typer.Exit as end:
        return end.exit_code
    except OutputFailed as error:
        _leave_output()
        return _refuse(str(error))
    except PatternSettleError as error:
        return _refuse(str(error), code=UNBALANCED if isinstance(error, BooksUnbalanced) else REFUSED)
    except TyperException as error:
        return _refuse(_told(error))
    except KeyboardInterrupt as stopped:
        code = stopped.code if isinstance(stopped, Stopped) else INTERRUPTED
        return _refuse(" ".join(["interrupted.", *map(str, stopped.args)]), code=code)
    except SystemExit as end:
        # Nothing of ours raises it in here: a model's code did, where nobody expected it to be at work.
        return _refuse(f"the process was ended{ending(end)}. Mend that module.")
    except BrokenPipeError:
        _leave_output()  # whoever read it has gone (`| head`), and nothing is left to say
    return 0


def _leave_output() -> None:
    """Send what standard output still holds nowhere, so that not even the end of the process fails at it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: TyperException) -> str:
    """What was wrong on the command line, and where to look."""
    said = " ".join(error.format_message().split())
    if likely := getattr(error, "possibilities", None):
        said = f"{error.message}. Did you mean {' or '.join(_nearest(getattr(error, 'option_name', ''), likely))}?"
    elif not said.endswith(("?", ".")):
        said += "."
    command = getattr(getattr(error, "ctx", None), "command_path", NAME)
    return f"{said} See {command} --help."


def _nearest(wrong: str, likely: Sequence[str]) -> list[str]:
    """Return the likely options that are about as near to a wrong one as the nearest of them."""
    near = {option: SequenceMatcher(None, wrong, option).ratio() for option in likely}
    return sorted(option for option, ratio in near.items() if ratio >= max(near.values()) - _ABOUT_AS_NEAR)


def _refuse(said: str, *, code: int = REFUSED) -> int:
    with suppress(OSError):  # the terminal may be gone
        print(f"{NAME}: {said}", file=sys.stderr)
    return code
