"""The command line: `ladr --help`. A command is imported when it is called, and not to be listed."""

from ladr.cli.interrupt import INTERRUPTED, Silently

with Silently():
    import os
    import sys
    import traceback
    from importlib import import_module
    from typing import Annotated, Any

    import typer

    from ladr.base.errors import LadrError, nearest, needs
    from ladr.base.escape import printable
    from ladr.base.version import VERSION
    from ladr.cli.commands import COMMANDS, RENAMED
    from ladr.cli.mistakes import MISTAKE, NoArgsIsHelpError, explained
    from ladr.cli.output import name_output
    from ladr.cli.words import require_values

HELP = {"help_option_names": ["-h", "--help"]}
DEBUG = "--debug"


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"ladr {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the frames of an error (also after the command's name).")
    ] = False,
) -> None:
    """Training-free faster decoding of masked image models."""


def build(only: str | None = None) -> typer.Typer:
    """As much of the application as the command `only` needs; without one, all names with their help."""
    app = typer.Typer(no_args_is_help=True, context_settings=HELP, pretty_exceptions_enable=False)
    app.callback()(_options)
    if only is None:
        for name, command in COMMANDS.items():
            app.command(name, help=command.help, rich_help_panel=command.family)(lambda: None)
        return app
    module, _, name = COMMANDS[only].home.partition(":")
    command = getattr(import_module(module), name)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=only)
    else:
        app.command(only)(command)
    return app


def requested(words: list[str]) -> str | None:
    """The command that these words call; None for `--help` and the like. A LadrError for an unknown name."""
    if any(name.startswith("_LADR_COMPLETE") for name in os.environ):
        typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
        return next((word for word in typed.split()[1:2] if word in COMMANDS), None)
    name = words[0] if words else "--help"
    if name.startswith("-") or name in COMMANDS:
        return name if name in COMMANDS else None
    if name in RENAMED:
        raise LadrError(f"`ladr {name}` is now `ladr {RENAMED[name]}`")
    raise LadrError(f"there is no command {name!r}{nearest(name, COMMANDS)}; `ladr --help` lists them")


def without_debug(words: list[str]) -> tuple[list[str], bool]:
    """The words before a `--` without `--debug`, and whether it was among them."""
    end = words.index("--") if "--" in words else len(words)
    options = [word for word in words[:end] if word != DEBUG]
    return options + words[end:], len(options) < end


def main() -> None:
    """Entry point of the `ladr` command."""
    with Silently():
        name_output()
        sys.exit(answer(sys.argv[1:]))


def answer(words: list[str]) -> int:
    """Do what the words after `ladr` say. An error is one line on stderr.

    Exit code 2 is a mistake in what was typed or in a file, 1 is a failure, 0 is success. 130 is
    Ctrl-C, which prints nothing.
    """
    words, debug = without_debug(words)
    try:
        return _called(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except NoArgsIsHelpError:  # the help is printed already
        return MISTAKE
    except Exception as error:
        text, code = explained(error, words)
        if debug:
            traceback.print_exc()
        typer.secho(f"ladr: {printable(text)}", fg="red", err=True)
        return code


def _called(words: list[str]) -> int:
    """Run the command that the words call; its exit code."""
    name = requested(words)
    with needs(f"ladr {name}" if name else "ladr"):
        command: Any = typer.main.get_command(build(name))
        require_values(command, words)
        result: Any = command(words, prog_name="ladr", standalone_mode=False)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
