"""Fifty pods under kill -9 of the kubelet and of containerd at random; then everything is accounted for.

TIPHYS_TORTURE_SECONDS says how long (30; `./dev torture` 300), TIPHYS_TORTURE_SEED tells a story again.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from cluster import wait_for
from test_components import running_split

SECONDS = float(os.environ.get("TIPHYS_TORTURE_SECONDS", "30"))
SEED = int(os.environ.get("TIPHYS_TORTURE_SEED", "1"))
PAUSE = (0.2, 3.0)  # between two blows
MIX = [("steady", 20), ("once", 10), ("sidecar", 5), ("volumes", 5), ("crash", 5), ("job", 5)]
SETTLED = 240


# ---- the pods ----

def container(script, name="c", **more):
    return {"name": name, "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
            **more}


STAY = "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"


def manifest(kind, name, tally):
    tally_mount = {"volumeMounts": [{"name": "tally", "mountPath": "/tally"}]}
    tally_volume = {"name": "tally", "hostPath": {"path": str(tally)}}
    note = f"echo $HOSTNAME >> /tally/{name}; "
    spec = {"terminationGracePeriodSeconds": 1, "volumes": [tally_volume]}
    if kind == "steady":
        spec["containers"] = [container(note + STAY, **tally_mount)]
    elif kind == "once":  # whatever happens, it runs once
        spec |= {"restartPolicy": "Never", "containers": [container(note + "sleep 3", **tally_mount)]}
    elif kind == "job":
        spec |= {"restartPolicy": "OnFailure", "containers": [container(f"test -f /tally/{name} || "
                                                                        f"{{ {note} exit 1; }}", **tally_mount)]}
    elif kind == "sidecar":
        spec |= {"initContainers": [container(STAY, "side", restartPolicy="Always"), container("true", "init")],
                 "containers": [container(note + STAY, **tally_mount)]}
    elif kind == "volumes":
        spec["volumes"] += [{"name": "config", "configMap": {"name": "kube-root-ca.crt"}},
                            {"name": "memory", "emptyDir": {"medium": "Memory"}}]
        spec["containers"] = [container(note + "cat /config/ca.crt > /memory/copy; " + STAY, volumeMounts=[
            *tally_mount["volumeMounts"], {"name": "config", "mountPath": "/config/ca.crt", "subPath": "ca.crt"},
            {"name": "memory", "mountPath": "/memory"}])]
    else:
        spec["containers"] = [container("sleep 2; exit 3")]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"kind": kind}}, "spec": spec}


# ---- the node, seen from outside ----

class Node:
    """What containerd, the kernel and the folders say, without asking the kubelet."""

    def __init__(self, split):
        self.split = split
        config = split.node_data / "containerd/config.toml"
        wait_for(config.exists, 30, "containerd's configuration")
        self.socket = re.search(r'address = "(.*?containerd\.sock)"', config.read_text()).group(1)

    def ctr(self, *arguments):
        return subprocess.run(["ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments], check=True,
                              capture_output=True, text=True, timeout=60).stdout

    def tasks(self):
        """id -> state of every container that has a process."""
        return {line.split()[0]: line.split()[2] for line in self.ctr("tasks", "ls").splitlines()[1:]}

    def containers(self):
        """id -> its labels."""
        found = {}
        for one in self.ctr("containers", "ls", "-q").split():
            try:
                found[one] = json.loads(self.ctr("containers", "info", one))["Labels"]
            except subprocess.CalledProcessError:
                pass  # just removed: a container that crashes makes room for its next
        return found

    def containerd(self):
        pid = int(pathlib.Path(self.socket).with_suffix(".pid").read_text())
        return pid if "containerd" in pathlib.Path(f"/proc/{pid}/comm").read_text() else 0

    def leftovers(self):
        """What is there of pods; empty when there are none."""
        folder = str(self.split.node_data)
        mounts = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                  if folder in line and "/images" not in line or f"{pathlib.Path(self.socket).parent}/" in line]
        processes = [line for line in subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True,
                                                     check=True).stdout.splitlines()
                     if "containerd-shim" in line and self.socket in line]
        groups = [str(path) for path in pathlib.Path(f"/sys/fs/cgroup/pids/{self.split.bridge}").glob("**/pod*")]
        links = json.loads(subprocess.run(["ip", "-j", "link", "show", "master", self.split.bridge],
                                          capture_output=True, text=True, check=False).stdout or "[]")
        return {"mounts": mounts, "shims": processes, "groups": groups, "links": [link["ifname"] for link in links],
                "containers": self.ctr("containers", "ls", "-q").split(),
                "snapshots": self.active_snapshots(), "pods": names_in(f"{folder}/kubelet/pods"),
                "logs": names_in(f"{folder}/log/pods"), "addresses": self.addresses()}

    def active_snapshots(self):
        lines = self.ctr("snapshots", "ls").splitlines()[1:]
        return [line for line in lines if line.split()[-1] == "Active"]

    def addresses(self):
        found = [path for path in self.split.node_data.glob("cni/**/10.*") if path.is_file()]
        return [path.name for path in found]


def names_in(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


# ---- the torture ----

class Torture:
    def __init__(self, split, node, tally):
        self.split = split
        self.node = node
        self.tally = tally
        self.random = random.Random(SEED)
        self.count = 0
        self.wanted = {}  # name -> kind
        self.story = []

    def create(self, kind):
        name = f"{kind}-{self.count}"
        self.count += 1
        self.split.kubectl("create", "-f", "-", stdin=json.dumps(manifest(kind, name, self.tally)))
        self.wanted[name] = kind

    def replace_one(self):
        name = self.random.choice(sorted(self.wanted))
        self.split.kubectl("delete", "pod", name, "--wait=false")
        self.create(self.wanted.pop(name))

    def kill_kubelet(self):
        self.split.restart_after_kill("kubelet")

    def kill_containerd(self):
        try:
            os.kill(self.node.containerd(), signal.SIGKILL)
        except (OSError, ValueError):
            pass  # it is just being started again

    def kill_both(self):
        self.kill_containerd()
        self.kill_kubelet()

    def run(self, seconds):
        blows = [self.kill_kubelet, self.kill_containerd, self.kill_both, self.replace_one, self.replace_one]
        end = time.monotonic() + seconds
        pause = threading.Event()
        while time.monotonic() < end:
            blow = self.random.choice(blows)
            self.story.append(blow.__name__)
            blow()
            pause.wait(self.random.uniform(*PAUSE))


@pytest.fixture(scope="module")
def split(images):
    with running_split(images, 1) as one:
        yield one


def all_pods(split):
    return {p["metadata"]["name"]: p for p in json.loads(split.out("get", "pods", "-o", "json"))["items"]}


def as_wanted(pod, kind):
    status = pod["status"]
    if kind == "once":  # or it could not be started, which is not tried again
        return status.get("phase") in ("Succeeded", "Failed")
    if kind == "job":
        return status.get("phase") == "Succeeded"
    if kind == "crash":
        return any(s["restartCount"] > 0 for s in status.get("containerStatuses", []))
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))


def lasts(pod):
    return pod["metadata"]["labels"]["kind"] in ("steady", "sidecar", "volumes")


def runs(tally, name):
    return len((tally / name).read_text().splitlines()) if (tally / name).exists() else 0


def running_ids(pod):
    lists = [pod["status"].get(kind, []) for kind in ("initContainerStatuses", "containerStatuses")]
    return {s["containerID"].split("//")[1] for one in lists for s in one if "running" in s["state"]}


def check_accounts(node, pods):
    """Every process in containerd is what the API says, and the other way round."""
    tasks = {i for i, state in node.tasks().items() if state == "RUNNING"}
    labels = node.containers()
    sandboxes = {i for i in tasks if labels[i].get("io.cri-containerd.kind") == "sandbox"}
    told = set().union(*(running_ids(p) for p in pods.values()))
    crashing = {p["metadata"]["uid"] for p in pods.values() if p["metadata"]["labels"]["kind"] == "crash"}
    steady = {i for i in tasks - sandboxes if labels[i]["io.kubernetes.pod.uid"] not in crashing}
    told_steady = {i for p in pods.values() if p["metadata"]["uid"] not in crashing for i in running_ids(p)}
    assert steady == told_steady
    uids = {p["metadata"]["uid"] for p in pods.values()}
    assert {one["io.kubernetes.pod.uid"] for one in labels.values()} <= uids, "nothing of pods that are gone"
    assert told <= set(labels)
    seen = [labels[i]["io.kubernetes.pod.uid"] for i in sandboxes]
    assert len(seen) == len(set(seen)), "one sandbox a pod"


def test_torture(split, tmp_path):
    node = Node(split)
    tally = tmp_path / "tally"
    tally.mkdir()
    torture = Torture(split, node, tally)
    for kind, count in MIX:
        for _ in range(count):
            torture.create(kind)
    wait_for(lambda: all(as_wanted(p, "steady") for p in all_pods(split).values() if lasts(p)), SETTLED, "running pods")
    before = {name: running_ids(p) for name, p in all_pods(split).items() if lasts(p)}
    torture.run(SECONDS)
    print(f"seed {SEED}: {', '.join(torture.story)}")

    def settled():
        pods = all_pods(split)
        return set(pods) == set(torture.wanted) and all(
            as_wanted(pods[name], kind) for name, kind in torture.wanted.items()) and pods
    pods = wait_for(settled, SETTLED, "pods as wanted")
    check_accounts(node, pods)
    for name in before.keys() & pods.keys():
        assert running_ids(pods[name]) == before[name], f"{name} did not run through"
    for name, kind in torture.wanted.items():
        # A start that containerd did not live to carry out may be tried again: then it is counted.
        starts = 1 + sum(s["restartCount"] for s in pods[name]["status"]["containerStatuses"])
        assert runs(tally, name) <= (1 if kind == "once" else starts), pods[name]["status"]
    split.kubectl("delete", "pods", "--all", "--timeout=120s", timeout=150)
    left = {}

    def is_clean():
        left.clear()
        left.update({what: found for what, found in node.leftovers().items() if found})
        return not left
    try:
        wait_for(is_clean, 60, "clean node")
    except AssertionError as error:
        raise AssertionError(f"{error}: {left}\n{split.parts['kubelet'].tail()}") from None
