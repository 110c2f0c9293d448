"""Pods that get other resources while they run (KEP-1287), on one cluster of its own; the kubelet is killed in between."""
import json
import tempfile

import pytest

from cluster import Cluster, wait_for
from test_node_resources import as_shares, box, memory_limit, pod_group, shares

NS = "t-resize"
SLEEP = "trap 'exit 1' TERM; while :; do sleep 0.1; done"


def pod(name, cpu, memory="64Mi", script=SLEEP, restart="Always", **more):
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
    container = box(script, resources=resources, **more)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS},
            "spec": {"terminationGracePeriodSeconds": 1, "restartPolicy": restart, "containers": [container]}}


RESTARTS = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
ENDS_WELL = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
FULL = "mkdir /d && mount -t tmpfs t /d && dd if=/dev/zero of=/d/x bs=1M count=40 && echo full; " + SLEEP


@pytest.fixture(scope="module")
def node(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-") as folder:
        one = Cluster(folder, 3)
        (one.data / "images").mkdir()
        (one.data / "images/busybox.tar").symlink_to(next(images.glob("busybox*.tar")))
        try:
            one.start()
            one.kubectl("create", "namespace", NS)
            wait_for(lambda: one.get("serviceaccount", NS, "default"), 20, "service account")
            pods = [pod("grows", "100m"), pod("restarts", "100m", resizePolicy=RESTARTS), pod("large", "800m"),
                    pod("job", "10m", script=ENDS_WELL, restart="OnFailure", resizePolicy=RESTARTS),
                    pod("waits", "100m"), pod("full", "10m", script=FULL, securityContext={"privileged": True})]
            urgent = pod("urgent", "100m")
            urgent["spec"]["priorityClassName"] = "urgent"
            objects = [{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "urgent"},
                        "value": 1000, "preemptionPolicy": "Never"}, *pods, urgent]
            one.kubectl("create", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
            yield one
        finally:
            one.purge()


def get(node, name):
    return node.get("pod", NS, name)


def status(one):
    return (one["status"].get("containerStatuses") or [{}])[0]


def running(node, name):
    def is_running():
        one = get(node, name)
        return one if "running" in status(one).get("state", {}) else None
    return wait_for(is_running, 60, f"running {name}")


def resize(node, name, **amounts):
    limits = {"limits": {"memory": amounts["memory"]}} if "memory" in amounts else {}
    patch = {"spec": {"containers": [{"name": "c", "resources": {"requests": amounts, **limits}}]}}
    node.kubectl("patch", "pod", name, "-n", NS, "--subresource", "resize", "--patch", json.dumps(patch))


def condition(one, kind):
    return next((c for c in one["status"].get("conditions", []) if c["type"] == kind), None)


def resized(node, name, resource, amount):
    """Waits until the pod has it, and nothing is left to do."""
    def done():
        one = get(node, name)
        has = status(one).get("resources", {}).get("requests", {}).get(resource)
        left = condition(one, "PodResizePending") or condition(one, "PodResizeInProgress")
        return one if has == amount and not left and "running" in status(one)["state"] else None
    return wait_for(done, 30, f"{name} with {resource} {amount}")


def pending(node, name, reason):
    def is_pending():
        one = get(node, name)
        return one if (condition(one, "PodResizePending") or {}).get("reason") == reason else None
    return wait_for(is_pending, 30, f"{reason} resize of {name}")


def container_group(one, node, controller):
    return pod_group(node, one, controller) / status(one)["containerID"].split("//")[1]


def reasons(node, name):
    events = node.get("events", NS)["items"]
    return {e["reason"]: e["message"] for e in events if e["involvedObject"]["name"] == name}


def kept(checkpoint, one):
    """What a checkpoint has of a pod; None if it is torn."""
    try:
        data = json.loads(checkpoint.read_text())["data"]
    except json.JSONDecodeError:
        return None
    return json.loads(data)["entries"].get(one["metadata"]["uid"])


def test_more_cpu_and_memory_without_a_restart(node):
    before = running(node, "grows")
    resize(node, "grows", cpu="200m", memory="128Mi")
    after = resized(node, "grows", "cpu", "200m")
    assert status(after)["restartCount"] == 0
    assert status(after)["containerID"] == status(before)["containerID"]
    assert status(after)["allocatedResources"] == {"cpu": "200m", "memory": "128Mi"}
    assert status(after)["resources"]["limits"] == {"memory": "128Mi"}
    assert after["status"]["observedGeneration"] == after["metadata"]["generation"] == 2
    for folder in (container_group, lambda *a: pod_group(node, after, a[2])):
        assert shares(folder(after, node, "cpu")) == as_shares(204)
        assert memory_limit(folder(after, node, "memory")) == 128 << 20
    said = reasons(node, "grows")
    summary = '{"containers":[{"name":"c","resources":{"limits":{"memory":"128Mi"},"requests":{"cpu":"200m","memory":"128Mi"}}}],"generation":2}'
    assert said["ResizeStarted"] == f"Pod resize started: {summary}"
    assert wait_for(lambda: reasons(node, "grows").get("ResizeCompleted"), 10, "event") == f"Pod resize completed: {summary}"
    resize(node, "grows", cpu="100m", memory="64Mi")
    less = resized(node, "grows", "cpu", "100m")
    assert memory_limit(pod_group(node, less, "memory")) == memory_limit(container_group(less, node, "memory")) == 64 << 20
    assert shares(pod_group(node, less, "cpu")) == as_shares(102) and status(less)["restartCount"] == 0


def test_a_container_is_restarted_where_its_policy_says_so(node):
    before = running(node, "restarts")
    resize(node, "restarts", cpu="150m")
    assert status(resized(node, "restarts", "cpu", "150m"))["restartCount"] == 0
    resize(node, "restarts", memory="96Mi")
    after = resized(node, "restarts", "memory", "96Mi")
    assert status(after)["restartCount"] == 1 and status(after)["containerID"] != status(before)["containerID"]
    assert memory_limit(container_group(after, node, "memory")) == memory_limit(pod_group(node, after, "memory")) == 96 << 20
    assert reasons(node, "restarts")["Killing"] == "Container c resize requires restart"


def test_its_end_for_that_is_no_success_of_a_job(node):
    running(node, "job")
    resize(node, "job", memory="96Mi")
    after = resized(node, "job", "memory", "96Mi")
    assert status(after)["restartCount"] == 1 and after["status"]["phase"] == "Running"
    assert status(after)["lastState"]["terminated"]["exitCode"] == 0


def test_more_than_the_node_has(node):
    running(node, "restarts")
    resize(node, "restarts", cpu="1000")
    one = pending(node, "restarts", "Infeasible")
    told = condition(one, "PodResizePending")
    assert told["message"].startswith("Node didn't have enough capacity: cpu, requested: 1000000, capacity: ")
    assert told["lastProbeTime"] == told["lastTransitionTime"] and told["lastProbeTime"]
    assert told["observedGeneration"] == one["metadata"]["generation"] and told["status"] == "True"
    assert status(one)["allocatedResources"]["cpu"] == "150m" and reasons(node, "restarts")["ResizeInfeasible"]
    resize(node, "restarts", cpu="150m")
    wait_for(lambda: not condition(get(node, "restarts"), "PodResizePending"), 20, "end of the wish")


def test_memory_in_use_is_not_taken_away(node):
    running(node, "full")
    wait_for(lambda: "full" in node.out("logs", "-n", NS, "full"), 30, "used memory")
    resize(node, "full", memory="20Mi")

    def refused():
        one = get(node, "full")
        return one if (condition(one, "PodResizeInProgress") or {}).get("reason") == "Error" else None
    one = wait_for(refused, 30, "error")
    message = condition(one, "PodResizeInProgress")["message"]
    assert message.startswith("cannot decrease memory limits: [attempting to set pod memory limit (20971520) below current usage (")
    assert status(one)["resources"]["limits"]["memory"] == "64Mi" and status(one)["allocatedResources"]["memory"] == "20Mi"
    assert memory_limit(container_group(one, node, "memory")) == 64 << 20 and status(one)["restartCount"] == 0
    resize(node, "full", memory="64Mi")
    resized(node, "full", "memory", "64Mi")


def test_a_deferred_resize_outlives_the_kubelet_and_happens_when_there_is_room(node):
    for name in ("large", "waits", "urgent"):
        running(node, name)
    cpus = int(node.get("nodes")["items"][0]["status"]["allocatable"]["cpu"])
    resize(node, "waits", cpu=f"{cpus * 1000 - 700}m")
    one = pending(node, "waits", "Deferred")
    assert condition(one, "PodResizePending")["message"].startswith("Node didn't have enough resource: cpu, requested: ")
    assert status(one)["allocatedResources"]["cpu"] == "100m"
    checkpoint = node.data / "kubelet/allocated_pods_state"
    entry = kept(checkpoint, one)
    assert entry["ContainerResources"]["c"]["requests"]["cpu"] == "100m"
    node.kill()
    checkpoint.write_text(checkpoint.read_text()[:-20])  # torn
    node.start()
    one = pending(node, "waits", "Deferred")
    entry = wait_for(lambda: kept(checkpoint, one), 30, "new checkpoint")
    assert "Checkpoint can't be used and is set aside" in node.log.read_text()
    assert entry["ContainerResources"]["c"]["requests"]["cpu"] == "100m", "a wish isn't a promise"
    node.kill()
    node.start()
    pending(node, "waits", "Deferred")
    resize(node, "urgent", cpu=f"{cpus * 1000 - 700}m")
    pending(node, "urgent", "Deferred")
    node.kubectl("delete", "pod", "large", "-n", NS)
    resized(node, "urgent", "cpu", f"{cpus * 1000 - 700}m")
    pending(node, "waits", "Deferred")  # there is room for one of the two, and its priority is higher
    resize(node, "urgent", cpu="100m")
    after = resized(node, "waits", "cpu", f"{cpus * 1000 - 700}m")
    assert status(after)["restartCount"] == 0 and status(after)["containerID"] == status(one)["containerID"]
    assert shares(container_group(after, node, "cpu")) == as_shares((cpus * 1000 - 700) * 1024 // 1000)
    for name in ("grows", "full"):
        assert status(get(node, name))["restartCount"] == 0
