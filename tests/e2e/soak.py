"""What takes an hour: tokens of pods that renew, and an API server that is away (`./dev soak`, not part of the suite).

TIPHYS_SOAK_MINUTES says how long the API server is away (60). The whole takes about ten minutes more, for the shortest
token lives ten minutes and is renewed after eight.
"""
import base64
import json
import os
import pathlib
import signal
import time

import pytest

from cluster import wait_for
from test_components import Split
from test_torture import STAY, Node, all_pods, container

MINUTES = float(os.environ.get("TIPHYS_SOAK_MINUTES", "60"))
TOKEN_SECONDS = 600
LIVES = 90  # seconds that the container which ends by itself runs
ROUND = 150  # seconds between two blows at the static pod
API_PODS = ("steady", "ends", "sick", "token", "sidecar")


def pod(name, script=STAY, more=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [container(script, **(more or {}))], **spec}}


def pods():
    yield pod("steady")
    # Runs long enough that its back-off stays short, and ends all the time.
    yield pod("ends", f"sleep {LIVES}; exit 3")
    yield pod("sick", f"touch /well; (sleep {LIVES}; rm /well) & {STAY}", {"livenessProbe": {
        "exec": {"command": ["test", "-f", "/well"]}, "periodSeconds": 2, "failureThreshold": 1}})
    yield pod("token", STAY, {"volumeMounts": [{"name": "t", "mountPath": "/t"}]}, volumes=[{"name": "t", "projected": {
        "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}}]}}])
    yield pod("sidecar", STAY, initContainers=[container(f"sleep {LIVES}", "side", restartPolicy="Always")])


def static(name, script):
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [container(script)]}})


@pytest.fixture(scope="module")
def split(images, tmp_path_factory):
    one = Split(tmp_path_factory.mktemp("soak"), number=8)
    (one.node_data / "images/busybox.tar").symlink_to(images / "busybox.tar")
    one.manifests = one.folder / "manifests"
    one.manifests.mkdir()
    (one.manifests / "static.json").write_text(static("static", STAY))
    try:
        one.start()
        kubelet = one.parts["kubelet"]
        kubelet.stop()
        kubelet.arguments += ["--pod-manifest-path", str(one.manifests)]
        kubelet.start()
        one.kubectl("create", "-f", "-", stdin="\n---\n".join(map(json.dumps, pods())))
        wait_for(lambda: {"static-" + node_name(one), *API_PODS} <= {
            name for name, p in all_pods(one).items() if p["status"]["phase"] == "Running"}, 120, "pods that run")
        yield one
    finally:
        one.stop()
        one.purge()


def node_name(split):
    return split.out("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")


def restarts(split):
    return {f"{name}/{s['name']}": s["restartCount"] for name, p in all_pods(split).items()
            for s in p["status"].get("containerStatuses", []) + p["status"].get("initContainerStatuses", [])}


# ---- tokens ----

def token_file(split):
    uid = all_pods(split)["token"]["metadata"]["uid"]
    return split.node_data / f"kubelet/pods/{uid}/volumes/kubernetes.io~projected/t/token"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def who(split, token):
    done = split.kubectl("--kubeconfig", "/dev/null", "--server", f"https://127.0.0.1:{split.port}",
                         "--certificate-authority", str(split.pki / "ca.crt"), "--token", token,
                         "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", check=False)
    return done.stdout or done.stderr


def test_tokens_renew(split):
    """After 80% of its life a token is replaced in the running pod's volume; both are good until they end."""
    path = token_file(split)
    first = path.read_text()
    told = claims(first)
    assert told["exp"] - told["iat"] == TOKEN_SECONDS
    second = wait_for(lambda: path.read_text() != first and path.read_text(), TOKEN_SECONDS, "renewed token")
    renewed = claims(second)
    assert told["iat"] + 0.8 * TOKEN_SECONDS <= renewed["iat"] < told["exp"], "renewed before it ended, not at once"
    assert renewed["exp"] - renewed["iat"] == TOKEN_SECONDS
    assert renewed["kubernetes.io"]["pod"] == told["kubernetes.io"]["pod"]
    for token in (first, second):
        assert who(split, token) == "system:serviceaccount:default:default"
    assert split.kubectl("exec", "token", "--", "cat", "/t/token").stdout == second, "the pod sees it"
    wait_for(lambda: time.time() > told["exp"] + 11, TOKEN_SECONDS, "end of the first one")
    assert "Unauthorized" in who(split, first) or "credentials" in who(split, first)
    assert who(split, second) == "system:serviceaccount:default:default"
    assert restarts(split)["token/c"] == 0


# ---- an hour alone ----

class Watcher:
    """Counts the containers of each pod that containerd has shown to run, without asking the kubelet."""

    def __init__(self, split):
        self.node = Node(split)
        self.seen = {}  # pod name/container name -> ids

    def look(self):
        tasks = self.node.tasks()
        running = {}
        for one, labels in self.node.containers().items():
            name = labels.get("io.kubernetes.container.name")
            if name and tasks.get(one) == "RUNNING":
                key = f"{labels['io.kubernetes.pod.name']}/{name}"
                running[key] = one
                self.seen.setdefault(key, set()).add(one)
        return running

    def pid(self, container_id):
        return int(next(line.split()[1] for line in self.node.ctr("tasks", "ls").splitlines() if container_id in line))


def until(watcher, deadline, condition, what):
    """Looks until condition(running) holds, at most to the deadline of the monotonic clock."""
    return wait_for(lambda: (lambda running: condition(running) and running)(watcher.look()),
                    deadline - time.monotonic(), what)


def blow(split, watcher, key):
    """Kills the container's process and waits for its next."""
    old = watcher.look()[key]
    os.kill(watcher.pid(old), signal.SIGKILL)
    until(watcher, time.monotonic() + 330, lambda running: running.get(key, old) != old, f"next container of {key}")


def test_an_hour_without_the_api_server(split):
    name = node_name(split)
    watcher, key = Watcher(split), f"static-{name}/c"
    before = watcher.look()
    counts, uids = restarts(split), {n: p["metadata"]["uid"] for n, p in all_pods(split).items()}
    api = split.parts["kube-apiserver"]
    api.process.kill()
    api.process.wait(10)
    start, blows = time.monotonic(), 0
    end = start + MINUTES * 60
    late = split.manifests / "late.json"
    while time.monotonic() < end:
        blow(split, watcher, key)
        blows += 1
        if blows == 1:
            late.write_text(static("late", STAY))
            until(watcher, time.monotonic() + 60, lambda r: f"late-{name}/c" in r, "static pod that came meanwhile")
        elif blows == 2:
            old = watcher.look()[f"late-{name}/c"]
            late.write_text(static("late", "echo changed; " + STAY))
            until(watcher, time.monotonic() + 60, lambda r: r.get(f"late-{name}/c", old) != old, "its changed self")
        elif blows == 3:
            late.unlink()
            until(watcher, time.monotonic() + 60, lambda r: f"late-{name}/c" not in r, "its end")
        pause = time.monotonic() + min(ROUND, max(0, end - time.monotonic()))
        until(watcher, pause + 60, lambda _, pause=pause: time.monotonic() >= pause, "the next round")
        running = watcher.look()
        for pod_name in ("steady", "token"):
            assert running[f"{pod_name}/c"] == before[f"{pod_name}/c"], "untouched all the time"
    expired = claims(token_file_of(split, uids["token"]).read_text())["exp"]
    for part in ("kube-controller-manager", "kube-scheduler"):  # they end when they lose their lease, as upstream's do
        if split.parts[part].process.poll() is not None:
            split.parts[part].start()
    away = time.monotonic() - start
    api.start()
    check_after(split, watcher, before, counts, uids, key, blows)
    token = wait_for(lambda: (lambda t: claims(t)["exp"] > time.time() and t)(token_file(split).read_text()), 180,
                     "token that is good again")
    assert who(split, token) == "system:serviceaccount:default:default"
    print(f"\naway for {away:.0f} s, {blows} blows at the static pod; the pod's token had ended "
          f"{time.time() - expired:.0f} s ago; containers seen: "
          f"{ {one: len(ids) for one, ids in sorted(watcher.seen.items())} }")


def token_file_of(split, uid):
    return pathlib.Path(split.node_data / f"kubelet/pods/{uid}/volumes/kubernetes.io~projected/t/token")


def check_after(split, watcher, before, counts, uids, key, blows):
    wait_for(lambda: split.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 60, "API server")
    wait_for(lambda: "True" in split.out("get", "nodes", "-o", "jsonpath={.items[0].status.conditions[?(@.type=="
                                         "'Ready')].status}"), 60, "node that is Ready")
    wait_for(lambda: restarts(split)["ends/c"] >= counts["ends/c"] + len(watcher.seen["ends/c"]) - 1, 60,
             "restarts that are told")
    after = restarts(split)
    assert {n: p["metadata"]["uid"] for n, p in all_pods(split).items()} == uids, "nobody was evicted or replaced"
    for one in ("steady/c", "token/c", "sidecar/c"):
        assert after[one] == counts[one] == 0 and watcher.seen[one] == {before[one]}
    for one in ("ends/c", "sick/c", "sidecar/side"):
        assert after[one] >= counts[one] + MINUTES * 60 / (2 * (LIVES + 300)), f"{one} was started again all the time"
        missed = after[one] - counts[one] - (len(watcher.seen[one]) - 1)
        assert 0 <= missed <= 2, f"every start of {one} is told"
    assert after[key] == counts[key] + blows
