"""What upstream's conformance tests of the node ask for beside what test_node.py, test_pod_life.py and their like show: the events
that a watch sees, generations, subresources, resizes, subPathExpr, hooks at the pod's own address. All pods are created at once."""
import json
import pathlib
import types

import pytest

from cluster import wait_for
from test_exec import WebSocket
from test_node import EMPTY, SLEEP, box, mount, pod

NS = "t-conformance-node"
ORDER = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]


def sized(cpu=None, cpu_limit=None, memory=None, memory_limit=None):
    def of(**amounts):
        return {name: amount for name, amount in amounts.items() if amount}
    both = {"requests": of(cpu=cpu, memory=memory), "limits": of(cpu=cpu_limit, memory=memory_limit)}
    return {kind: amounts for kind, amounts in both.items() if amounts}


MANY = [sized("20m"), sized(memory="35Mi"), sized("20m", memory="35Mi"), sized("20m"), sized(memory="35Mi")]
MANY_RESIZED = [sized("25m", "35m"), sized(memory="30Mi", memory_limit="50Mi"), sized("20m", memory="30Mi"),
                sized("15m", memory="35Mi"), sized("20m", memory="40Mi")]
TINY, TINY_RESIZED = [sized("2m", "10m")], [sized("1m", "5m")]
ONE, ONE_RESIZED = [sized("20m", memory="35Mi")], [sized("25m", memory="40Mi")]


# ---- the pods ----

def init_pods():
    def one(name, restart, first, second, main):
        inits = [box("init1", first), box("init2", second)]
        return pod(name, box("run1", main, resources={"limits": {"cpu": "100m"}}), initContainers=inits, restart=restart)
    yield one("init-once", "Never", "true", "true", "true")
    yield one("init-always", "Always", "true", "true", SLEEP)
    yield one("init-breaks", "Always", "exit 1", "true", SLEEP)
    yield one("init-ends", "Never", "true", "exit 1", "true")


def resized_pods():
    for name, sizes in (("many", MANY), ("tiny", TINY), ("one", ONE)):
        yield pod(name, *(box(f"c{i}", SLEEP, resources=size) for i, size in enumerate(sizes)), restart="OnFailure")


def sub_path_pods():
    def one(name, env, expression, script="true"):
        mounts = [mount("v", "/part", subPathExpr=expression), mount("v", "/whole")]
        return pod(name, box("c", script, env=env, volumeMounts=mounts), volumes=[EMPTY])
    for name, value in (("dots", ".."), ("absolute", "/tmp")):
        yield one(name, [{"name": "POD_NAME", "value": value}], "$(POD_NAME)")
    late = {"name": "LATE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['late']"}}}
    yield one("late", [{"name": "POD_NAME", "value": "foo"}, late], "$(LATE)/$(POD_NAME)",
              "touch /part/file; ls /whole/given/foo; " + SLEEP)


def ending_pods():
    script = ("echo run >>/v/runs; n=$(wc -l </v/runs); [ $n != 1 ] || exit 1; [ $n != 2 ] || exit 0; " + SLEEP)
    memory = {"name": "v", "emptyDir": {"medium": "Memory"}}
    for restart in ("Always", "OnFailure", "Never"):
        yield pod("ends-" + restart.lower(), box("c", script, volumeMounts=[mount("v", "/v")]), restart=restart, volumes=[memory])


def hook_pods(host):
    """Their hooks call a sidecar at the pod's own address."""
    answer = "read l; echo $l >>/host/asked; printf \"HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\""
    server = f"while true; do nc -l -p 8080 -e sh -c '{answer}'; done"
    get = {"httpGet": {"path": "/startup", "port": 8080}, "periodSeconds": 1}
    side = box("side", server, restartPolicy="Always", startupProbe=get, volumeMounts=[mount("h", "/host")])
    for when in ("postStart", "preStop"):
        hook = {when: {"httpGet": {"path": "/echo?msg=" + when, "port": 8080}}}
        yield pod(when.lower(), box("c", SLEEP, lifecycle=hook), initContainers=[side],
                  volumes=[{"name": "h", "hostPath": {"path": str(host)}}], grace=2)


