"""Caches and sessions of Django and Flask at CACHE_URL, as their documentation sets them up."""

import threading
import uuid

import django
import flask
import flask_caching
import flask_session
import redis
from django.conf import settings

from checks import equal, eventually, raises, rounds, run, true, variable

URL = variable("CACHE_URL")
NAME = f"web-{uuid.uuid4().hex[:8]}"

settings.configure(
    SECRET_KEY="of a test",
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": URL,
            "KEY_PREFIX": NAME,
            "TIMEOUT": 300,
        }
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    INSTALLED_APPS=["django.contrib.sessions"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    ALLOWED_HOSTS=["*"],
)
django.setup()

from django.core.cache import cache  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402


def visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def leave(request):
    request.session.flush()
    return HttpResponse("gone")


rendered = []


@cache_page(60)
def page(request):
    rendered.append(request.path)
    return HttpResponse("a page")


urlpatterns = [path("visit", visit), path("leave", leave), path("page", page)]


def django_caches():
    for _ in rounds():
        cache.clear()
        equal(cache.get("none"), None)
        cache.set("key", {"a": [1, "two", None]})
        equal(cache.get("key"), {"a": [1, "two", None]})
        true(not cache.add("key", 1), "a key that is there is not added")
        true(cache.add("new", 1), "one that is not, is")
        cache.set("number", 41)
        equal(cache.incr("number"), 42)
        equal(cache.decr("number", 2), 40)
        with raises(ValueError, "not found"):
            cache.incr("nothing")
        cache.set_many({f"many{index}": index for index in range(20)}, timeout=100)
        equal(cache.get_many(["many1", "many19", "none"]), {"many1": 1, "many19": 19})
        cache.delete_many(["many1", "many2"])
        equal(cache.has_key("many1"), False)
        true(cache.touch("key", 50), "it lives on")
        equal(cache.get_or_set("made", lambda: "now"), "now")
        equal(cache.get_or_set("made", lambda: "again"), "now")
        cache.set("short", 1, timeout=0.05)
        eventually("a short life is over", lambda: cache.get("short") is None)
        true(cache.delete("key") and not cache.delete("key"), "it is deleted once")
        cache.set("of_version_2", 2, version=2)
        equal(cache.get("of_version_2"), None)
        equal(cache.get("of_version_2", version=2), 2)


def django_sessions():
    for _ in rounds():
        client, other = Client(), Client()
        equal([client.get("/visit").content for _ in range(3)], [b"1", b"2", b"3"])
        equal(other.get("/visit").content, b"1")
        client.get("/leave")
        equal(client.get("/visit").content, b"1")
        before = len(rendered)
        equal([client.get("/page").content for _ in range(3)], [b"a page"] * 3)
        true(len(rendered) <= before + 1, "a page is rendered once")


def flask_app():
    app = flask.Flask(NAME)
    app.config.update(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis.Redis.from_url(URL),
        SESSION_KEY_PREFIX=f"{NAME}:session:",
        CACHE_TYPE="RedisCache",
        CACHE_REDIS_URL=URL,
        CACHE_KEY_PREFIX=f"{NAME}:cache:",
        TESTING=True,
    )
    flask_session.Session(app)
    kept = flask_caching.Cache(app)
    calls = []

    @app.route("/visit")
    def visit():
        flask.session["visits"] = flask.session.get("visits", 0) + 1
        return str(flask.session["visits"])

    @app.route("/slow/<name>")
    @kept.cached(timeout=60)
    def slow(name):
        calls.append(name)
        return name * 2

    @kept.memoize(60)
    def square(number):
        calls.append(number)
        return number * number

    return app, kept, calls, square


def flask_caches():
    app, kept, calls, square = flask_app()
    for _ in rounds():
        with app.app_context():
            kept.clear()
            calls.clear()
            equal([square(7), square(7), square(8)], [49, 49, 64])
            kept.delete_memoized(square, 7)
            equal(square(7), 49)
            equal(calls, [7, 8, 7])
            kept.set_many({"a": 1, "b": [2]})
            equal(kept.get_many("a", "b", "c"), [1, [2], None])
            equal(kept.delete_many("a", "b") is not None, True)
            equal(kept.has("a"), False)
        client = app.test_client()
        equal([client.get("/slow/ab").text for _ in range(3)], ["abab"] * 3)
        equal(calls.count("ab"), 1)


def flask_sessions():
    app, *_ = flask_app()
    for _ in rounds():
        seen = []

        def visit():
            client = app.test_client()
            seen.append([client.get("/visit").text for _ in range(5)])

        threads = [threading.Thread(target=visit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(seen, [["1", "2", "3", "4", "5"]] * 4)


if __name__ == "__main__":
    run(
        "web_app",
        [
            ("Django's cache", django_caches),
            ("Django's sessions and cached pages", django_sessions),
            ("Flask's cache", flask_caches),
            ("Flask's sessions", flask_sessions),
        ],
    )
