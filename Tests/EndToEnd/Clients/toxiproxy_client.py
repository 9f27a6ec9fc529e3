"""toxiproxy-python, unmodified, in front of a redis server: what its users do, and what their redis-py sees of it."""

import time

import redis
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from checks import equal, raises, run, true, variable

SERVER = variable("REDIS_SERVER")
FREE_PORT = int(variable("FREE_PORT"))

toxiproxy = Toxiproxy()
toxiproxy.update_api_consumer("127.0.0.1", int(variable("TOXIPROXY_PORT")))


def connect(proxy, **options):
    host, port = proxy.listen.rsplit(":", 1)
    return redis.Redis(host, int(port), retry=None, protocol=2, **{"socket_timeout": 5, **options})


def proxies():
    true(toxiproxy.running(), "it listens")
    true(b'"version":"2.' in toxiproxy.version(), "it speaks the API of a version 2")
    proxy = toxiproxy.create(name="test_redis_master", upstream=SERVER)
    equal([proxy.name, proxy.upstream, proxy.enabled], ["test_redis_master", SERVER, True])
    true(connect(proxy).set("through", "proxy"), "it is written through the proxy")
    equal(redis.Redis.from_url(f"redis://{SERVER}").get("through"), b"proxy")
    with raises(ProxyExists):
        toxiproxy.create(name="test_redis_master", upstream=SERVER)
    with raises(ProxyExists):
        proxy = toxiproxy.get_proxy("test_redis_master")
        toxiproxy.create(name=proxy.name, upstream=SERVER, listen="127.0.0.1:0")
    fixed = toxiproxy.create(name="fixed", upstream=SERVER, listen=f"localhost:{FREE_PORT}")
    equal(fixed.listen, f"127.0.0.1:{FREE_PORT}")
    equal(connect(fixed).get("through"), b"proxy")
    true(toxiproxy.destroy(fixed), "it is gone")
    equal(toxiproxy.get_proxy("fixed"), None)
    with raises(redis.ConnectionError):
        connect(fixed).ping()


def down():
    proxy = toxiproxy.get_proxy("test_redis_master")
    app = connect(proxy)
    app.ping()
    with proxy.down():
        with raises(redis.ConnectionError):
            app.ping()
        with raises(redis.ConnectionError):
            connect(proxy).ping()
        equal(toxiproxy.get_proxy("test_redis_master").enabled, False)
    true(app.ping(), "it is up again")


def toxics():
    proxy = toxiproxy.get_proxy("test_redis_master")
    app = connect(proxy)
    app.ping()
    proxy.add_toxic(type="latency", attributes={"latency": 300, "jitter": 0})
    toxic = proxy.get_toxic("latency_downstream")
    equal([toxic.type, toxic.stream, toxic.attributes["latency"]], ["latency", "downstream", 300])
    began = time.monotonic()
    app.ping()
    true(time.monotonic() - began >= 0.3, "the reply came later")
    with raises(ProxyExists, "toxic already exists"):
        proxy.add_toxic(type="latency", attributes={"latency": 1})
    true(proxy.destroy_toxic("latency_downstream"), "the toxic is gone")
    with raises(NotFound, "toxic not found"):
        proxy.destroy_toxic("latency_downstream")
    with raises(InvalidToxic, "invalid toxic type"):
        proxy.add_toxic(type="fog")
    with raises(InvalidToxic, "stream was invalid"):
        proxy.add_toxic(type="latency", stream="sideways")

    proxy.add_toxic(type="timeout", name="mute", stream="upstream", attributes={"timeout": 0})
    with raises(redis.TimeoutError):
        connect(proxy, socket_timeout=0.3).ping()
    proxy.destroy_toxic("mute")
    proxy.add_toxic(type="limit_data", attributes={"bytes": 20})
    with raises((redis.ConnectionError, redis.ResponseError)):
        connect(proxy).echo("x" * 1000)
    proxy.add_toxic(type="reset_peer", attributes={"timeout": 0})
    proxy.add_toxic(type="bandwidth", attributes={"rate": 20})
    proxy.add_toxic(type="slow_close", attributes={"delay": 10})
    proxy.add_toxic(type="slicer", attributes={"average_size": 10, "size_variation": 3, "delay": 100})
    equal(len(proxy.toxics()), 5)
    true(toxiproxy.reset(), "everything is reset")
    equal(proxy.toxics(), {})
    true(connect(proxy).ping(), "nothing is wrong any more")


def toxicity():
    proxy = toxiproxy.get_proxy("test_redis_master")
    proxy.add_toxic(type="reset_peer", toxicity=0, attributes={"timeout": 0})
    for _ in range(50):
        true(connect(proxy).ping(), "a toxicity of 0 does nothing")
    toxiproxy.reset()

    def outcomes():
        # A proxy of its own: connections that are there already are met, too.
        seeded = toxiproxy.create(name="seeded", upstream=SERVER)
        seeded.add_toxic(type="limit_data", toxicity=0.5, attributes={"bytes": 0, "seed": 11})
        seen = []
        for _ in range(40):
            try:
                seen.append(connect(seeded).ping())
            except redis.ConnectionError:
                seen.append(False)
        toxiproxy.destroy(seeded)
        return seen

    first = outcomes()
    true(5 < sum(first) < 35, "some connections are met")
    equal(outcomes(), first)


def populate():
    wanted = [{"name": "one", "upstream": SERVER, "listen": f"127.0.0.1:{FREE_PORT}"}]
    made = toxiproxy.populate(wanted)
    equal([proxy.name for proxy in made], ["one"])
    equal(toxiproxy.populate(wanted), [])
    true(connect(toxiproxy.get_proxy("one")).ping(), "it serves")
    toxiproxy.destroy_all()
    equal(toxiproxy.get_proxy("one"), None)
    equal(toxiproxy.get_proxy("test_redis_master"), None)
    # What was not made by this API is left alone.
    true(toxiproxy.get_proxy("cache") is not None, "the broker's own resource is there")


if __name__ == "__main__":
    run(
        "toxiproxy",
        [
            ("proxies", proxies),
            ("down", down),
            ("toxics", toxics),
            ("toxicity", toxicity),
            ("populate", populate),
        ],
    )