def all_pods(host):
    yield from init_pods()
    yield from resized_pods()
    yield from sub_path_pods()
    yield from ending_pods()
    yield from hook_pods(host)
    yield pod("lives", box("c", SLEEP), grace=1)
    yield pod("told", box("c", SLEEP))
    site = {"name": "c", "image": "nginx:1.7.9", "imagePullPolicy": "IfNotPresent"}
    yield pod("changes", site, initContainers=[box("i", "true")], restart="Always")
    yield pod("debugged", box("c", SLEEP))
    yield pod("talks", box("c", "echo container is alive; " + SLEEP))


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    host = tmp_path_factory.mktemp("conformance")
    host.chmod(0o777)
    cluster.kubectl("create", "namespace", NS)
    wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
    version = cluster.raw(f"/api/v1/namespaces/{NS}/pods")["metadata"]["resourceVersion"]
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, all_pods(host))))
    yield types.SimpleNamespace(host=pathlib.Path(host), version=version)
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


# ---- looking ----

def get(cluster, name):
    return cluster.get("pod", NS, name)


def path(name, subresource=""):
    return f"/api/v1/namespaces/{NS}/pods/{name}" + ("/" + subresource if subresource else "")


def status(cluster, name):
    return get(cluster, name)["status"]


def condition(one, name):
    return next((c for c in one["status"].get("conditions", []) if c["type"] == name), {})


def ready(cluster, name):
    wait_for(lambda: condition(get(cluster, name), "Ready").get("status") == "True", 90, f"ready {name}")
    return get(cluster, name)


def in_phase(cluster, name, phase):
    wait_for(lambda: status(cluster, name)["phase"] == phase, 90, f"{name} {phase}")
    return get(cluster, name)


def waiting(cluster, name):
    found = status(cluster, name).get("containerStatuses") or [{"state": {}}]
    return found[0]["state"].get("waiting", {})


def replace(cluster, subresource, name, change):
    """Reads, changes and writes a pod until nobody else wrote between; the answer."""
    def once():
        one = cluster.raw(path(name, subresource))
        change(one)
        done = cluster.kubectl("replace", "--raw", path(name, subresource), "-f", "-", stdin=json.dumps(one), check=False)
        assert done.returncode == 0 or "the object has been modified" in done.stderr, done.stderr
        return done.returncode == 0 and json.loads(done.stdout)
    return wait_for(once, 20, f"write of {name}")


def history(cluster, world, name):
    """What a watch shows that began before the pods were there."""
    query = f"?watch=1&timeoutSeconds=1&resourceVersion={world.version}&fieldSelector=metadata.name%3D{name}"
    return [json.loads(line) for line in cluster.out("get", "--raw", f"/api/v1/namespaces/{NS}/pods{query}").splitlines()]


# ---- what a watch sees ----

def test_a_life_in_events(cluster, world):
    ready(cluster, "lives")
    cluster.kubectl("delete", "pod", "-n", NS, "lives", "--timeout=60s")
    events = history(cluster, world, "lives")
    assert [e["type"] for e in events] == ["ADDED"] + ["MODIFIED"] * (len(events) - 2) + ["DELETED"]
    pods = [e["object"] for e in events]
    phases = [p["status"]["phase"] for p in pods]
    assert phases == sorted(phases, key=["Pending", "Running", "Failed"].index) and "Running" in phases
    assert [p["metadata"]["generation"] for p in pods if "deletionTimestamp" not in p["metadata"]] == \
        [1] * sum("deletionTimestamp" not in p["metadata"] for p in pods)
    last = pods[-1]
    assert last["metadata"]["deletionTimestamp"] and last["spec"]["terminationGracePeriodSeconds"] == 1
    assert last["metadata"]["generation"] == 2 == last["status"]["observedGeneration"]
    assert [(c["type"], c["observedGeneration"]) for c in last["status"]["conditions"]] == [(name, 2) for name in ORDER]


def initialized(one):
    """(all ended well, one failed); asserts that those behind the current one wait."""
    good, failed = True, False
    for s in one["status"].get("initContainerStatuses", []):
        assert "waiting" in s["state"] or (good and not failed), s
        end = s["state"].get("terminated")
        good = good and end is not None and end["exitCode"] == 0
        failed = failed or (end is not None and end["exitCode"] != 0)
        assert s["ready"] or end is None or end["exitCode"] != 0, s
    return good, failed


