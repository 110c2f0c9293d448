"""Resource metrics without a metrics-server: the kubelet's endpoints, metrics.k8s.io, kubectl top."""
import json

import pytest

from cluster import wait_for

NS = "t-metrics"


def box(name, *command, **more):
    return {"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": list(command), **more}


def pod(name, *containers):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": list(containers)}}


BURN = "while :; do :; done"


@pytest.fixture(scope="module")
def busy(cluster):
    """A pod that may burn 200m beside a container that sleeps, and one that idles."""
    limits = {"limits": {"cpu": "200m", "memory": "64Mi"}}
    pods = [pod("busy", box("hot", "sh", "-c", BURN, resources=limits), box("cold", "sleep", "1000")),
            pod("quiet", box("c", "sleep", "1000"))]
    cluster.kubectl("create", "namespace", NS)
    cluster.kubectl("apply", "-n", NS, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    cluster.kubectl("wait", "-n", NS, "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    yield cluster
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


def raw(cluster, path):
    return cluster.out("get", "--raw", path)


def rows(cluster, *arguments):
    """Lines of `kubectl top`, split; empty while there are no figures yet."""
    done = cluster.kubectl("top", *arguments, check=False)
    return [line.split() for line in done.stdout.splitlines()] if done.returncode == 0 else []


def milli(text):
    assert text.endswith("m"), text
    return int(text[:-1])


def test_kubelet_tells_usage(busy):
    node = busy.get("nodes")["items"][0]["metadata"]["name"]
    text = raw(busy, f"/api/v1/nodes/{node}/proxy/metrics/resource")
    assert f'container_cpu_usage_seconds_total{{container="hot",namespace="{NS}",pod="busy"}} ' in text
    assert f'pod_memory_working_set_bytes{{namespace="{NS}",pod="quiet"}} ' in text
    assert "\nresource_scrape_error 0\n" in text
    path = f"/api/v1/nodes/{node}/proxy/stats/summary"

    def hot():
        for one in json.loads(raw(busy, path))["pods"]:
            for container in one["containers"]:
                if container["name"] == "hot" and "usageNanoCores" in container["cpu"]:
                    return container
        return None
    container = wait_for(hot, 20, "rate of a container")
    assert 0 < container["cpu"]["usageNanoCores"] <= 300_000_000
    assert container["memory"]["availableBytes"] <= 64 * 1024 * 1024
    summary = json.loads(raw(busy, path + "?only_cpu_and_memory=true"))
    assert summary["node"]["nodeName"] == node and "fs" not in summary["node"]


def test_top_pods(busy):
    table = wait_for(lambda: (t := rows(busy, "pod", "-n", NS)) and len(t) == 3 and t, 60, "figures of both pods")
    assert table[0] == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    usage = {row[0]: milli(row[1]) for row in table[1:]}
    assert usage["quiet"] <= 20 < usage["busy"] <= 300
    by_cpu = rows(busy, "pod", "-n", NS, "--sort-by=cpu", "--containers", "--no-headers")
    assert by_cpu[0][:2] == ["busy", "hot"] and len(by_cpu) == 3
    everywhere = rows(busy, "pod", "-A", "--sum")
    assert everywhere[0][0] == "NAMESPACE" and {NS} <= {row[0] for row in everywhere}
    assert [row[0] for row in rows(busy, "pod", "-n", NS, "-l", "app=quiet", "--no-headers")] == ["quiet"]
    assert rows(busy, "pod", "busy", "-n", NS, "--no-headers")[0][0] == "busy"
    failed = busy.kubectl("top", "pod", "absent", "-n", NS, check=False)
    assert 'pods "absent" not found' in failed.stderr


def test_top_node(busy):
    table = wait_for(lambda: rows(busy, "node"), 30, "figures of the node")
    assert table[0] == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    assert milli(table[1][1]) > 0 and table[1][2].endswith("%")


def test_viewers_may_read_metrics(busy):
    busy.kubectl("create", "serviceaccount", "viewer", "-n", NS)
    busy.kubectl("create", "rolebinding", "viewer", "--clusterrole=view", f"--serviceaccount={NS}:viewer", "-n", NS)
    ask = ["auth", "can-i", "list", "pods.metrics.k8s.io", f"--as=system:serviceaccount:{NS}:viewer"]
    assert busy.out(*ask, "-n", NS).strip() == "yes"
    assert busy.kubectl(*ask, "-n", "default", check=False).stdout.strip() == "no"
