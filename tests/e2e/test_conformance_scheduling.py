"""What upstream's conformance tests of scheduling and preemption ask for, with a real kubelet: pods start where room was made, resources
that somebody else gave the node stay, and victims go."""
import json

import pytest

from cluster import wait_for

RESOURCE = "example.com/fakecpu"
CLASSES = {"p1": 1, "p2": 2, "p3": 3, "p4": 4}


def pause(name, labels=None, amount=None, priority=None, ports=(), **spec):
    resources = {"limits": {RESOURCE: amount}, "requests": {RESOURCE: amount}} if amount else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}}, "spec": {
        "terminationGracePeriodSeconds": 0, **({"priorityClassName": priority} if priority else {}),
        "containers": [{"name": "pause", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "ports": list(ports),
                        "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"], "resources": resources}], **spec}}


def set_of(pod):
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "rs-" + pod["metadata"]["name"]}, "spec": {
        "replicas": 1, "selector": {"matchLabels": pod["metadata"]["labels"]},
        "template": {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}}}


class Room:
    """A namespace, and a node that has 5 or 1000 of a resource."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace, self.node = cluster, namespace, f"node{cluster.number}"

    def has(self, amount):
        """By a merge of the node's status, as whoever advertises resources does."""
        change = {"status": {what: {RESOURCE: amount} for what in ("capacity", "allocatable")}}
        self.cluster.kubectl("patch", "node", self.node, "--subresource=status", "--type=strategic", "-p", json.dumps(change))

    def create(self, *objects, namespace=None):
        text = "\n---\n".join(map(json.dumps, objects))
        self.cluster.kubectl("create", "-n", namespace or self.namespace, "-f", "-", stdin=text)

    def pod(self, name, namespace=None):
        return self.cluster.get("pod", namespace or self.namespace, name)

    def runs(self, name, namespace=None):
        """The pod, once it runs."""
        ended = lambda: (lambda p: p["status"]["phase"] != "Pending" and p)(self.pod(name, namespace))
        one = wait_for(ended, 60, f"start of {name}")
        assert one["status"]["phase"] == "Running", one["status"]
        return one

    def pods(self):
        return {p["metadata"]["name"]: p for p in self.cluster.get("pods", self.namespace)["items"]}