def test_init_containers_in_events(cluster, world):
    wait_for(lambda: status(cluster, "init-breaks")["initContainerStatuses"][0]["restartCount"] >= 2, 90, "restarts")
    in_phase(cluster, "init-once", "Succeeded")
    in_phase(cluster, "init-always", "Running")
    in_phase(cluster, "init-ends", "Failed")
    for name in ("init-once", "init-always", "init-breaks", "init-ends"):
        was = False
        for one in [e["object"] for e in history(cluster, world, name)]:
            if "initContainerStatuses" not in one["status"]:
                continue
            good, failed = initialized(one)
            assert good or not was, "never taken back"
            was = good
            shown = condition(one, "Initialized")
            assert shown["status"] == ("True" if good else "False") and shown["lastTransitionTime"], one["status"]
            for s in one["status"].get("containerStatuses", []) if not good else []:
                assert s["state"]["waiting"]["reason"] == "PodInitializing" and s["restartCount"] == 0
    for name, phase, missing in (("init-breaks", "Pending", "init1 init2"), ("init-ends", "Failed", "init2")):
        one = get(cluster, name)
        shown = condition(one, "Initialized")
        assert one["status"]["phase"] == phase and shown["reason"] == "ContainersNotInitialized"
        assert shown["message"] == f"containers with incomplete status: [{missing}]"
        assert one["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"


def test_ends_by_restart_policy(cluster, world):
    for name, phase, state, restarts, is_ready in (("always", "Running", "running", 2, "True"),
                                                   ("onfailure", "Succeeded", "terminated", 1, "False"),
                                                   ("never", "Failed", "terminated", 0, "False")):
        def there(name=name, phase=phase, restarts=restarts):
            one = status(cluster, "ends-" + name)
            return one["phase"] == phase and one["containerStatuses"][0]["restartCount"] == restarts
        wait_for(there, 90, f"{name} {phase} after {restarts} restarts")
        one = get(cluster, "ends-" + name)
        assert list(one["status"]["containerStatuses"][0]["state"]) == [state]
        assert condition(one, "Ready")["status"] == is_ready


# ---- subresources ----

def test_others_write_the_status(cluster, world):
    ready(cluster, "told")
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"message": "by a test", "reason": "E2E"}}
    patched = json.loads(cluster.out("patch", "pod", "-n", NS, "told", "--subresource=status", "--type=merge", "-p",
                                     json.dumps(patch), "-o", "json"))
    assert patched["status"]["message"] == "by a test" and patched["status"]["reason"] == "E2E"
    assert patched["metadata"]["annotations"]["patchedstatus"] == "true"

    def deny(one):
        for name in ("Ready", "ContainersReady"):
            condition(one, name)["status"] = "False"
    answer = replace(cluster, "status", "told", deny)
    assert condition(answer, "Ready")["status"] == "False" == condition(answer, "ContainersReady")["status"]
    ready(cluster, "told")
    assert status(cluster, "told")["reason"] == "E2E", "kept while the phase is the same"


def test_generations(cluster, world):
    assert ready(cluster, "changes")["metadata"]["generation"] == 1
    tolerate = {"key": "foo", "operator": "Equal", "value": "bar", "effect": "NoSchedule"}
    generation = 1
    for bumps, change in (
            (0, lambda one: None),
            (1, lambda one: one["spec"]["tolerations"].append(tolerate)),
            (1, lambda one: one["spec"].update(activeDeadlineSeconds=5000)),
            (1, lambda one: one["spec"]["containers"][0].update(image="nginx:1.9.1")),
            (1, lambda one: one["spec"]["initContainers"][0].update(image="busybox:latest")),
            (0, lambda one: one["metadata"].update(annotations={"key": "value"})),
            (0, lambda one: one["metadata"].update(generation=1))):
        generation += bumps
        assert replace(cluster, "", "changes", change)["metadata"]["generation"] == generation
    wait_for(lambda: status(cluster, "changes")["observedGeneration"] == generation, 30, "observed generation")
    wait_for(lambda: condition(get(cluster, "changes"), "Ready")["observedGeneration"] == generation, 30, "in conditions")


def test_ephemeral_containers_on_a_terminal(cluster, world):
    ready(cluster, "debugged")
    first = box("debugger", "while true; do echo polo; sleep 0.5; done", stdin=True, tty=True)
    cluster.kubectl("patch", "pod", "-n", NS, "debugged", "--subresource=ephemeralcontainers", "-p",
                    json.dumps({"spec": {"ephemeralContainers": [first]}}))
    wait_for(lambda: "running" in status(cluster, "debugged")["ephemeralContainerStatuses"][0]["state"], 30, "debugger")
    one = get(cluster, "debugged")
    assert one["metadata"]["generation"] == 2 == one["status"]["observedGeneration"]
    assert cluster.out("exec", "-n", NS, "debugged", "-c", "debugger", "--", "/bin/echo", "marco") == "marco\n"
    wait_for(lambda: "polo" in cluster.out("logs", "-n", NS, "debugged", "-c", "debugger"), 10, "log")
    second = {"name": "second", "image": "nginx:1.7.9", "imagePullPolicy": "IfNotPresent"}
    replace(cluster, "ephemeralcontainers", "debugged", lambda one: one["spec"]["ephemeralContainers"].append(second))
    found = cluster.raw(path("debugged", "ephemeralcontainers"))["spec"]["ephemeralContainers"]
    assert [c["name"] for c in found] == ["debugger", "second"]


