"""The controllers' and the scheduler's case files (tests/control) on live control planes with hollow nodes, one a case."""
import os
import subprocess

from cluster import ROOT, TIPHYS

CASES = ROOT / "build/debug/tests/control/control_cases_test"
SHARDS = 12  # they mostly wait


def test_case_files_on_hollow_nodes():
    assert CASES.exists(), "build it: ./dev test does"
    shards = [subprocess.Popen([str(CASES)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "CONTROL_HOLLOW": TIPHYS, "CONTROL_SHARD": f"{shard}/{SHARDS}"})
              for shard in range(SHARDS)]
    try:
        outputs = [shard.communicate(timeout=600)[0] for shard in shards]
    finally:
        for shard in shards:
            shard.kill()
    for shard, output in zip(shards, outputs):
        assert shard.returncode == 0, output[-6000:]
