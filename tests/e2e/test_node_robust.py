"""What nodes suffer: a shim or a pull that hangs, a machine that restarts, an API server that is away."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from cluster import wait_for
from test_components import running_split
from test_torture import STAY, Node, all_pods, container


def pod(name, script=STAY, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [container(script)], **spec}}


@pytest.fixture(scope="module")
def split(images):
    with running_split(images, 2) as one:
        yield one


@pytest.fixture(autouse=True)
def no_pods_left(split):
    yield
    split.kubectl("delete", "pods", "--all", "--timeout=60s", timeout=90)


def create(split, *pods):
    split.kubectl("create", "-f", "-", stdin="\n---\n".join(json.dumps(one) for one in pods))


def statuses(one):
    return {s["name"]: s for s in one["status"].get("containerStatuses", [])}


def is_running(split, name):
    return "running" in statuses(all_pods(split)[name]).get("c", {}).get("state", {})


def wait_running(split, *names):
    wait_for(lambda: all(is_running(split, name) for name in names), 60, f"running {names}")


def node_ready(split):
    node = json.loads(split.out("get", "nodes", "-o", "json"))["items"][0]
    return next(c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready") == "True"


def shim_of(node, uid):
    sandbox = next(i for i, labels in node.containers().items() if labels["io.kubernetes.pod.uid"] == uid
                   and labels.get("io.cri-containerd.kind") == "sandbox")
    found = subprocess.run(["pgrep", "-f", f"containerd-shim.* -id {sandbox} "], capture_output=True, text=True,
                           check=True)
    return int(found.stdout.split()[0])


def test_a_hung_shim_holds_nobody_else_back(split):
    """Every call about its containers hangs; others start and end, and the node stays Ready."""
    create(split, pod("hung"), pod("other"))
    wait_running(split, "hung", "other")
    node = Node(split)
    shim = shim_of(node, all_pods(split)["hung"]["metadata"]["uid"])
    os.kill(shim, signal.SIGSTOP)
    try:
        split.kubectl("delete", "pod", "hung", "--wait=false")
        split.kubectl("delete", "pod", "other", "--timeout=30s")
        create(split, pod("after"))
        wait_running(split, "after")
        assert node_ready(split)
        split.restart_after_kill("kubelet")
        create(split, pod("later"))
        wait_running(split, "later")
        assert node_ready(split)
        assert "hung" in all_pods(split), "it isn't gone before its processes are"
    finally:
        os.kill(shim, signal.SIGCONT)
    wait_for(lambda: "hung" not in all_pods(split), 60, "end of the hung pod")


def sandboxes_of(node, uid):
    return {i for i, labels in node.containers().items() if labels["io.kubernetes.pod.uid"] == uid
            and labels.get("io.cri-containerd.kind") == "sandbox"}


def test_dead_sandboxes_are_removed(split):
    """A pod that never gets its image has nothing but its sandbox, which dies."""
    waits = pod("waits")
    waits["spec"]["containers"][0] |= {"image": "nowhere.invalid/none:1", "imagePullPolicy": "Never"}
    create(split, waits)
    wait_for(lambda: "waiting" in statuses(all_pods(split)["waits"]).get("c", {}).get("state", {}), 60, "pod")
    uid, node = all_pods(split)["waits"]["metadata"]["uid"], Node(split)
    first = wait_for(lambda: sandboxes_of(node, uid), 30, "sandbox")
    wait_for(lambda: first <= set(node.tasks()), 30, "its process")
    line = next(line for line in node.ctr("tasks", "ls").splitlines() if line.startswith(next(iter(first))))
    os.kill(int(line.split()[1]), signal.SIGKILL)
    wait_for(lambda: sandboxes_of(node, uid) - first, 60, "new sandbox")
    wait_for(lambda: not sandboxes_of(node, uid) & first, 30, "end of the dead one")
    assert len(sandboxes_of(node, uid)) == 1


def test_a_pull_that_hangs_holds_nobody_else_back(split):
    """A registry that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as registry:
        taken = []
        threading.Thread(target=lambda: [taken.append(c) for c in iter(lambda: accept(registry), None)],
                         daemon=True).start()
        hung = pod("pulling")
        hung["spec"]["containers"][0] |= {"image": f"127.0.0.1:{registry.getsockname()[1]}/nothing:1",
                                          "imagePullPolicy": "Always"}
        create(split, hung)
        wait_for(lambda: taken, 30, "the pull's connection")
        create(split, pod("beside"))
        wait_running(split, "beside")
        assert node_ready(split)
        split.kubectl("delete", "pod", "pulling", "--timeout=30s")
        registry.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


