"""What the Python clients share: comparing, expecting errors, and running steps one after the other."""

import os
import subprocess
import sys
import tempfile
import time
import traceback


class Mismatch(Exception):
    """A value is not what it has to be."""


def equal(actual, expected):
    # As types too: b"1" is not "1", 1.0 is not 1, True is not 1.
    if type(actual) is not type(expected) or actual != expected:
        raise Mismatch(f"{short(actual)} is not {short(expected)}")


def true(condition, what):
    if not condition:
        raise Mismatch(what)


class raises:
    """`with raises(Error, "text"):` fails unless an Error is raised whose message contains the text."""

    def __init__(self, kind, text=""):
        self.kind, self.text = kind, text

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise Mismatch(f"no {self.kind.__name__} was raised")
        if not issubclass(kind, self.kind):
            return False
        self.error = error
        if self.text not in str(error):
            raise Mismatch(f"{self.kind.__name__} says {short(str(error))} without {short(self.text)}")
        return True


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:150]}… ({len(text)} characters)"


def variable(name):
    url = os.environ.get(name)
    if not url:
        sys.exit(f"{sys.argv[0]}: {name} is not set")
    return url


def run(name, steps, note=""):
    """Runs (title, function) pairs; the first that fails ends the program with its title and place."""
    started = time.monotonic()
    for title, step in steps:
        try:
            step()
        except Exception as error:
            print(f"{name}: {title}: {type(error).__name__}: {error}", file=sys.stderr)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)  # not held up by a thread that still waits for the server
    print(f"{name}: {len(steps)} steps in {time.monotonic() - started:.1f} s{note}")


def rounds():
    """Numbers a part that is done once, or, with REPEAT_SECONDS, until so many seconds are over."""
    seconds = float(os.environ.get("REPEAT_SECONDS", "0"))
    until = time.monotonic() + seconds
    number = 0
    while number == 0 or time.monotonic() < until:
        yield number
        number += 1


class Child:
    """A worker in a process of its own, which is ended with the block; what it says is shown when the block fails."""

    def __init__(self, *command):
        self.command = command

    def __enter__(self):
        self.log = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")
        folder = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if kind is not None:
            sys.stderr.write(self.said()[-3000:])

    def said(self):
        with open(self.log.name) as log:
            return log.read()


def eventually(what, condition, seconds=15):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Mismatch(f"not within {seconds} s: {what}")
        time.sleep(0.02)
