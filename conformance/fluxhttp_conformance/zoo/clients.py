"""Faults above the transport: clients that let through, repair or share what they should not.

What the core does is the same over every transport, so no transport can break
it. These are clients over a sound one.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from fluxhttp import Client, Config, InvalidRequestError, InvalidURLError, Request, TransportError
from fluxhttp_conformance.zoo.creature import creature

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Response

# URLs


class _Repairing(Client):
    """Repairs a URL that was refused, and asks again."""

    def do(self, method: str, url: Any, **options: Any) -> Response:
        try:
            return super().do(method, url, **options)
        except InvalidURLError:
            if not isinstance(url, str) or (again := self.repaired(url)) == url:
                raise
            return super().do(method, again, **options)

    def repaired(self, url: str) -> str:
        """What is asked for instead."""
        raise NotImplementedError


@creature("targets/control-characters", like="urllib.parse, which drops TAB, CR and LF")
class DropsControlCharactersOfTheURL(_Repairing):
    """Drops control characters from a URL instead of refusing it."""

    def repaired(self, url: str) -> str:
        """Without them."""
        return re.sub(r"[\x00-\x1f\x7f]", "", url)


@creature("hosts/ambiguous", like="browsers")
class TakesBackslashesForSlashes(_Repairing):
    """Takes a backslash in a URL for a slash."""

    def repaired(self, url: str) -> str:
        """With slashes."""
        return url.replace("\\", "/")


@creature("targets/not-http", like="curl")
class GuessesTheScheme(_Repairing):
    """Takes a URL without a scheme for an http one."""

    def repaired(self, url: str) -> str:
        """With one."""
        return url if "://" in url else f"http://{url.lstrip('/')}"


@creature("proxies/absolute-form", "targets/path-and-query")
class LowersTheWholeURL(Client):
    """Lower-cases a URL, path and credentials included."""

    def do(self, method: str, url: Any, **options: Any) -> Response:
        """In lower case."""
        return super().do(method, url.lower() if isinstance(url, str) else url, **options)


@creature("targets/no-fragment")
class SendsFragments(Client):
    """Sends the fragment as part of the target."""

    def do(self, method: str, url: Any, **options: Any) -> Response:
        """With its hash encoded."""
        return super().do(method, url.replace("#", "%23") if isinstance(url, str) else url, **options)


@creature("targets/long-urls", like="CVE-2021-33503 of urllib3: at signs in quadratic time")
class LooksForTheAuthoritySlowly(Client):
    """Looks at a URL in time that grows with the square of its length."""

    def do(self, method: str, url: Any, **options: Any) -> Response:
        """Takes one character off after the other."""
        # Long enough for a case to notice, whatever machine it is.
        rest, started = url if isinstance(url, str) else "", time.thread_time()
        while rest and time.thread_time() - started < 1.2:
            rest = rest[1:]
        return super().do(method, url, **options)


# Fields


class _Cleaning(Client):
    """Cleans headers that were refused, and asks again."""

    def do(self, method: str, url: Any, *, headers: Any = None, **options: Any) -> Response:
        try:
            return super().do(method, url, headers=headers, **options)
        except InvalidRequestError:
            if not headers:
                raise
            pairs: Any = getattr(headers, "items", lambda: headers)()
            return super().do(method, url, headers=[self.cleaned(*pair) for pair in pairs], **options)

    def cleaned(self, name: str, value: str) -> tuple[str, str]:
        """What is sent instead."""
        raise NotImplementedError


@creature("sent-fields/control-characters")
class DropsControlCharactersOfValues(_Cleaning):
    """Drops control characters from a value instead of refusing it."""

    def cleaned(self, name: str, value: str) -> tuple[str, str]:
        """Without them."""
        return name, re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", value)


@creature("sent-fields/names-are-tokens")
class DropsBadCharactersOfNames(_Cleaning):
    """Drops what is no token from a name instead of refusing it."""

    def cleaned(self, name: str, value: str) -> tuple[str, str]:
        """The rest of it."""
        return re.sub(r"[^A-Za-z0-9-]", "", name) or "X", value


@creature("requests/no-version-to-choose", like="CVE-2023-49081 of aiohttp: a version with line ends")
class LetsTheVersionBeChosen(Client):
    """Takes a version from its caller."""

    def do(self, method: str, url: Any, *, version: str = "", http_version: str = "", **options: Any) -> Response:
        """And does with it what it wants."""
        if version or http_version:
            options["headers"] = {"X-Version": (version or http_version).splitlines()[0]}
        return super().do(method, url, **options)


# What belongs to the caller


@creature("requests/arguments-are-left-alone")
class ChangesItsArguments(Client):
    """Adds a field of its own to the caller's dictionary."""

    def build_request(self, method: str, url: Any, *, headers: Any = None, **options: Any) -> Request:
        """With one more."""
        add: Any = getattr(headers, "setdefault", None)
        if add is not None:
            add("X-Trace", "1")
        return super().build_request(method, url, headers=headers, **options)


class _OpenRequest(Request):
    """A request that anybody may change."""

    __setattr__ = object.__setattr__  # type: ignore[assignment]  # that is the fault
    __delattr__ = object.__delattr__  # type: ignore[assignment]  # likewise


@creature("requests/cannot-be-changed", like="requests.PreparedRequest")
class LetsRequestsBeChanged(Client):
    """Builds requests whose attributes may be set."""

    def build_request(self, method: str, url: Any, **options: Any) -> Request:
        """Such a one."""
        request = super().build_request(method, url, **options)
        return _OpenRequest(request.method, request.url, request.headers, request.body, decodes=request.decodes)


@creature("bodies/kinds-of-bytes")
class SendsTheMemoryUnderAView(Client):
    """Sends all of the memory that a view shows a part of."""

    def build_request(self, method: str, url: Any, *, body: Any = b"", **options: Any) -> Request:
        """The whole object."""
        memory: Any = body.obj if isinstance(body, memoryview) else body
        return super().build_request(method, url, body=memory, **options)


@creature("resending/after-a-redirect", like="fluxhttp, before its suite asked")
class ForgetsEarlierHops(Client):
    """Says of a call that was redirected only what became of its last request."""

    def send(self, request: Request, *, config: Config | None = None) -> Response:
        """By how far that one got."""
        try:
            return super().send(request, config=config)
        except TransportError as error:
            error.maybe_sent = error.phase not in ("dns", "connect")
            raise


@creature("pickling/settings", like="caches by id()")
class KnowsSettingsByIdentity(Client):
    """Takes settings that came from elsewhere, equal or not, for its own."""

    __slots__ = ("_known",)
    _known: Config

    def send(self, request: Request, *, config: Config | None = None) -> Response:
        """Only with the settings of its first call."""
        try:
            known = self._known
        except AttributeError:
            known = self._known = self.config if config is None else config
        if config is not None and config is not known:
            raise RuntimeError("these settings were not registered")
        return super().send(request, config=config)


@creature("lifecycle/transport-of-the-caller")
class ClosesTheCallersTransport(Client):
    """Closes the transport that it was given."""

    def close(self) -> None:
        """With itself."""
        super().close()
        self.transport.close()