def accept(registry):
    try:
        return registry.accept()[0]
    except OSError:
        return None


def processes_of(uids):
    """Processes in the control groups of these pods."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and any(uid in (entry / "cgroup").read_text() for uid in uids):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def pull_the_plug(split, node):
    """As if the machine went down: no process, mount, link or file of /run outlives it, folders do."""
    uids = [p["metadata"]["uid"] for p in all_pods(split).values()]
    state = pathlib.Path(node.socket).parent
    split.parts["kubelet"].process.kill()
    split.parts["kubelet"].process.wait(10)
    kill_all([node.containerd()])
    kill_all(map(int, subprocess.run(["pgrep", "-f", f"containerd-shim.* -address {node.socket}"], capture_output=True,
                                     text=True, check=False).stdout.split()))
    wait_for(lambda: kill_all(processes_of(uids)) or not processes_of(uids), 30, "end of all processes")
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith((str(split.node_data), str(state))):
            subprocess.run(["umount", "-l", mount], check=True)
    subprocess.run(["rm", "-rf", str(state)], check=True)
    for link in json.loads(subprocess.run(["ip", "-j", "link", "show", "master", split.bridge], capture_output=True,
                                          text=True, check=False).stdout or "[]"):
        subprocess.run(["ip", "link", "delete", link["ifname"]], check=True)
    subprocess.run(["ip", "link", "delete", split.bridge], check=True)


def test_the_machine_restarts(split):
    """Pods come back with what their volumes held; one that must not run again says how it ended."""
    keep = {"volumes": [{"name": "v", "emptyDir": {}}]}
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    always = pod("always", **keep)
    always["spec"]["containers"] = [container("echo start >> /v/starts; " + STAY, **mount)]
    create(split, always, pod("never", restartPolicy="Never"), pod("many"))
    wait_running(split, "always", "never", "many")
    node = Node(split)
    pull_the_plug(split, node)
    split.parts["kubelet"].start()
    wait_for(lambda: all(statuses(all_pods(split)[name])["c"]["restartCount"] == 1 and is_running(split, name)
                         for name in ("always", "many")), 90, "pods that run again")
    ended = wait_for(lambda: (lambda p: p["status"]["phase"] == "Failed" and p)(all_pods(split)["never"]), 60,
                     "end of the pod that must not run again")
    assert statuses(ended)["c"]["state"]["terminated"]["exitCode"] != 0
    uid = all_pods(split)["always"]["metadata"]["uid"]
    starts = split.node_data / f"kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/v/starts"
    wait_for(lambda: len(starts.read_text().splitlines()) == 2, 20, "second start")
    addresses = {p["status"]["podIP"] for p in all_pods(split).values() if p["status"]["phase"] == "Running"}
    assert len(addresses) == 2
    assert len(Node(split).addresses()) <= 3, "no address is held by what is gone"


def container_of(one):
    return statuses(one)["c"]["containerID"].split("//")[1]


def test_the_api_server_is_away(split):
    """Containers that end are started again without it; a kubelet that starts meanwhile leaves all alone."""
    create(split, pod("steady"), pod("restarts"))
    wait_running(split, "steady", "restarts")
    before = all_pods(split)
    victim, uid = container_of(before["restarts"]), before["restarts"]["metadata"]["uid"]
    node = Node(split)
    api = split.parts["kube-apiserver"]
    api.process.kill()
    api.process.wait(10)
    os.kill(int(next(line.split()[1] for line in node.ctr("tasks", "ls").splitlines() if victim in line)),
            signal.SIGKILL)

    def started_again():
        tasks = node.tasks()
        return [i for i, labels in node.containers().items()
                if labels["io.kubernetes.pod.uid"] == uid and labels.get("io.kubernetes.container.name") == "c"
                and i != victim and tasks.get(i) == "RUNNING"]
    fresh = wait_for(started_again, 60, "container that was started again")
    split.restart_after_kill("kubelet")
    api.start()
    wait_for(lambda: split.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 30, "API server")
    wait_for(lambda: statuses(all_pods(split)["restarts"])["c"]["restartCount"] == 1 and is_running(split, "restarts"),
             60, "status that says so")
    after = all_pods(split)
    assert [container_of(after["restarts"])] == fresh
    assert container_of(after["steady"]) == container_of(before["steady"])
    assert statuses(after["steady"])["c"]["restartCount"] == 0
