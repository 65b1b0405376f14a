"""aiohttp behind the transport of fluxhttp, its event loop in a thread."""

import asyncio
import ssl
import threading

import aiohttp
import yarl

import adapters
import fluxhttp

#: aiohttp's class -> ours, most specific first.
ERRORS = {
    TimeoutError: fluxhttp.RequestTimeoutError,
    aiohttp.ClientSSLError: fluxhttp.TLSError,
    aiohttp.ClientConnectorError: fluxhttp.ConnectError,
    aiohttp.ClientPayloadError: fluxhttp.IncompleteBodyError,
    aiohttp.ClientConnectionError: fluxhttp.ReceiveError,
    aiohttp.ClientResponseError: fluxhttp.ProtocolError,
}
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Answer:
    """What aiohttp received, its content coding left on."""

    def __init__(self, response, run):
        self.read = lambda size, /: run(response.content.read(size))
        self.close = lambda: run(response.__aexit__(None, None, None))
        self.status_code = response.status
        self.reason = (response.reason or "").encode("utf-8", "surrogateescape").decode("latin-1")
        self.http_version = f"HTTP/{response.version.major}.{response.version.minor}"
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        self.headers = fluxhttp.Headers.trusted(pairs)


class AiohttpTransport:
    """A session without header fields, redirects and cookies of its own."""

    def __init__(self, *, ca_file=None):
        self._loop, self._context = asyncio.new_event_loop(), ssl.create_default_context(cafile=ca_file)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._session = self._run(self._open())

    async def _open(self):
        return aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())

    def _run(self, coroutine):
        return adapters.call(ERRORS, asyncio.run_coroutine_threadsafe(coroutine, self._loop).result)

    def send(self, request, /, *, config, deadline):
        options = {"headers": list(request.headers.multi_items()), "data": request.body or None}
        options |= {"skip_auto_headers": NOT_ADDED, "allow_redirects": False}
        options |= {"timeout": aiohttp.ClientTimeout(total=deadline.remaining())}
        options |= {"ssl": False if config.insecure_skip_verify else self._context}
        url = yarl.URL(str(request.url), encoded=True)
        return Answer(self._run(self._session.request(request.method, url, **options).__aenter__()), self._run)

    def close(self):
        self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
