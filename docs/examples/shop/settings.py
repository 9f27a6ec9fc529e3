"""Configuration: everything comes from the environment, nothing from a file (twelve-factor, III)."""

import os
import sys
from urllib.parse import unquote, urlsplit


def required(*names: str) -> str:
    """The first of these variables that is set. The app cannot do without it."""
    for name in names:
        if value := os.environ.get(name):
            return value
    sys.exit(f"error: none of {', '.join(names)} is set")


def cache_url() -> str:
    """redis://[user:secret@]host:port/0"""
    return required("CACHE_URL", "REDIS_URL")


def queue_address() -> tuple[str, int]:
    """Host and port of beanstalk://host:port"""
    url = urlsplit(required("QUEUE_URL", "BEANSTALK_URL"))
    if url.scheme != "beanstalk" or not url.hostname:
        sys.exit("error: QUEUE_URL is not of the form beanstalk://host:port")
    return url.hostname, url.port or 11300


def database_path() -> str:
    """The path in sqlite:////absolute/path (three slashes end the authority, the fourth begins the path), decoded."""
    url = required("DB_URL", "DATABASE_URL")
    if not url.startswith("sqlite:////"):
        sys.exit("error: DB_URL is not of the form sqlite:////absolute/path")
    return unquote(url.removeprefix("sqlite:///"))


def port() -> int:
    """The port to listen on. 0, the default, lets the system choose; the log says which it was."""
    return int(os.environ.get("PORT", "0"))


def session_seconds() -> int:
    """A session ends when its cookie was not seen for so long."""
    return int(os.environ.get("SESSION_SECONDS", "1800"))
