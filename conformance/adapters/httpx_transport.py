"""httpx behind the transport of fluxhttp."""

import functools
import ssl

import httpx

import adapters
import fluxhttp

#: httpx's class -> ours, most specific first.
ERRORS = {
    httpx.TimeoutException: fluxhttp.RequestTimeoutError,
    httpx.ConnectError: fluxhttp.ConnectError,
    httpx.WriteError: fluxhttp.SendError,
    httpx.ReadError: fluxhttp.ReceiveError,
    httpx.ProtocolError: fluxhttp.ProtocolError,
}
call = functools.partial(adapters.call, ERRORS)


class Answer:
    """What httpx received, its content coding left on."""

    def __init__(self, response, method):
        self._response, self._pieces, self._left = response, response.iter_raw(), b""
        self.status_code, self.http_version = response.status_code, response.http_version
        self.reason = response.extensions["reason_phrase"].decode("latin-1")
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        self.headers = fluxhttp.Headers.trusted(pairs)
        has_body = method != "HEAD" and self.status_code not in (204, 304)
        self._length = int(response.headers.get("content-length", -1)) if has_body else 0

    def read(self, size, /):
        while not self._left and (piece := call(next, self._pieces, None)) is not None:
            self._left = piece
        data, self._left = self._left[:size], self._left[size:]
        return data

    def close(self):
        if self._response.num_bytes_downloaded == self._length:
            # Only one that was read to its end, and then once more, gives its connection back.
            call(next, self._pieces, None)
        self._response.close()


class HttpxTransport:
    """A client of httpx; a second one takes the calls that trust any certificate."""

    def __init__(self, *, ca_file=None):
        context = ssl.create_default_context(cafile=ca_file)
        self._client, self._careless = (httpx.Client(verify=each, trust_env=False) for each in (context, False))

    def send(self, request, /, *, config, deadline):
        headers, timeout = (
            list(request.headers.multi_items()),
            {"timeout": httpx.Timeout(deadline.remaining()).as_dict()},
        )
        # Built without the client, which would add header fields of its own.
        theirs = httpx.Request(
            request.method, str(request.url), headers=headers, content=request.body, extensions=timeout
        )
        client = self._careless if config.insecure_skip_verify else self._client
        return Answer(call(client.send, theirs, stream=True), request.method)

    def close(self):
        self._client.close(), self._careless.close()
