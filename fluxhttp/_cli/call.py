"""One request from the command line, and its answer."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp import Client, Config, InvalidTypeError, Limits, open_transport
from fluxhttp._cli.failures import UsageError
from fluxhttp._cli.output import check_target, describe_os_error, write_file, write_stdout

if TYPE_CHECKING:
    from fluxhttp import Response, Transport
    from fluxhttp._cli.arguments import Arguments

_JSON_TYPE = ("Content-Type", "application/json")


def run_call(arguments: Arguments) -> int:
    """Makes the request and writes the answer.

    Raises:
        UsageError, OutputError, ReaderGoneError, FluxHTTPError: as their classes say.
    """
    body = _read_data(arguments.data)
    headers = list(arguments.headers)
    if arguments.json:
        _check_json(body)
        if not any(name.strip().lower() == "content-type" for name, _ in headers):
            headers.append(_JSON_TYPE)
    params: dict[str, list[str]] = {}
    for key, value in arguments.params:
        params.setdefault(key, []).append(value)
    target = None if arguments.output in (None, "-") else check_target(arguments.output)
    config = Config(
        timeout=arguments.timeout,
        insecure_skip_verify=arguments.insecure,
        limits=Limits(body=arguments.max_body),
        max_redirects=arguments.max_redirects,
    )
    with closing(_open(arguments)) as transport, Client(transport, config=config) as client:
        response = client.do(arguments.command.upper(), arguments.url, params=params, headers=headers, body=body or b"")
    head = _head(response) if arguments.include else b""
    if target is not None:
        write_file(target, head, response.body)
    else:
        write_stdout(head, response.body)
    if arguments.fail:
        response.raise_for_status()
    return 0


def _open(arguments: Arguments) -> Transport:
    """The transport, with those options alone that were typed: another's may not know them."""
    options: dict[str, object] = {}
    flags: dict[str, str] = {}
    for flag, option, value, is_typed in (
        ("--cacert", "ca_file", arguments.cacert, arguments.cacert is not None),
        ("--proxy", "proxies", arguments.proxy, arguments.proxy is not None),
        ("--no-env", "trust_env", False, arguments.no_env),
    ):
        if is_typed:
            options[option] = value
            flags[option] = flag
    name = arguments.transport
    try:
        return open_transport(name, **options)
    except InvalidTypeError as error:
        if not flags or not isinstance(error.__cause__, TypeError):
            raise
        # Not its own text, in which a constructor may quote what it got.
        refused = [flag for option, flag in flags.items() if f"unexpected keyword argument {option!r}" in str(error)]
        does_not = "does not take" if refused else "cannot be made with"
        raise UsageError(f"transport {name!r} {does_not} {' and '.join(refused or flags.values())}") from error


def _read_data(data: str | None) -> bytes | None:
    """The bytes that -d stands for; None without it."""
    if data is None:
        return None
    if not data.startswith("@"):
        # The very bytes that were typed, be they UTF-8 or not.
        return os.fsencode(data)
    name = data[1:]
    if name == "-":
        if sys.stdin is None:
            raise UsageError("-d: standard input is closed")
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"-d: cannot read {name or 'a file without a name'}: {describe_os_error(error)}") from error


def _check_json(body: bytes | None) -> None:
    """Refuses data that is not JSON in UTF-8 (RFC 8259, 8.1). The text never shows it."""
    if body is None:
        raise UsageError("--json: there is no data; give it with -d")
    try:
        # A number is not converted: its size is the origin's affair.
        json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise UsageError(f"--json: the data is not JSON: {error.msg.lower()} (position {error.pos})") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--json: the data is not UTF-8 (position {error.start})") from None
    except RecursionError:
        raise UsageError("--json: the data is nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise UsageError(f"--json: the data is not JSON: {name} is no JSON number")


def _head(response: Response) -> bytes:
    """The heads of the redirects that were followed and of the answer, as received (D9, D10)."""
    lines: list[str] = []
    for answer in (*response.history, response):
        lines.append(f"{answer.http_version} {answer.status_code} {answer.reason}")
        lines += [f"{name}: {value}" for name, value in answer.headers.multi_items()]
        lines.append("")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1", "replace")
