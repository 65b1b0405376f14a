"""What was typed, read and judged.

A message names the option and what is wrong, never the value: it may be a
token, and standard error may be a log.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn

from fluxhttp import Config, Limits, __version__
from fluxhttp._cli.failures import EXIT_CODES, UsageError
from fluxhttp._cli.output import write_stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

METHODS = ("get", "head", "post", "put", "patch", "delete")
COMMANDS = (*METHODS, "demo")
_HELP = ("-h", "--help", "--version")

# size = 1*18DIGIT [ ( "K" / "M" / "G" ) [ "i" ] ] [ "B" ]       in any case
_read_size = re.compile(r"([0-9]{1,18})(?:([KMG])I?)?B?", re.IGNORECASE).fullmatch
#: Powers of 1024, with or without the "i": Flux's page calls 104857600 bytes 100 MB.
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_find_option_name = re.compile(r"--[a-z][a-z-]*(?==|$)|-[A-Za-z]").match
_find_command = re.compile(r"[A-Za-z][A-Za-z-]{0,15}").fullmatch


class Arguments(argparse.Namespace):
    """What was typed. For ``demo`` only ``command`` is set."""

    command: str
    url: str
    params: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    data: str | None
    json: bool
    timeout: float | None
    insecure: bool
    cacert: str | None
    proxy: str | None
    no_env: bool
    max_body: int | None
    max_redirects: int
    transport: str
    include: bool
    output: str | None
    fail: bool


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments of a command line.

    Raises:
        UsageError: they cannot be understood.
        SystemExit: --help or --version was asked for, and printed.
        OutputError, ReaderGoneError: it could not be printed.
    """
    parser = _build_parser()
    if not argv:
        parser.error("a command is missing")
    first = argv[0]
    if first not in COMMANDS and first not in _HELP:
        # Here and not in argparse, which would quote it: somebody may have typed a URL with a password.
        is_word = _find_command(first)
        parser.error(f"unknown command {first!r}" if is_word else "a command comes first, such as: fluxhttp get URL")
    arguments, surplus = parser.parse_known_args(argv, Arguments())
    if surplus:
        found = next((name for text in surplus if (name := _find_option_name(text))), None)
        parser.error(f"unknown option {found[0]}" if found else "too many arguments")
    return arguments


class _Parser(argparse.ArgumentParser):
    """argparse, with errors of ours and without abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_epilog(), **options
        )

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - the signature is argparse's
        # argparse would swallow the failure of a write.
        write_stdout(self.format_help().encode())

    def error(self, message: str) -> NoReturn:
        # The one message of argparse that quotes a value: --json=VALUE.
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        raise UsageError(f"{message.removeprefix('argument ')}; see {self.prog} --help")


class _Version(argparse.Action):
    """Prints the version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        write_stdout(f"fluxhttp {__version__}\n".encode())
        parser.exit()


class _Once(argparse.Action):
    """Stores a value, and refuses a second: curl would join them, and we would drop the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: object,
        *_: object,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "may be given only once")
        setattr(namespace, self.dest, values)


def _build_parser() -> _Parser:
    parser = _Parser(prog="fluxhttp", description="Makes an HTTP request and writes the body of the answer.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for method in METHODS:
        text = f"make a {method.upper()} request"
        _add_call_arguments(commands.add_parser(method, help=text, description=f"{text[:1].upper()}{text[1:]}."))
    text = "run Flux's three examples through every transport installed, and compare"
    commands.add_parser("demo", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    return parser


def _add_call_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("url", metavar="URL", help="http or https")
    request = parser.add_argument_group("request")
    add = request.add_argument
    add("-p", "--param", dest="params", metavar="KEY=VALUE", type=_param, action="append", default=[],
        help="add to the query; may be repeated; replaces a query in URL")  # fmt: skip
    add("-H", "--header", dest="headers", metavar="'NAME: VALUE'", type=_header, action="append", default=[],
        help="send a header; may be repeated")  # fmt: skip
    add("-d", "--data", metavar="DATA", action=_Once, help="the body: text, @FILE, or @- for standard input")
    add("--json", action="store_true", help="the data is JSON: it is checked, and sent as application/json")
    _add_transport_arguments(parser)
    answer = parser.add_argument_group("answer")
    add = answer.add_argument
    add("-i", "--include", action="store_true", help="write status line and headers before the body")
    add("-o", "--output", metavar="FILE", help="write to FILE, which is replaced only by a whole answer")
    add("--fail", action="store_true", help="exit with 4 for a status of 400 or above; the body is written")
    add("--max-body", metavar="SIZE", type=_size, default=Limits().body,
        help="refuse a body over SIZE: bytes, or with KB, MB, GB, which are powers of 1024 as KiB, MiB, GiB are; "
        "none for no limit (default: 100MB)")  # fmt: skip


def _add_transport_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("transport").add_argument
    add("--timeout", metavar="SECONDS", type=_seconds, help="for the whole call (default: none)")
    add("--max-redirects", metavar="N", type=_count, default=Config().max_redirects,
        help="follow at most N; 0 returns the redirect itself (default: 10)")  # fmt: skip
    add("--insecure", action="store_true", help="accept any TLS certificate")
    add("--cacert", metavar="FILE", help="trust the certificates of this PEM file, and no others")
    add("--proxy", metavar="URL", help="go through this http:// proxy")
    add("--no-env", action="store_true", help="ignore HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
    add("--transport", metavar="NAME", default="stdlib", help="stdlib (default), or another one installed")


def _epilog() -> str:
    lines = [f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["exit codes:", *lines])


def _param(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be KEY=VALUE")
    return key, value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("must be 'NAME: VALUE'")
    return name, value


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a number of seconds") from None


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def _size(text: str) -> int | None:
    if text.lower() == "none":
        return None
    found = _read_size(text)
    if not found:
        raise argparse.ArgumentTypeError("must be a size such as 1000, 64KiB or 100MB, or none")
    return int(found[1]) * _UNITS[(found[2] or "").upper()]
