"""Every error as one line that says what to do, and the exit code: 2 for a mistake of the user, 1 for a
failure."""

import errno
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer

from ladr.base.errors import LadrError, printable
from ladr.cli.words import with_value

__all__ = ["FAILURE", "MISTAKE", "NoArgsIsHelpError", "explained", "printable"]
MISTAKE, FAILURE = 2, 1
# typer has no public names for these two.
UsageError = typer.BadParameter.__bases__[0]
NoArgsIsHelpError = vars(import_module(UsageError.__module__))["NoArgsIsHelpError"]

FILES = {
    errno.EISDIR: ("is a folder; name a file", MISTAKE),
    errno.ENOTDIR: ("a part of this path is a file and no folder; choose another path", MISTAKE),
    errno.EEXIST: ("is there already and is no folder; choose another path", MISTAKE),
    errno.EACCES: ("access is denied; change the permissions or choose another path", MISTAKE),
    errno.EPERM: ("this is not permitted; change the permissions or choose another path", MISTAKE),
    errno.EROFS: ("this file system is read-only; choose another path", MISTAKE),
    errno.ELOOP: ("is a link that leads to itself; remove it", MISTAKE),
    errno.ENAMETOOLONG: ("this name is too long; choose a shorter one", MISTAKE),
    errno.ENOSPC: ("cannot be written (No space left on device); what is finished is kept", FAILURE),
    errno.EDQUOT: ("cannot be written (the disk quota is used up); what is finished is kept", FAILURE),
}
MEMORY = "memory is short; decode fewer images at once, or choose a smaller size or model"
COMPILED = (
    "torch.compile failed; install a C++ compiler, or compile nothing (`ladr train model --no-compiled`)"
)
NESTED = "a file or a value is nested too deeply to be read; make it flatter"
# package.Class of an error, or of what it is derived from -> what happened and what to do, exit code.
OTHERS = {
    "builtins.RecursionError": (NESTED, MISTAKE),
    "builtins.MemoryError": (MEMORY, FAILURE),
    "torch.OutOfMemoryError": (MEMORY, FAILURE),
    "builtins.UnicodeError": ("a file or a word is not UTF-8 text", MISTAKE),
    "pydantic_core.ValidationError": ("a value has the wrong form", MISTAKE),
    "ruamel.YAMLError": ("a file or a value of --set is not valid YAML", MISTAKE),
    "yaml.YAMLError": ("a file or a value of --set is not valid YAML", MISTAKE),
    "json.JSONDecodeError": ("a file is not valid JSON; `ladr doctor` checks those below results/", MISTAKE),
    "safetensors.SafetensorError": ("a file is no valid safetensors file", MISTAKE),
    "PIL.UnidentifiedImageError": ("a file is no image that can be read", MISTAKE),
    "mlflow.MlflowException": ("MLflow failed; check MLFLOW_TRACKING_URI and the server", FAILURE),
    "sqlite3.Error": ("a database failed; is results/mlflow.db damaged or in use?", FAILURE),
    "sqlalchemy.SQLAlchemyError": ("a database failed; is results/mlflow.db damaged or in use?", FAILURE),
    "optuna.OptunaError": ("Optuna failed; is the search's database damaged or in use?", FAILURE),
    "subprocess.CalledProcessError": ("a program that was called failed", FAILURE),
    "torch.TorchDynamoException": (COMPILED, FAILURE),
    "torch.InvalidCxxCompiler": (COMPILED, FAILURE),
    "concurrent.BrokenExecutor": (
        "a process was killed, perhaps as memory was short; use fewer processes",
        FAILURE,
    ),
    "builtins.ConnectionError": ("the network failed; call again to go on", FAILURE),
    "builtins.TimeoutError": ("no answer in time; call again to go on", FAILURE),
}


def explained(error: BaseException, words: Sequence[str] = ()) -> tuple[str, int]:
    """What to print about an error of the command that `words` call, and the exit code."""
    if isinstance(error, LadrError):
        return str(error), _status(error)
    if isinstance(error, UsageError):
        return _of_usage(error, words), MISTAKE
    if isinstance(error, typer.Abort):
        return "stopped", FAILURE
    for kind in type(error).__mro__:
        known = OTHERS.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}")
        if known is not None:
            return _with_reason(known[0], error), known[1]
    if isinstance(error, OSError):
        return _of_files(error)
    if "allocate memory" in str(error):
        return MEMORY, FAILURE
    fault = f"a fault of this program, {type(error).__name__}"
    return f"{_with_reason(fault, error)}; --debug shows where", FAILURE


def _with_reason(text: str, error: BaseException) -> str:
    """The text and, in parentheses, at most 300 characters of the error's own message."""
    reason = " ".join(str(error).split())
    return f"{text} ({reason[:300]}{'...' if len(reason) > 300 else ''})" if reason else text


def _of_usage(error: Exception, words: Sequence[str]) -> str:
    """What typer says about wrong words, with the value, and the command whose help explains them."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ladr"
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message.replace("': ", f"'{with_value(error, words)}: ", 1)
    return f"{message}; `{path} --help` shows what is allowed"


def _status(error: LadrError) -> int:
    """The error's own exit code, or that of what the system refused, such as room on a full disk."""
    cause = error.__cause__
    return FILES[cause.errno][1] if isinstance(cause, OSError) and cause.errno in FILES else error.status


def _of_files(error: OSError) -> tuple[str, int]:
    name = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOENT:
        if error.filename and Path(str(error.filename)).is_symlink():
            return f"{name}is a link to nothing; remove it or make what it names", MISTAKE
        return f"{name}there is no such file or folder; check the path", MISTAKE
    if error.errno in FILES:
        text, code = FILES[error.errno]
        return f"{name or 'a file: '}{text}", code
    return f"{name}{error.strerror or _with_reason('a file or the network failed', error)}", FAILURE
