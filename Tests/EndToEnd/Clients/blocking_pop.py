"""What Celery's redis transport needs and the emulator does not have yet: it is refused, and the connection goes on."""

import os

import redis

client = redis.Redis.from_url(os.environ["CACHE_URL"])
for command in (("BRPOP", "celery", 1), ("EVALSHA", "0" * 40, 0)):
    try:
        client.execute_command(*command)
    except redis.ResponseError as error:
        assert str(error).startswith(f"unknown command '{command[0]}'"), error
    else:
        raise AssertionError(f"{command[0]} is there: celery_app.py should run on the emulator, too")
assert client.ping()
