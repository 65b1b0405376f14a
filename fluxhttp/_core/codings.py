"""Content codings: gzip and deflate, incremental and bounded (RFC 9110, 8.4; decision D9).

A Decoder holds a few pieces of 128 KiB whatever a peer sends, and its work is
proportional to what it takes in and gives out.
"""

from __future__ import annotations

from fluxhttp.errors import DecodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zlib import _Decompress

    Data = bytes | memoryview

#: Codings one body may have (decision D9). Real ones have one; each more
#: multiplies what a bomb unpacks to.
CODINGS_MAX = 5
#: Longest piece given out. Measured: from here on larger ones save nothing.
PIECE_BYTES = 131_072
#: Longest piece taken in at once: zlib copies what a call leaves of it, which
#: with many tiny gzip members is nearly all of it, each time.
_INTAKE_BYTES = 32_768
#: Within so many bytes a stream shows that it is no zlib stream. Two tell nearly all.
_TRIAL_BYTES = 16
#: What a coding inside a chain may unpack to, beyond so many times the body that
#: comes out of it. The worst real case is a gzip member for each byte: 21 times.
_INNER_RATIO = 32
_INNER_SLACK_BYTES = 1_048_576

# windowBits of zlib's inflateInit2: 15 is the largest window, +16 asks for the
# gzip wrapper (RFC 1952), minus is for no wrapper (RFC 1951), plain is zlib's (RFC 1950).
_GZIP = 31
_ZLIB = 15
_RAW = -15

_KNOWN = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


def parse_codings(values: Sequence[str]) -> tuple[str, ...] | None:
    """The codings that a body is to be freed of, in the order they were applied.

    Content-Encoding = #content-coding, names in any case (RFC 9110, 8.4).
    ``x-gzip`` is gzip (8.4.1.3); ``identity`` and empty members count for nothing.

    Args:
        values: the values of the Content-Encoding lines, in order.

    Returns:
        Only ``gzip`` and ``deflate``; () if there is nothing to decode; None if
        one of them is unknown, so that the body is passed on as it is.

    Raises:
        DecodingError: more than 5 codings, all of them known.
    """
    members = [member.strip(" \t").lower() for value in values for member in value.split(",")]
    codings = [_KNOWN.get(member) for member in members if member not in {"", "identity"}]
    known = tuple([coding for coding in codings if coding is not None])
    if len(known) < len(codings):
        return None
    if len(known) > CODINGS_MAX:
        raise DecodingError(f"the body has {len(known)} codings; at most {CODINGS_MAX} are undone")
    return known


class Decoder:
    """Undoes a chain of codings, the last applied first.

    Args:
        codings: as ``parse_codings`` returns them; at least one.
        limit_bytes: how much of the body the caller wants, None for all. Pieces
            end at the limit, and beyond it they are one byte long: a caller who
            stops there does not see damage behind the limit. (In a chain, damage
            to an outer coding shows as soon as that coding comes to it.)
    """

    __slots__ = ("_layers", "_started")

    def __init__(self, codings: Sequence[str], *, limit_bytes: int | None = None) -> None:
        self._layers = [_Layer(coding) for coding in reversed(codings)]
        self._layers[-1].limit = limit_bytes
        self._started = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What can be decoded once ``data`` has come in too.

        Nothing is decoded before it is asked for. Ask until the iterator ends,
        or give up the decoder: a body as long as the limit may still turn out
        to be damaged or longer.

        Returns:
            An iterator over pieces of at most 128 KiB. A piece may be empty: it
            gives the caller the chance to look at a clock.

        Raises:
            DecodingError: while iterating; ``data`` is damaged, or goes on after
                the end of the coded body.
        """
        if data:
            self._started = True
        view = memoryview(data)
        pieces: Iterable[Data] = (view[at : at + _INTAKE_BYTES] for at in range(0, len(view), _INTAKE_BYTES))
        last = self._layers[-1]
        for layer in self._layers[:-1]:
            pieces = _bounded(layer, last, layer.decode(pieces))
        return last.decode(pieces)

    def finish(self) -> None:
        """Says that the body has ended. No byte at all is an empty body (rule 59).

        Raises:
            DecodingError: it ended too early.
        """
        if self._started:
            for layer in self._layers:
                if not layer.complete:
                    raise DecodingError(f"the body ends before its {layer.coding} coding does")


def _bounded(layer: _Layer, last: _Layer, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lets through what an inner coding unpacks to, unless it is out of proportion.

    A limit on the body alone would not end a chain of bombs whose innermost
    coding unpacks to nothing, such as a million empty gzip members.
    """
    for piece in pieces:
        if layer.given > _INNER_SLACK_BYTES + _INNER_RATIO * last.given:
            raise DecodingError(f"the body's {layer.coding} coding unpacks to far more than the body")
        yield piece


