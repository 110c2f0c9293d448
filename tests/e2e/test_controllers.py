"""The controllers' case files (tests/control) once more, on a live cluster with real containers."""
import os
import subprocess

from cluster import ROOT

CASES = ROOT / "build/debug/tests/control/control_cases_test"
SHARDS = 6  # they mostly wait


def test_case_files_on_a_live_cluster(cluster):
    assert CASES.exists(), "build it: ./dev test does"
    shards = [subprocess.Popen([str(CASES)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "CONTROL_KUBECONFIG": str(cluster.kubeconfig),
                                    "GTEST_TOTAL_SHARDS": str(SHARDS), "GTEST_SHARD_INDEX": str(shard)})
              for shard in range(SHARDS)]
    try:
        outputs = [shard.communicate(timeout=900)[0] for shard in shards]
    finally:
        for shard in shards:
            shard.kill()
    for shard, output in zip(shards, outputs):
        assert shard.returncode == 0, output[-6000:]
