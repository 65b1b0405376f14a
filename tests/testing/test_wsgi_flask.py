"""WSGITransport before an application of Flask, as its users write one."""

from __future__ import annotations

from wsgiref.validate import validator

import flask
import pytest

from fluxhttp import Client, Config, IncompleteBodyError, LimitError, Limits
from fluxhttp.testing import WSGITransport


@pytest.fixture
def app():
    app = flask.Flask(__name__)
    app.testing = True

    @app.route("/notes/<name>", methods=["GET", "POST"])
    def note(name):
        asked = flask.request
        answer = flask.jsonify(
            name=name,
            tags=asked.args.getlist("tag"),
            content=asked.get_json(silent=True),
            form=asked.form.to_dict(),
            cookies=asked.cookies.to_dict(),
            url=asked.url,
        )
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer, 201

    @app.route("/old")
    def old():
        return flask.redirect(flask.url_for("note", name="new"))

    @app.route("/stream")
    def stream():
        return flask.Response(iter(["a", "bc"]), mimetype="text/plain")

    @app.route("/endless")
    def endless():
        return flask.Response(iter(lambda: "x" * 1000, None), mimetype="text/plain")

    @app.route("/gone")
    def gone():
        return "dropped by Flask itself", 204

    @app.route("/short")
    def short():
        return flask.Response(iter(["ab"]), headers={"Content-Length": "5"})

    @app.route("/broken")
    def broken():
        return {"answer": 1 / 0}

    return app


@pytest.fixture
def client(app):
    return Client(WSGITransport(validator(app)), base_url="http://notes.test", config=Config(timeout=10))


def test_path_query_json_and_cookies_arrive(client):
    response = client.post(
        "/notes/café", params={"tag": ["red", "b&w"]}, json={"n": 1}, headers=[("Cookie", "x=1"), ("Cookie", "y=2")]
    )

    assert response.status_code == 201
    assert response.json() == {
        "name": "café",
        "tags": ["red", "b&w"],
        "content": {"n": 1},
        "form": {},
        "cookies": {"x": "1", "y": "2"},
        "url": "http://notes.test/notes/café?tag=red&tag=b%26w",
    }
    assert [line.partition(";")[0] for line in response.headers.get_all("set-cookie")] == ["a=1", "b=2"]


def test_a_form_arrives(client):
    assert client.post("/notes/x", form={"title": "é"}).json()["form"] == {"title": "é"}


def test_redirects_are_followed(client):
    response = client.get("/old")

    assert (response.json()["name"], [each.status_code for each in response.history]) == ("new", [302])


def test_streams_arrive_whole_or_as_far_as_they_are_wanted(client):
    assert client.get("/stream").text == "abc"
    with pytest.raises(LimitError):
        client.get("/endless", config=Config(limits=Limits(body=5000)))


def test_head_and_204_have_no_body(app, client):
    # The validator wants no Content-Type beside a 204, and Flask sends one.
    head, gone = client.head("/notes/x"), Client(WSGITransport(app)).get("http://notes.test/gone")

    assert (head.status_code, head.body) == (201, b"")
    assert (gone.status_code, gone.body) == (204, b"")


def test_a_short_body_is_an_error(client):
    with pytest.raises(IncompleteBodyError):
        client.get("/short")


def test_an_exception_of_a_view_has_its_own_traceback(client):
    with pytest.raises(ZeroDivisionError) as caught:
        client.get("/broken")

    assert caught.traceback[-1].name == "broken"


def test_what_flask_answers_itself_is_an_answer(app, client):
    assert client.get("/nowhere").status_code == 404
    assert client.put("/old").status_code == 405
    app.testing = False
    assert client.get("/broken").status_code == 500
