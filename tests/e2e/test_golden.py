"""Recorded behaviour of a reference API server (../shared/golden), where that folder is there.

A scenario that v1.35 answers otherwise than the recorded v1.24 stands in golden_differences.json with the reason;
every other one passes. OPEN is how many of the others may still fail: it only falls. Custom resources are left out."""
import collections
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from api_server import TOKEN, ApiServer
from cluster import ROOT

GOLDEN = ROOT.parent / "shared/golden"
DIFFERENCES = json.loads((pathlib.Path(__file__).parent / "golden_differences.json").read_text())
FLOOR = 1600  # of 1,618 scenarios: fewer means that the corpus or the replayer broke
OPEN = 0


def replay(server, report):
    done = subprocess.run(
        [sys.executable, str(GOLDEN / "replay.py"), "--server", f"https://127.0.0.1:{server.port}", "--token", TOKEN,
         "--insecure", "-j", "4", "--only", "^(?!crd)", "--junit", str(report), str(GOLDEN / "corpus")],
        capture_output=True, text=True, timeout=600, check=False)
    assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return {f"{case.get('classname')}/{case.get('name')}": case.findtext("failure")
            for case in xml.etree.ElementTree.parse(report).iter("testcase")}


def per_topic(results):
    """Lines "topic passed/all", topics of one prefix (validation-*) together."""
    passed, total = collections.Counter(), collections.Counter()
    for name, failure in results.items():
        topic = name.split("/")[0]
        topic = topic.split("-")[0] + "-*" if topic.startswith(("validation-", "update-")) else topic
        total[topic] += 1
        passed[topic] += failure is None
    return [f"{topic} {passed[topic]}/{total[topic]}" for topic in sorted(total)]


@pytest.mark.skipif(not GOLDEN.exists(), reason="no recorded behaviour beside the project")
def test_golden(tmp_path, record_property):
    server = ApiServer(tmp_path).start()
    try:
        results = replay(server, tmp_path / "golden.xml")
    finally:
        assert server.stop() == 0
    failed = {name: failure for name, failure in results.items() if failure is not None}
    unexplained = {name: failure for name, failure in failed.items() if name not in DIFFERENCES}
    record_property("say", f"golden: {len(results) - len(failed)} of {len(results)} passed, "
                    f"{len(failed) - len(unexplained)} differ with a reason, {len(unexplained)} fail: "
                    + ", ".join(per_topic(results)))
    assert len(results) >= FLOOR
    told = "\n".join(f"{name}: {failure[:300]}" for name, failure in sorted(unexplained.items()))
    assert len(unexplained) <= OPEN, told[:20_000]
    stale = [name for name in DIFFERENCES if name not in failed]
    assert not stale, f"these pass, or are no scenarios: take them out of golden_differences.json: {stale}"
