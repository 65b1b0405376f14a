"""What a route cannot be asked with is refused when it is registered."""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import (
    InvalidConfigError,
    InvalidHeaderError,
    InvalidMethodError,
    InvalidParamsError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
)
from fluxhttp.testing import subset
from fluxhttp.testing.arguments import checked_base
from fluxhttp.testing.matching import Pattern


def test_a_base_url() -> None:
    assert checked_base("https://api.test/v1/") == "https://api.test/v1"
    with pytest.raises(InvalidTypeError, match="base_url must be a str, not int"):
        checked_base(1)
    with pytest.raises(InvalidURLError):
        checked_base("api.test")
    for text in ("https://api.test/?a=1", "https://api.test/#a"):
        with pytest.raises(InvalidConfigError, match="base_url must not have a query or fragment"):
            checked_base(text)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"method": "get"}, InvalidMethodError, "method must be one of DELETE, GET, HEAD, PATCH, POST, PUT, not 'get'"),
        ({"method": 1}, InvalidTypeError, "method must be a str, not int"),
        ({"url": 1}, InvalidTypeError, "url must be a str, not int"),
        ({"url": "ftp://a.test/"}, InvalidURLError, "scheme must be http or https"),
        ({"url": "https://a.test/%"}, InvalidURLError, "invalid escape"),
        ({"params": {"a": 1}}, InvalidTypeError, "params"),
        ({"params": subset({"a": [None]})}, InvalidTypeError, "params"),  # type: ignore[dict-item, list-item]
        ({"params": {"a": "\ud800"}}, InvalidParamsError, "params"),
        ({"params": ["a"]}, InvalidTypeError, "params must be a mapping"),
        ({"form": {"a": 1}}, InvalidTypeError, "form"),
        ({"headers": {"a b": "1"}}, InvalidHeaderError, "a name must be a token"),
        ({"headers": {"a": 1}}, InvalidTypeError, "must be a str, not int"),
        ({"headers": {"a": "\n"}}, InvalidHeaderError, "must not contain"),
        ({"headers": 1}, InvalidTypeError, "headers must be a mapping"),
        ({"body": "text"}, InvalidTypeError, "body must be bytes, not str; encode it"),
        ({"body": 1}, InvalidTypeError, "body must be bytes, not int"),
        ({"json": {1, 2}}, InvalidTypeError, "json: "),
        ({"json": float("nan")}, InvalidRequestError, "json: out of range"),
        ({"json": 1, "body": b""}, InvalidTypeError, "only one of body, json and form may be given"),
        ({"where": 1}, InvalidTypeError, "where must be a function, not int"),
    ],
)
def test_what_cannot_be_matched_is_refused(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        Pattern(**arguments)

    assert text in str(caught.value)
    assert type(caught.value) is error