@pytest.fixture
def room(cluster, namespace):
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    one = Room(cluster, namespace)
    try:
        one.create(*({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
                     for name, value in CLASSES.items()))
        yield one
    finally:
        # The next test finds an empty node.
        cluster.kubectl("delete", "replicasets", "-n", namespace, "--all")
        cluster.kubectl("delete", "pods", "-n", namespace, "--all", "--grace-period=0", "--force")
        cluster.kubectl("delete", "priorityclass", *CLASSES)
        one.has(None)


def test_a_critical_pod_takes_the_place_of_the_least(room):
    takes_the_place_of_the_least(room, "kube-system", "system-cluster-critical")


def test_a_more_important_pod_takes_the_place_of_the_least(room):
    takes_the_place_of_the_least(room, room.namespace, "p3")


def takes_the_place_of_the_least(room, where, priority):
    room.has("5")
    room.create(pause("low", amount="2", priority="p1"), pause("medium", amount="2", priority="p2"))
    room.runs("low")
    room.runs("medium")
    try:
        room.create(pause("high", amount="2", priority=priority), namespace=where)
        room.runs("high", where)
        assert set(room.pods()) == {"medium", *(["high"] if where == room.namespace else [])}
        assert "deletionTimestamp" not in room.pod("medium")["metadata"]
    finally:
        room.cluster.kubectl("delete", "pod", "-n", where, "high", "--grace-period=0", "--force")


def test_a_victim_says_that_it_was_disrupted(room):
    room.has("1")
    victim = pause("victim", amount="1", priority="p1")
    victim["metadata"]["finalizers"] = ["example.com/test-finalizer"]
    room.create(victim)
    room.runs("victim")
    room.create(pause("preemptor", amount="1", priority="p2"))
    try:
        wait_for(lambda: "deletionTimestamp" in room.pod("victim")["metadata"], 60, "deletion")
        conditions = {c["type"]: c for c in room.pod("victim")["status"]["conditions"]}
        assert (conditions["DisruptionTarget"]["status"], conditions["DisruptionTarget"]["reason"]) == ("True", "PreemptionByScheduler")
        wait_for(lambda: room.pod("victim")["status"]["phase"] in ("Failed", "Succeeded"), 30, "end of its container")
        conditions = {c["type"]: c for c in room.pod("victim")["status"]["conditions"]}
        assert conditions["DisruptionTarget"]["status"] == "True", "the kubelet keeps it"
        room.runs("preemptor")
    finally:
        room.cluster.kubectl("patch", "pod", "-n", room.namespace, "victim", "--type=json", "-p",
                             '[{"op": "remove", "path": "/metadata/finalizers"}]')


def test_no_more_are_preempted_than_need_be(room):
    room.has("1k")
    labels = room.cluster.get("node", name=room.node)["metadata"]["labels"]
    host = {"nodeSelector": {"kubernetes.io/hostname": labels["kubernetes.io/hostname"]}}
    for i, amount in ((1, "200"), (2, "300"), (3, "450")):
        room.create(set_of(pause(f"pod{i}", {"name": f"pod{i}"}, amount, f"p{i}", **host)))
    wait_for(lambda: len(room.pods()) == 3 and all(p["status"]["phase"] == "Running" for p in room.pods().values()), 60, "three pods")
    third = next(name for name in room.pods() if name.startswith("rs-pod3"))
    room.create(pause("pod4", {"name": "pod4"}, "500", "p4", **host))
    room.runs("pod4")
    pending = lambda: sorted(n[:7] for n, p in room.pods().items() if p["status"]["phase"] == "Pending")
    wait_for(lambda: pending() == ["rs-pod1", "rs-pod2"], 30, "replacements of two victims that wait")
    assert third in room.pods() and len(room.pods()) == 4
    quota = room.cluster.get("node", name=room.node)["status"]
    assert quota["allocatable"][RESOURCE] == quota["capacity"][RESOURCE] == "1k", "the kubelet leaves what others advertise"


def test_selectors_room_and_host_ports(room):
    """No room, no such label, and a port that is taken on all addresses; and a pod beside each that fits."""
    room.cluster.kubectl("label", "node", room.node, "kubernetes.io/e2e-here=42")
    try:
        node = room.cluster.get("node", name=room.node)
        address = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        here = {"nodeSelector": {"kubernetes.io/e2e-here": "42"}}
        port = lambda **more: [{"containerPort": 8080, "hostPort": 54322, "protocol": "TCP", **more}]
        too_much = pause("too-much")
        too_much["spec"]["containers"][0]["resources"] = {"requests": {"cpu": str(int(node["status"]["allocatable"]["cpu"]) + 1)}}
        room.create(pause("with-labels", ports=port(), **here), too_much, pause("nowhere", nodeSelector={"label": "nonempty"}))
        assert room.runs("with-labels")["spec"]["nodeName"] == room.node
        room.create(pause("taken", ports=port(hostIP=address), **here), pause("udp", ports=port(protocol="UDP"), **here))
        room.runs("udp")
        for name, why in (("too-much", "Insufficient cpu"), ("nowhere", "didn't match Pod's node affinity/selector"),
                          ("taken", "didn't have free ports for the requested pod ports")):
            def condition(name=name):
                return {c["type"]: c for c in room.pod(name)["status"].get("conditions", [])}.get("PodScheduled")
            told = wait_for(condition, 20, f"verdict about {name}")
            assert (told["status"], told["reason"]) == ("False", "Unschedulable") and why in told["message"], told
            assert "nodeName" not in room.pod(name)["spec"]
    finally:
        room.cluster.kubectl("label", "node", room.node, "kubernetes.io/e2e-here-")


def test_the_place_of_a_deleted_pod_is_free_at_once(room):
    """The scheduler gives it away as soon as the API forgets the pod: with grace period 0, before its container has ended."""
    room.has("1")
    for i in range(4):
        room.create(pause(f"next{i}", amount="1"))
        if i:
            room.cluster.kubectl("delete", "pod", "-n", room.namespace, f"next{i - 1}", "--wait=false")
        assert room.runs(f"next{i}")
