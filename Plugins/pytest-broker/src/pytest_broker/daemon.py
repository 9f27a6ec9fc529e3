"""Where the daemon is reached, and which workspace is meant: the answers that the command line gives."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping

from pytest_broker.errors import BrokerError


def find(environment: Mapping[str, str]) -> str:
    """The socket of this user's daemon, which is started when there is none."""
    address = environment.get("BROKER_TEST_SOCKET")
    if address:
        return address
    announcement = os.path.join(home(environment), "daemon.json")
    return _running(announcement) or _start(environment, announcement)


def home(environment: Mapping[str, str]) -> str:
    """The folder of the daemon's state."""
    if environment.get("BROKER_HOME"):
        return os.path.abspath(environment["BROKER_HOME"])
    if environment.get("XDG_STATE_HOME", "").startswith("/"):
        return os.path.join(environment["XDG_STATE_HOME"], "broker")
    return os.path.join(os.path.expanduser("~"), ".local/state/broker")


def _running(announcement: str) -> str | None:
    try:
        with open(announcement, encoding="utf-8") as file:
            address = str(json.load(file)["socket"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5)
            probe.connect(address)
        return address
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _start(environment: Mapping[str, str], announcement: str) -> str:
    binary = environment.get("BROKER_BINARY") or shutil.which("broker", path=environment.get("PATH"))
    if not binary:
        raise BrokerError(
            "E0501", "no daemon runs, and the program to start one was not found",
            'there is no "broker" on PATH, and BROKER_BINARY is not set',
            "install broker, or: export BROKER_BINARY=/path/to/broker")
    command = [binary, "daemon", "start"]
    try:
        result = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError("E0502", "the daemon cannot be started", str(error), " ".join(command)) from error
    address = _running(announcement)
    if result.returncode != 0 or address is None:
        why = result.stderr.strip() or f"it does not answer, and {announcement} does not name it"
        raise BrokerError("E0502", "the daemon cannot be started", why, " ".join(command))
    return address


def workspace(environment: Mapping[str, str], directory: str) -> str:
    """BROKER_WORKSPACE, else the folder of the nearest broker.yaml upward, else of the work tree, else `default`."""
    for variable in ("BROKER_TEST_WORKSPACE", "BROKER_WORKSPACE"):
        if environment.get(variable):
            return environment[variable]
    folder = os.path.realpath(directory)
    folders = [folder]
    while folder != "/":
        folder = os.path.dirname(folder)
        folders.append(folder)
    root = next((one for one in folders if os.path.isfile(os.path.join(one, "broker.yaml"))), None)
    root = root or next((one for one in folders if os.path.exists(os.path.join(one, ".git"))), None)
    return "default" if root is None else _workspace_of(root)


def _workspace_of(root: str) -> str:
    """`shop-1a2b3c`: the folder's name, and a hash of the whole path that tells namesakes apart."""
    root = "" if root == "/" else root
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" * len(letter.encode())
        for letter in os.path.basename(root))
    label = plain[:60].lstrip("._-") or "workspace"
    mask = (1 << 64) - 1
    value = 0xCBF29CE484222325
    for byte in os.fsencode(root):
        value = ((value ^ byte) * 0x100000001B3) & mask
    value = ((value ^ (value >> 33)) * 0xFF51AFD7ED558CCD) & mask
    value = ((value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53) & mask
    value ^= value >> 33
    return f"{label}-{value:016x}"[: len(label) + 7]
