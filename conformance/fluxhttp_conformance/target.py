"""A transport under test, by name or by factory."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import fluxhttp
from fluxhttp import Client
from fluxhttp.testing import FakeTransport, WSGITransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import Transport

#: What the suite may want of a factory. A case that needs one it does not take is not applicable.
KEYWORDS = ("ca_file", "dialer", "proxies", "trust_env")


class NotApplicable(Exception):  # noqa: N818  # an outcome, not an error
    """The case needs something that this transport cannot be given."""


class Target:
    """How to open the transport under test.

    Args:
        name: what reports call it.
        factory: returns a new transport; called with those of ``ca_file``,
            ``dialer``, ``proxies`` and ``trust_env`` that its signature takes.
        client: what cases call it through.
        is_lenient: whether any error of the tree will do where a case asks for one
            class of it: for a client below that does not tell its failures apart.
    """

    def __init__(
        self,
        name: str,
        factory: Callable[..., Transport],
        *,
        client: Callable[..., Client] = Client,
        is_lenient: bool = False,
    ) -> None:
        self.name = name
        self.client = client
        self.is_lenient = is_lenient
        self._factory = factory
        parameters = inspect.signature(factory).parameters.values()
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        self.keywords: frozenset[str] = frozenset(
            KEYWORDS if takes_any else {parameter.name for parameter in parameters}.intersection(KEYWORDS)
        )

    @classmethod
    def of(cls, name: str, factory: Any) -> Target:
        """A factory as a target; a class derived from Client is one over the standard library's transport."""
        if _is_client(factory):
            return cls(name, fluxhttp.StdlibTransport, client=factory)
        return cls(name, factory)

    @classmethod
    def named(cls, name: str) -> Target:
        """A registered transport, ``wsgi``, or ``package.module:factory``.

        Raises:
            fluxhttp.InvalidConfigError: there is none of that name.
        """
        module, colon, attribute = name.partition(":")
        if colon:
            return cls.of(name, getattr(import_module(module), attribute))

        if name == "wsgi":
            # It cannot be opened by name alone: the lab brings the application.
            return cls(name, WSGITransport)
        # What opens it hides its signature; the class shows it, unless a function is registered that makes it.
        transport = fluxhttp.open_transport(name)
        transport.close()
        kind = type(transport)
        registered = [entry.load() for entry in entry_points(group="fluxhttp.transports", name=name)]
        made_by = [each for each in registered if not isinstance(each, type)]
        return cls(name, made_by[0] if made_by and kind not in registered else kind)

    @property
    def is_fake(self) -> bool:
        """Whether it is a fake, whose peers are in memory."""
        return isinstance(self._factory, type) and issubclass(self._factory, FakeTransport)

    @property
    def is_application(self) -> bool:
        """Whether it leads to a WSGI application, which it is opened with."""
        return isinstance(self._factory, type) and issubclass(self._factory, WSGITransport)

    def open(self, **options: Any) -> Transport:
        """A new transport.

        Raises:
            NotApplicable: it does not take one of the options.
        """
        is_checked = not self.is_fake and not self.is_application
        if is_checked and (missing := set(options) - self.keywords):
            raise NotApplicable(f"{self.name} takes no {', '.join(sorted(missing))}")
        if self.is_application and "application" not in options:
            raise NotApplicable(f"{self.name} is opened with the application of the case alone")
        if "trust_env" in self.keywords:
            options.setdefault("trust_env", False)
        return self._factory(**options)

    def __repr__(self) -> str:
        return f"<Target {self.name}>"

    def __str__(self) -> str:
        return self.name


def _is_client(factory: object) -> bool:
    return isinstance(factory, type) and issubclass(factory, Client)
