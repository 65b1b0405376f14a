"""requests behind the transport of fluxhttp."""

import functools

import requests
from urllib3 import exceptions as urllib3

import adapters
import fluxhttp

#: The class of requests, or of urllib3 where requests hands its answer out -> ours, most specific first.
ERRORS = {
    requests.Timeout: fluxhttp.RequestTimeoutError,
    urllib3.TimeoutError: fluxhttp.RequestTimeoutError,
    requests.exceptions.SSLError: fluxhttp.TLSError,
    requests.ConnectionError: fluxhttp.ConnectError,
    urllib3.InvalidChunkLength: fluxhttp.ProtocolError,
    urllib3.IncompleteRead: fluxhttp.IncompleteBodyError,
    urllib3.ProtocolError: fluxhttp.ReceiveError,
}
call = functools.partial(adapters.call, ERRORS)


class Answer:
    """What requests received, read as ``iter_content`` does, but its content coding left on."""

    def __init__(self, response):
        self._response, self._left = response, b""
        self._pieces = response.raw.stream(65_536, decode_content=False)
        self.status_code, self.reason = response.status_code, response.reason or ""
        self.http_version = f"HTTP/{response.raw.version / 10}"
        self.headers = fluxhttp.Headers.trusted(list(response.raw.headers.iteritems()))

    def read(self, size, /):
        while not self._left and (piece := call(next, self._pieces, None)) is not None:
            self._left = piece
        data, self._left = self._left[:size], self._left[size:]
        return data

    def close(self):
        if self._response.raw.length_remaining == 0:
            # Only one that was read to its end, and then once more, gives its connection back.
            call(next, self._pieces, None)
        self._response.close()


class RequestsTransport:
    """A session without header fields, redirects and environment of its own."""

    def __init__(self, *, ca_file=None):
        self._session, self._trusted = requests.Session(), True if ca_file is None else str(ca_file)
        self._session.headers.clear()
        self._session.trust_env = False

    def send(self, request, /, *, config, deadline):
        # It takes one value a name.
        headers = {name: request.headers[name] for name in request.headers}
        theirs = requests.Request(
            request.method, str(request.url), headers=headers, data=request.body or None
        ).prepare()
        options = {"timeout": deadline.remaining(), "verify": False if config.insecure_skip_verify else self._trusted}
        return Answer(call(self._session.send, theirs, stream=True, allow_redirects=False, **options))

    def close(self):
        self._session.close()
