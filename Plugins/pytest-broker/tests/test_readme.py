"""Every example of the README runs, and of the guide beside which it lies in broker's repository."""

import os
import pathlib
import re
import shlex
import shutil
import sys

import pytest

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
GUIDE = pathlib.Path(__file__).parents[3] / "docs" / "guides" / "testing-python.md"
GUIDE_TEXT = GUIDE.read_text(encoding="utf-8") if GUIDE.exists() else ""


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _needed(code):
    return {"faults": "fault(" in code, "reset": "reset=True" in code or "snapshot" in code}


@pytest.mark.parametrize("number", range(len(blocks(README, "python") + blocks(GUIDE_TEXT, "python"))))
def test_python(suite, needs, number):
    pytest.importorskip("redis")
    code = (blocks(README, "python") + blocks(GUIDE_TEXT, "python"))[number]
    for route, is_needed in _needed(code).items():
        if is_needed:
            needs(route)
    suite.makepyfile(code)
    result = suite.runpytest()
    assert result.ret == 0
    result.assert_outcomes(passed=code.count("def test_"))


@pytest.mark.parametrize("number", range(len(blocks(README, "ini"))))
def test_ini(suite, number):
    suite.makeini(blocks(README, "ini")[number])
    suite.makepyfile(
        """
        import os
        def test_it(broker):
            assert os.environ["REDIS_PORT"] == str(broker.cache.port)
            assert [resource.name for resource in broker.resources] == ["cache", "jobs"]
        """)
    result = suite.runpytest("-W", "error")
    result.assert_outcomes(passed=1)


def test_console(suite, binary):
    suite.makepyfile("import os\ndef test_it(): assert os.environ['REDIS_URL']")
    lines = [line[2:] for block in blocks(README, "console") for line in block.splitlines() if line.startswith("$ ")]
    ran = 0
    for line in lines:
        words = shlex.split(line)
        if words[0] == "broker":
            command, own = [binary, *words[1:]], words.index("pytest")
            assert suite.run(*command[:own], sys.executable, "-m", *command[own:], timeout=120).ret == 0
            ran += 1
    assert ran == 3


@pytest.mark.parametrize("number", range(len(blocks(GUIDE_TEXT, "sh"))))
def test_curl(suite, needs, binary, number):
    script = blocks(GUIDE_TEXT, "sh")[number]
    if "/reset" in script:
        needs("reset")
    result = suite.run(binary, "test", "--set", "cache", "--", "sh", "-euc", script, timeout=60)
    assert result.ret == 0
    assert '"met":true' in result.stdout.str() or "expect" not in script
    result.stderr.fnmatch_lines(["test * exit 0 * 0 left open *"])


@pytest.mark.parametrize("number", range(len(blocks(GUIDE_TEXT, "js"))))
def test_node(suite, monkeypatch, binary, number):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    monkeypatch.setenv("PATH", os.path.dirname(binary), prepend=os.pathsep)
    (suite.path / "cache.test.mjs").write_text(blocks(GUIDE_TEXT, "js")[number], encoding="utf-8")
    result = suite.run(binary, "test", "--set", "cache", "--", "node", "--test", timeout=60)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*pass 1"])
