"""The commands: `durably run` and `durably recover`; `durably simulate` stands in a file of its own."""

import contextlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

import durably.workflows
from durably.actors.model import OperationStatus
from durably.workflows.cli.arguments import handlers_of, load, read_input, split_target
from durably.workflows.cli.failures import log_to_console
from durably.workflows.cli.progress import Feed, describe_error
from durably.workflows.cli.session import Results, Session, clean_stdout, errors_explained, say
from durably.workflows.cli.simulate import simulate_command
from durably.workflows.local import HandlerNotFoundError, LocalService
from durably.workflows.local.code import Handler, hash_of, load_module
from durably.workflows.local.records import ExecutionRecord
from durably.workflows.local.store import ExecutionSummary

DEFAULT_DATABASE = Path(".durably/executions.db")

_database = click.option(
    "--database",
    "-d",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_DATABASE,
    envvar="DURABLY_DATABASE",
    show_default=True,
    show_envvar=True,
    help="Where executions are kept.",
)
_quiet = click.option("--quiet", "-q", is_flag=True, help="Show warnings and errors only.")


@click.group(context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(durably.workflows.__version__, prog_name="durably")
def durably_command() -> None:
    """Run durable workflows on this machine.

    Results go to standard output as JSON, everything else to standard error. Exit codes: 0 success,
    1 a failed execution or another error, 2 wrong usage, 130 interrupted.
    """


durably_command.add_command(simulate_command)


@durably_command.command()
@click.argument("target", metavar="FILE[:HANDLER]")
@click.option(
    "--input", "-i", "input_text", metavar="JSON|@FILE|-", help="The handler's input; - is standard input."
)
@click.option("--name", help="What to call the execution: up to 64 of letters, digits, - and _.")
@_database
@_quiet
def run(target: str, input_text: str | None, name: str | None, database: Path, quiet: bool) -> None:
    """Run a workflow to its end, and print its result.

    HANDLER may be left out if FILE has one durable handler, or one that is called handler. By their names
    the others can be invoked. Killed in the middle, it is gone on with by `durably recover`.
    """
    path, handler_name = split_target(target)
    event = read_input(input_text)
    if name is not None and not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        raise click.UsageError(f"Invalid name {name!r}: 1 to 64 of letters, digits, - and _ are allowed.")
    feed = None if quiet else Feed()
    with clean_stdout() as results, errors_explained():
        log_to_console(quiet=quiet)
        handler, others = load(path, handler_name)
        _make_folder(database)
        with LocalService(database, observer=feed) as service:
            _register(service, others)
            if name is not None and any(name == one.record.name for one in service.executions()):
                say(
                    f"Error: {database} has an execution {name} already. Choose another name, or go on with "
                    f"it: durably recover {name}"
                )
                raise SystemExit(1)
            name = name or f"{re.sub('[^a-zA-Z0-9_-]', '_', path.stem)[:55]}-{uuid.uuid4().hex[:8]}"
            execution = service.start(handler, event, name=name)
            session = Session(database, feed)
            session.finish(service, [execution])
            if not session.report(execution):
                raise SystemExit(1)
            results.write(json.dumps(execution.result(0)) + "\n")


@durably_command.command()
@click.argument("execution", required=False)
@click.option("--latest", is_flag=True, help="Go on with the code as it is in its file now.")
@_database
@_quiet
def recover(execution: str | None, latest: bool, database: Path, quiet: bool) -> None:
    """Go on with executions that were interrupted, from their last checkpoint.

    With the name (or ARN) of an EXECUTION its result is printed, as `durably run` would have. Without, all
    that are unfinished are run to their end, and a line of JSON is printed for each: its name, its status,
    and its result if it has one.
    """
    feed = None if quiet else Feed()
    with clean_stdout() as results, errors_explained():
        if not database.is_file():
            say(f"Error: there is no database {database}. Name the one that `durably run` used: --database")
            raise SystemExit(1)
        log_to_console(quiet=quiet)
        with LocalService(database, observer=feed) as service:
            known = _without_invoked(service.executions())
            chosen = known if execution is None else [_named(known, execution, database)]
            unfinished = [one for one in chosen if not one.operation.status.is_terminal]
            if not unfinished:
                if execution is None:
                    say(f"Nothing to recover: {database} has no unfinished execution.")
                else:
                    _repeat_end(chosen[0], results)
                return
            if not latest:
                _tell_changed_code(unfinished)
            for summary in unfinished:
                _register_file(service, summary.record, latest=latest)
            arns = [one.record.arn for one in unfinished]
            running = [one for one in service.recover(latest=latest, only=arns) if one.arn in arns]
            session = Session(database, feed)
            session.finish(service, running)
            succeeded = [session.report(one) for one in running]
            for one, good in zip(running, succeeded, strict=True):
                if execution is None:
                    result = {"result": one.result(0)} if good else {}
                    results.write(json.dumps({"name": one.name, "status": one.status, **result}) + "\n")
                elif good:
                    results.write(json.dumps(one.result(0)) + "\n")
            if not all(succeeded):
                raise SystemExit(1)


def _make_folder(database: Path) -> None:
    """Make the folder of the default database, which version control is to leave alone."""
    if database == DEFAULT_DATABASE and not database.parent.exists():
        try:
            database.parent.mkdir()
            (database.parent / ".gitignore").write_text("*\n")
        except OSError as error:
            say(f"Error: cannot make the folder {database.parent}: {error.strerror}. Use --database.")
            raise SystemExit(1) from error


def _register_file(service: LocalService, record: ExecutionRecord, *, latest: bool) -> None:
    """Let an execution invoke the handlers that its file has, in the version that it goes on with."""
    if record.handler_file is None or record.code_hash is None:
        return
    path = Path(record.handler_file)
    with contextlib.suppress(HandlerNotFoundError, OSError):  # `recover` will say so
        source = path.read_bytes() if latest else service.store.source(record.code_hash)
        if source is not None:
            _register(service, handlers_of(load_module(path, source)))


def _register(service: LocalService, handlers: Mapping[str, Handler]) -> None:
    """Let executions invoke these handlers by name."""
    for name, handler in handlers.items():
        service.register(name, handler)


def _without_invoked(executions: Sequence[ExecutionSummary]) -> list[ExecutionSummary]:
    """All but those whose invoker is unfinished, with which they go on. One that outlived it is kept."""
    unfinished = {one.record.arn for one in executions if not one.operation.status.is_terminal}
    return [one for one in executions if one.record.parent_arn not in unfinished]


def _named(known: Sequence[ExecutionSummary], wanted: str, database: Path) -> ExecutionSummary:
    """The execution of a name or ARN; of several of that name, the newest."""
    found = [one for one in known if wanted in (one.record.name, one.record.arn)]
    if not found:
        unfinished = [one.record.name for one in known if not one.operation.status.is_terminal]
        rest = (
            f"Unfinished are: {', '.join(unfinished[:20])}." if unfinished else "Nothing in it is unfinished."
        )
        say(f"Error: {database} has no execution {wanted!r}. {rest}")
        raise SystemExit(1)
    return found[-1]


def _repeat_end(one: ExecutionSummary, results: Results) -> None:
    """Say how an execution ended that has ended already."""
    end = one.operation
    say(f"{one.record.name} has ended already: {end.status.value}")
    if end.status is not OperationStatus.SUCCEEDED:
        say(f"  {describe_error(end.error)}")
        raise SystemExit(1)
    results.write((end.result or "null") + "\n")


def _tell_changed_code(unfinished: Sequence[ExecutionSummary]) -> None:
    """Say which executions go on with other code than their file has now."""
    for one in unfinished:
        record = one.record
        if record.handler_file is None:
            continue
        try:
            now = hash_of(Path(record.handler_file).read_bytes())
        except OSError:
            say(f"{record.handler_file} is gone: {record.name} goes on with the copy that was stored.")
            continue
        if now != record.code_hash:
            say(
                f"{record.handler_file} has changed since {record.name} began, which goes on with the code "
                f"that it began with. To use the changed code: durably recover {record.name} --latest"
            )
