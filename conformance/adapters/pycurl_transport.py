"""pycurl behind the transport of fluxhttp; a body is read whole before it is handed over."""

import io
import math
import threading

import pycurl

import fluxhttp

#: curl's code -> our class; any other is a ProtocolError.
ERRORS = {
    pycurl.E_OPERATION_TIMEDOUT: fluxhttp.RequestTimeoutError,
    pycurl.E_COULDNT_RESOLVE_HOST: fluxhttp.NameResolutionError,
    pycurl.E_COULDNT_CONNECT: fluxhttp.ConnectError,
    pycurl.E_PEER_FAILED_VERIFICATION: fluxhttp.CertificateError,
    pycurl.E_SEND_ERROR: fluxhttp.SendError,
    pycurl.E_RECV_ERROR: fluxhttp.ReceiveError,
    pycurl.E_GOT_NOTHING: fluxhttp.ReceiveError,
    pycurl.E_PARTIAL_FILE: fluxhttp.IncompleteBodyError,
}
ADDED_BY_CURL = ("Accept", "Expect", "Content-Type", "User-Agent")


def _milliseconds(seconds):
    # To curl 0 is no time-out at all; and who rounds down ends too early.
    return 0 if seconds is None else max(1, math.ceil(seconds * 1000))


class Answer:
    """What curl received; ``close`` has nothing left to do."""

    def __init__(self, status_code, lines, body):
        # The last status line is the final answer's; after its empty line come trailers.
        start = max([0, *(number for number, line in enumerate(lines) if line.startswith(b"HTTP/"))])
        first, *fields = [line.decode("latin-1").strip("\r\n") for line in lines[start:]]
        self.status_code, self.http_version = status_code, first.partition(" ")[0]
        self.reason = "".join(first.split(" ", 2)[2:])
        pairs = [field.partition(":")[::2] for field in fields[: [*fields, ""].index("")]]
        self.headers = fluxhttp.Headers.trusted([(name, value.strip(" \t")) for name, value in pairs])
        self.read, self.close = io.BytesIO(body.getvalue()).read, lambda: None


class PycurlTransport:
    """One handle a thread, each with its connections."""

    def __init__(self, *, ca_file=None):
        self._local, self._options = threading.local(), {} if ca_file is None else {"CAINFO": str(ca_file)}

    def send(self, request, /, *, config, deadline):
        curl, lines, body = self._local.__dict__.setdefault("curl", pycurl.Curl()), [], io.BytesIO()
        curl.reset()
        sent = [f"{name}: {value}" if value else f"{name};" for name, value in request.headers.multi_items()]
        sent += [f"{name}:" for name in ADDED_BY_CURL if name not in request.headers]
        options = {"URL": str(request.url), "PATH_AS_IS": 1, "CUSTOMREQUEST": request.method}
        options |= {"PROXY": "", "NOSIGNAL": 1}
        options |= {"HTTPHEADER": [line.encode() for line in sent], "HEADERFUNCTION": lines.append, "WRITEDATA": body}
        options |= {"POSTFIELDS": request.body} if request.body else {"NOBODY": request.method == "HEAD"}
        options |= {"SSL_VERIFYPEER": 0, "SSL_VERIFYHOST": 0} if config.insecure_skip_verify else {}
        options |= {"HTTP_VERSION": pycurl.CURL_HTTP_VERSION_1_1, "TIMEOUT_MS": _milliseconds(deadline.remaining())}
        try:
            for option, value in (options | self._options).items():
                curl.setopt(getattr(pycurl, option), value)
            curl.perform()
        except pycurl.error as error:
            raise ERRORS.get(error.args[0], fluxhttp.ProtocolError)(f"curl: {error.args[1]}") from error
        return Answer(curl.getinfo(pycurl.RESPONSE_CODE), lines, body)

    def close(self):
        self._local = threading.local()
