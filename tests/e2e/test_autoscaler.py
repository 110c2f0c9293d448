"""A Deployment follows its load: the autoscaler, over the figures of real containers."""
import json

from cluster import wait_for

# A pod burns CPU, at most its limit, while there is a file of its name in the folder.
BURN = "while :; do if [ -e /load/$HOSTNAME ]; then n=0; while [ $n -lt 10000 ]; do n=$((n+1)); done; else sleep 1; fi; done"


def deployment(folder):
    container = {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", BURN],
                 "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "100m"}},
                 "volumeMounts": [{"name": "load", "mountPath": "/load"}]}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container],
           "volumes": [{"name": "load", "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
                     "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}}}


# The architecture document's manifest.
AUTOSCALER = {
    "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
             "minReplicas": 1, "maxReplicas": 10, "targetCPUUtilizationPercentage": 50}}


def test_follows_load_up_and_down(cluster, namespace):
    def replicas():
        return cluster.get("deployments", namespace, "web")["spec"]["replicas"]
    folder = cluster.folder / "load"
    folder.mkdir()
    both = {"apiVersion": "v1", "kind": "List", "items": [deployment(folder), AUTOSCALER]}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(both))
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    pod = cluster.get("pods", namespace)["items"][0]["metadata"]["name"]
    # One pod at twice its request: 200% of one, 50% of four.
    (folder / pod).touch()
    wait_for(lambda: replicas() >= 3, 180, "more replicas under load")
    (folder / pod).unlink()
    said = json.dumps(cluster.get("events", namespace))
    assert "reason: cpu resource utilization (percentage of request) above target" in said
    calm = {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}
    cluster.kubectl("patch", "-n", namespace, "hpa.v2.autoscaling/web", "--type=merge", "-p", json.dumps(calm))
    wait_for(lambda: replicas() == 1, 120, "one replica without load")
    wait_for(lambda: len(cluster.get("pods", namespace)["items"]) == 1, 60, "one pod")
    assert "All metrics below target" in json.dumps(cluster.get("events", namespace))
    shown = cluster.out("get", "hpa", "web", "-n", namespace, "--no-headers").split()
    assert shown[:2] == ["web", "Deployment/web"] and "/50%" in " ".join(shown), shown
    told = cluster.out("get", "--raw", "/metrics")
    for name in ("metric_computation_total", "metric_computation_duration_seconds_count", "desired_replicas"):
        series = [line for line in told.splitlines()
                  if line.startswith(f"horizontal_pod_autoscaler_controller_{name}{{")]
        assert any(float(line.split()[-1]) > 0 for line in series), name
