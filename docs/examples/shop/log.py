"""Logs are a stream of lines on stdout; who runs the process decides where they go (twelve-factor, XI)."""

import logging
import sys


def named(name: str) -> logging.Logger:
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    return logging.getLogger(name)
