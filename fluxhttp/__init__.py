"""fluxhttp: an HTTP client whose test double can be believed.

::

    import fluxhttp

    response = fluxhttp.post("https://api.example.com/points", params={"db": ["a"]}, json={"x": 1})
    response.status_code, response.body, response.headers, response.duration

Everything public is here; the fake is in ``fluxhttp.testing``. What is heavy is
loaded on first use: the import itself loads neither ``ssl`` nor ``http.client``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._client import Client
from fluxhttp._core.config import Config, Limits
from fluxhttp._core.deadline import Clock, Deadline
from fluxhttp._core.headers import Headers
from fluxhttp._core.query import basic_auth, encode_params, path_escape
from fluxhttp._core.request import Request
from fluxhttp._core.response import Response, peek
from fluxhttp._core.transport import Transport, TransportResponse
from fluxhttp._core.url import URL
from fluxhttp._shortcuts import configure, delete, do, get, head, override, patch, post, put
from fluxhttp._version import __version__
from fluxhttp.errors import (
    BodyTooLargeError,
    CertificateError,
    ClosedError,
    ConnectError,
    DecodingError,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidHeaderError,
    InvalidMethodError,
    InvalidParamsError,
    InvalidRedirectError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
    LimitError,
    NameResolutionError,
    ProtocolError,
    ProxyError,
    ReceiveError,
    RequestTimeoutError,
    ResponseError,
    SendError,
    StatusError,
    TLSError,
    TooManyRedirectsError,
    TransportError,
    TruncatedBodyError,
)

if TYPE_CHECKING:
    from fluxhttp._core.addresses import FLUX_BLOCKS, STRICT_BLOCKS, PrivateAddressGuard
    from fluxhttp._wire.dialer import Dialer
    from fluxhttp.transports.registry import open_transport
    from fluxhttp.transports.stdlib import StdlibTransport
    from fluxhttp.transports.urllib3 import Urllib3Transport as Urllib3Transport  # see __all__
else:
    #: Loaded on first use: name -> module.
    _LATER = {
        "Dialer": "fluxhttp._wire.dialer",
        "FLUX_BLOCKS": "fluxhttp._core.addresses",
        "PrivateAddressGuard": "fluxhttp._core.addresses",
        "STRICT_BLOCKS": "fluxhttp._core.addresses",
        "StdlibTransport": "fluxhttp.transports.stdlib",
        "Urllib3Transport": "fluxhttp.transports.urllib3",
        "open_transport": "fluxhttp.transports.registry",
    }

    def __getattr__(name):
        module = _LATER.get(name)
        if module is None:
            raise AttributeError(f"module 'fluxhttp' has no attribute {name!r}")
        from importlib import import_module

        try:
            value = globals()[name] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise ImportError(f"{name} needs {error.name}: pip install 'fluxhttp[{error.name}]'") from error
        return value

    def __dir__():
        return sorted({*globals(), *_LATER})


# Without Urllib3Transport: "from fluxhttp import *" is for everybody, with urllib3 or without.
__all__ = [
    "FLUX_BLOCKS",
    "STRICT_BLOCKS",
    "URL",
    "BodyTooLargeError",
    "CertificateError",
    "Client",
    "Clock",
    "ClosedError",
    "Config",
    "ConnectError",
    "Deadline",
    "DecodingError",
    "Dialer",
    "FluxHTTPError",
    "HeadTooLargeError",
    "Headers",
    "IncompleteBodyError",
    "InvalidConfigError",
    "InvalidHeaderError",
    "InvalidMethodError",
    "InvalidParamsError",
    "InvalidRedirectError",
    "InvalidRequestError",
    "InvalidTypeError",
    "InvalidURLError",
    "LimitError",
    "Limits",
    "NameResolutionError",
    "PrivateAddressGuard",
    "ProtocolError",
    "ProxyError",
    "ReceiveError",
    "Request",
    "RequestTimeoutError",
    "Response",
    "ResponseError",
    "SendError",
    "StatusError",
    "StdlibTransport",
    "TLSError",
    "TooManyRedirectsError",
    "Transport",
    "TransportError",
    "TransportResponse",
    "TruncatedBodyError",
    "__version__",
    "basic_auth",
    "configure",
    "delete",
    "do",
    "encode_params",
    "get",
    "head",
    "open_transport",
    "override",
    "patch",
    "path_escape",
    "peek",
    "post",
    "put",
]