def test_protocols_of_old_websocket_clients(cluster, world):
    ready(cluster, "talks")
    words = "command=echo&command=remote%20execution%20test"
    shell = WebSocket(cluster, path("talks", f"exec?stderr=1&stdout=1&container=c&{words}"), "channel.k8s.io")
    messages = list(shell.messages())
    assert messages[-1] == "closed 1000" and all(m[:1] == b"\1" for m in messages[:-1] if len(m) > 1)
    assert b"".join(m[1:] for m in messages[:-1]) == b"remote execution test\n"
    log = WebSocket(cluster, path("talks", "log?container=c"), "binary.k8s.io")
    assert b"".join(list(log.messages())[:-1]) == b"container is alive\n"


# ---- sizes ----

def resized(cluster, name, sizes):
    def done():
        one = get(cluster, name)
        clear = not condition(one, "PodResizePending") and not condition(one, "PodResizeInProgress")
        shown = [s.get("resources") for s in one["status"]["containerStatuses"]]
        return clear and shown == sizes and condition(one, "Ready")["status"] == "True"
    wait_for(done, 60, f"resized {name}")
    assert not any(s["restartCount"] for s in status(cluster, name)["containerStatuses"])


def resize(cluster, name, sizes):
    wanted = [{"name": f"c{i}", "resources": size} for i, size in enumerate(sizes)]
    answer = json.loads(cluster.out("patch", "pod", "-n", NS, name, "--subresource=resize", "-o", "json", "-p",
                                    json.dumps({"spec": {"containers": wanted}})))
    assert [c["resources"] for c in answer["spec"]["containers"]] == sizes
    resized(cluster, name, sizes)


def test_resize_of_many_containers(cluster, world):
    one = ready(cluster, "many")
    assert [s["resources"] for s in one["status"]["containerStatuses"]] == MANY
    assert not any("resizePolicy" in c for c in one["spec"]["containers"])
    resize(cluster, "many", MANY_RESIZED)


def test_resize_to_what_the_kernel_calls_the_same(cluster, world):
    ready(cluster, "tiny")
    resize(cluster, "tiny", TINY_RESIZED)
    resize(cluster, "tiny", TINY)


def test_resize_by_replacing(cluster, world):
    assert ready(cluster, "one")["metadata"]["generation"] == 1
    replace(cluster, "resize", "one", lambda one: one["spec"]["containers"][0].update(resources=ONE_RESIZED[0]))
    assert get(cluster, "one")["metadata"]["generation"] == 2
    resized(cluster, "one", ONE_RESIZED)
    wait_for(lambda: cluster.raw(path("one")) == cluster.raw(path("one", "resize")), 10, "the same pod at both places")


# ---- the rest ----

def test_sub_path_expressions(cluster, world):
    for name, message in (("dots", "unable to provision SubPath `..`: must not contain '..'"),
                          ("absolute", "error SubPath `/tmp` must not be an absolute path"),
                          ("late", "missing value for LATE")):
        wait_for(lambda name=name: waiting(cluster, name).get("reason") == "CreateContainerConfigError", 60, f"error of {name}")
        assert waiting(cluster, name)["message"] == message
        assert status(cluster, name)["phase"] == "Pending"
    cluster.kubectl("annotate", "pod", "-n", NS, "late", "late=given")
    ready(cluster, "late")
    cluster.kubectl("annotate", "pod", "-n", NS, "late", "late=again", "--overwrite")
    wait_for(lambda: cluster.out("logs", "-n", NS, "late") == "file\n", 20, "log")
    cluster.kubectl("delete", "pod", "-n", NS, "late", "--timeout=60s")


def test_hooks_at_the_pods_own_address(cluster, world):
    for name in ("poststart", "prestop"):
        ready(cluster, name)
    cluster.kubectl("delete", "pod", "-n", NS, "poststart", "prestop", "--timeout=60s")
    asked = (world.host / "asked").read_text()
    for word in ("postStart", "preStop"):
        assert asked.count(f"GET /echo?msg={word} HTTP/1.1") == 1, asked


def test_a_pod_for_what_the_node_has_just_become(cluster, world):
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    cluster.kubectl("label", "node", node, "example.com/just=now")
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin=json.dumps(
        pod("just", box("c", SLEEP), nodeName=node, nodeSelector={"example.com/just": "now"})))
    ready(cluster, "just")
    cluster.kubectl("label", "node", node, "example.com/just-")
