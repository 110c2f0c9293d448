"""The controllers' case files (tests/control) once more, on a live cluster with real containers."""
import os
import subprocess

from cluster import ROOT

CASES = ROOT / "build/debug/tests/control/control_cases_test"


def test_case_files_on_a_live_cluster(cluster):
    assert CASES.exists(), "build it: ./dev test does"
    ran = subprocess.run([str(CASES)], cwd=ROOT, capture_output=True, text=True, timeout=900,
                         env={**os.environ, "CONTROL_KUBECONFIG": str(cluster.kubeconfig)})
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