class _Layer:
    """One coding of a chain.

    Attributes:
        coding: its name.
        complete: whether the coded data may end here.
        given: bytes given out so far.
        limit: after so many, bytes are given out one by one.
    """

    __slots__ = ("_error", "_is_full", "_stream", "_trial", "coding", "complete", "given", "limit")

    def __init__(self, coding: str) -> None:
        self.coding = coding
        self.complete = False
        self.given = 0
        self.limit: int | None = None
        self._is_full = False
        # What a deflate stream began with, while it may yet turn out to have no zlib wrapper.
        self._trial: bytearray | None = None if coding == "gzip" else bytearray()
        self._open(_GZIP if coding == "gzip" else _ZLIB)

    def _open(self, window_bits: int) -> None:
        from zlib import decompressobj, error  # noqa: PLC0415 - a call whose answer is not coded does without

        self._stream: _Decompress = decompressobj(window_bits)
        self._error: type[Exception] = error
        self.complete = False

    def decode(self, pieces: Iterable[Data]) -> Iterator[bytes]:
        """Yields at least one piece, if only an empty one, for each that comes in."""
        for data in pieces:
            rest = memoryview(data)
            is_silent = True
            # A full piece may have left output behind in zlib, even if it took all the input.
            while rest or self._is_full:
                if self.complete:
                    self._continue(rest)
                piece, rest = self._step(rest)
                if piece:
                    is_silent = False
                    self.given += len(piece)
                    yield piece
            if is_silent:
                yield b""

    def _continue(self, rest: memoryview) -> None:
        """Opens the next member of a gzip body (RFC 1952, 2.2); nothing else may follow an end."""
        # ID1 of a member; zlib judges what follows it.
        if self.coding != "gzip" or rest[0] != 0x1F:
            raise DecodingError(f"the body goes on after the end of its {self.coding} coding")
        self._open(_GZIP)

    def _step(self, rest: memoryview) -> tuple[bytes, memoryview]:
        """One call of zlib: what came out, and what of ``rest`` is still to be done."""
        wanted = PIECE_BYTES if self.limit is None else min(PIECE_BYTES, self.limit - self.given)
        if wanted <= 0 or self._trial is not None:
            # Byte by byte, so that what is found does not depend on how the bytes arrived.
            wanted, taken = max(wanted, 1), rest[:1]
        else:
            taken = rest[:_INTAKE_BYTES]
        stream = self._stream
        try:
            piece = stream.decompress(taken, wanted)
        except self._error as cause:
            if self._trial is None:
                raise self._damaged(cause) from cause
            return self._without_wrapper(rest)
        if self._trial is not None:
            self._trial += taken
            if piece or len(self._trial) == _TRIAL_BYTES:
                self._trial = None
        self.complete = stream.eof
        self._is_full = len(piece) == wanted and not stream.eof
        left = len(stream.unused_data) or len(stream.unconsumed_tail)
        return piece, rest[len(taken) - left :]

    def _without_wrapper(self, rest: memoryview) -> tuple[bytes, memoryview]:
        """Starts again with bare RFC 1951 data, which some peers send as deflate (RFC 9110, 8.4.1.2)."""
        begun, self._trial = self._trial or b"", None
        self._open(_RAW)
        return b"", memoryview(b"".join((begun, rest)))

    def _damaged(self, cause: Exception) -> DecodingError:
        # "Error -3 while decompressing data: incorrect data check": zlib's own words, none of the body's.
        detail = str(cause).rpartition(": ")[2]
        return DecodingError(f"the {self.coding} coding of the body is damaged: {detail}")
