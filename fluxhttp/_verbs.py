"""One method for each method of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.request import UNSET

if TYPE_CHECKING:
    from fluxhttp._core.config import Config
    from fluxhttp._core.headers import HeaderSource
    from fluxhttp._core.request import Body, Params
    from fluxhttp._core.response import Response
    from fluxhttp._core.url import URL


class Verbs:
    """What calls ``do`` with the name of a method. Keywords in full: to gather and spread them costs each call."""

    __slots__ = ()

    if TYPE_CHECKING:

        def do(
            self,
            method: str,
            url: str | URL,
            *,
            params: Params = None,
            headers: HeaderSource = None,
            body: Body = b"",
            json: object = UNSET,
            form: Params = None,
            config: Config | None = None,
        ) -> Response: ...

    def get(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("GET", url, …)``, with its keywords."""
        return self.do("GET", url, params=params, headers=headers, body=body, json=json, form=form, config=config)

    def head(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("HEAD", url, …)``, with its keywords."""
        return self.do("HEAD", url, params=params, headers=headers, body=body, json=json, form=form, config=config)

    def post(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("POST", url, …)``, with its keywords."""
        return self.do("POST", url, params=params, headers=headers, body=body, json=json, form=form, config=config)

    def put(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("PUT", url, …)``, with its keywords."""
        return self.do("PUT", url, params=params, headers=headers, body=body, json=json, form=form, config=config)

    def patch(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("PATCH", url, …)``, with its keywords."""
        return self.do("PATCH", url, params=params, headers=headers, body=body, json=json, form=form, config=config)

    def delete(
        self,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """``do("DELETE", url, …)``, with its keywords."""
        return self.do("DELETE", url, params=params, headers=headers, body=body, json=json, form=form, config=config)
