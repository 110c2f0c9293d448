"""The life cycle of pods on a node, with real containers: order of starts and ends, hooks, probes, restarts, names,
and what pods say that cannot run. All pods are created at once in one namespace; each test looks at its own."""
import datetime
import json
import os
import re
import socket
import subprocess
import types

import pytest

from cluster import wait_for
from test_node import EMPTY, SLEEP, box, exec_probe, mount, pod

NS = "t-life"
TRAP = "trap '{0}; exit 0' TERM; {1}; while :; do sleep 0.05; done"


def says(word, done=":"):
    """A script that notes its start and its end in /host/order, and ends at SIGTERM."""
    return TRAP.format(f"echo {word} ends >>/host/order", f"echo {word} starts >>/host/order; {done}")


def folder(host, name):
    (host / name).mkdir(mode=0o777)
    return [{"name": "h", "hostPath": {"path": str(host / name)}}]


H = [mount("h", "/host")]


# ---- the pods ----

def sidecar_pods(host):
    probe = exec_probe("test -f /host/go", failureThreshold=600)
    sides = [box("one", says("one"), restartPolicy="Always", startupProbe=probe, volumeMounts=H),
             box("init", "echo init >>/host/order", volumeMounts=H),
             box("two", says("two"), restartPolicy="Always", volumeMounts=H)]
    main = "sleep 0.3; echo main ends >>/host/order"
    yield pod("order", box("main", TRAP.format(main, "echo main starts >>/host/order"), volumeMounts=H),
              initContainers=sides, volumes=folder(host, "order"), grace=20)
    again = "if [ -f /v/once ]; then exec sleep 1000; fi; touch /v/once; exit 5"
    yield pod("side-restarts", box("main", SLEEP), volumes=[EMPTY],
              initContainers=[box("side", again, restartPolicy="Always", volumeMounts=[mount("v", "/v")])])
    # Ends at SIGTERM only; its sidecar gets what its containers leave of the grace period.
    yield pod("deaf", box("main", "trap '' TERM; while :; do sleep 0.1; done"), grace=2,
              initContainers=[box("side", "trap '' TERM; while :; do sleep 0.1; done", restartPolicy="Always")])


def hook_pods(host):
    def hook(when, what):
        return {"lifecycle": {when: what}}

    def run(script):
        return {"exec": {"command": ["/bin/sh", "-c", script]}}
    yield pod("held-start", box("c", SLEEP, volumeMounts=H, **hook("postStart", run(
        "touch /host/hooked; until [ -f /host/go ]; do sleep 0.05; done"))), box("later", SLEEP),
        volumes=folder(host, "held-start"))
    yield pod("bad-start", box("c", SLEEP, **hook("postStart", run("echo because >&2; exit 7"))), restart="Always")
    yield pod("bad-stop", box("c", SLEEP, **hook("preStop", run("exit 1"))), grace=1)
    yield pod("slow-stop", box("c", TRAP.format(":", ":"), **hook("preStop", {"sleep": {"seconds": 600}})), grace=3600)
    yield pod("http-hooks", {
        "name": "c", "image": "nginx:1.7.9", "imagePullPolicy": "IfNotPresent",
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"httpGet": {"path": "/nothing-there", "port": 80}}}}, grace=30)


def probe_pods(host):
    deaf = "trap '' TERM; touch /tmp/alive; sleep 1; rm /tmp/alive; while :; do sleep 0.1; done"
    live = exec_probe("test -f /tmp/alive", terminationGracePeriodSeconds=1)
    yield pod("probe-grace", box("c", deaf, livenessProbe=live), restart="Always", grace=3600)
    yield pod("never-starts", box("c", SLEEP, startupProbe=exec_probe("echo not yet; exit 1", failureThreshold=2),
                                  livenessProbe=exec_probe("exit 1")), restart="Always")
    once = {"periodSeconds": 1, "failureThreshold": 1000}
    yield pod("bad-probes",
              box("http", SLEEP, readinessProbe={"httpGet": {"port": 81, "path": "/x"}, **once}),
              box("grpc", SLEEP, readinessProbe={"grpc": {"port": 82}, **once}),
              box("tcp", SLEEP, readinessProbe={"tcpSocket": {"port": 83}, **once}),
              box("slow", SLEEP, readinessProbe=exec_probe("sleep 5", timeoutSeconds=1, failureThreshold=1000)),
              box("name", SLEEP, readinessProbe={"httpGet": {"port": "none"}, **once}))
    yield pod("gated", box("c", SLEEP), readinessGates=[{"conditionType": "example.com/gate"}])


def restart_pods():
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    again = "if [ -f /v/once ]; then exit 3; fi; touch /v/once; exit 42"
    v = [mount("v", "/v")]
    yield pod("rules", box("c", again, restartPolicy="Never", restartPolicyRules=rules, volumeMounts=v), volumes=[EMPTY])
    yield pod("mixed", box("ends", "exit 1", restartPolicy="Never"), box("c", SLEEP), restart="Always")
    yield pod("crashes", box("c", "exit 2"), restart="Always")


def message_pods():
    words = "i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); done"
    yield pod("messages",
              box("long", f"({words}) >/dev/termination-log"),
              box("path", "echo elsewhere >/tmp/said", terminationMessagePath="/tmp/said"),
              box("logs", f"{words}; exit 1", terminationMessagePolicy="FallbackToLogsOnError"),
              box("good", f"{words}", terminationMessagePolicy="FallbackToLogsOnError"))
    flood = "dd if=/dev/zero bs=1M count=64 2>/dev/null | tr '\\0' x"
    yield pod("floods", box("c", f"({flood}; echo end) >/dev/termination-log; {flood}; exit 1"))


def name_pods():
    show = "echo name $$(hostname); cat /etc/hosts /etc/resolv.conf"
    yield pod("named", box("c", show), hostname="h", subdomain="sub", setHostnameAsFQDN=True)
    yield pod("over", box("c", show), hostnameOverride="a.b.example")
    yield pod("too-long", box("c", show), subdomain="s" * 40, setHostnameAsFQDN=True)
    yield pod("no-dns", box("c", show), dnsPolicy="None", dnsConfig={
        "nameservers": ["192.0.2.1"], "searches": ["one", "two"], "options": [{"name": "ndots", "value": "3"}]})
    yield pod("host-dns", box("c", show), hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet",
              hostAliases=[{"ip": "10.9.8.7", "hostnames": ["elsewhere", "there"]}])
    yield pod("host-all", box("c", "set -- /proc/[0-9]*; echo $#; readlink /proc/self/ns/ipc"), hostPID=True, hostIPC=True)


def bad_pods(node):
    def one(name, more=None, **container):
        return pod(name, {**box("c", SLEEP), **container}, restart="Always", **(more or {}))
    yield one("bad-name", image="Not A Name")
    yield one("never-pulled", image="example.invalid/none:1", imagePullPolicy="Never")
    yield one("no-image", image="example.invalid/none:1")
    yield one("no-secret", env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}])
    yield one("bad-profile", securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "none.json"}})
    yield one("no-program", command=["/no/such/program"])
    yield pod("no-program-once", {**box("c", ""), "command": ["/no/such/program"]})
    yield one("elsewhere", {"nodeName": node, "nodeSelector": {"no": "such"}})
    yield one("too-big", {"nodeName": node}, resources={"requests": {"cpu": "4000"}})


def all_pods(host, node):
    yield from sidecar_pods(host)
    yield from hook_pods(host)
    yield from probe_pods(host)
    yield from restart_pods()
    yield from message_pods()
    yield from name_pods()
    yield from bad_pods(node)
    yield pod("debugged", box("c", SLEEP))


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    host = tmp_path_factory.mktemp("life")
    cluster.kubectl("create", "namespace", NS)
    wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, all_pods(host, node))))
    yield types.SimpleNamespace(host=host)
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


# ---- looking ----

def get(cluster, name):
    return cluster.get("pod", NS, name)


def status(cluster, name, container="c"):
    """Of a container of any kind."""
    one = get(cluster, name)["status"]
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for found in one.get(kind) or []:
            if found["name"] == container:
                return found
    return {"state": {}, "lastState": {}}


def waits(cluster, name, container="c"):
    return status(cluster, name, container)["state"].get("waiting") or {}


def running(cluster, name, container="c"):
    wait_for(lambda: "running" in status(cluster, name, container)["state"], 90, f"running {name}/{container}")


def ended(cluster, name, container="c"):
    return wait_for(lambda: status(cluster, name, container)["state"].get("terminated"), 90, f"end of {name}/{container}")


def conditions(cluster, name):
    return {c["type"]: c for c in get(cluster, name)["status"].get("conditions", [])}


def events(cluster, name):
    """reason -> the last message"""
    found = cluster.get("events", NS)["items"]
    return {e["reason"]: e["message"] for e in found if e["involvedObject"].get("name") == name}


def event(cluster, name, reason):
    return wait_for(lambda: events(cluster, name).get(reason), 60, f"event {reason} of {name}")


def logs(cluster, name, *more):
    return cluster.out("logs", "-n", NS, name, *more)


def delete(cluster, name, *more):
    cluster.kubectl("delete", "pod", "-n", NS, name, "--timeout=60s", *more)


# ---- order ----

def test_sidecars_start_and_stop_in_order(cluster, world):
    order = world.host / "order/order"
    wait_for(order.exists, 90, "first sidecar")
    running(cluster, "order", "one")
    assert status(cluster, "order", "one")["started"] is False
    assert waits(cluster, "order", "main")["reason"] == "PodInitializing" == waits(cluster, "order", "init")["reason"]
    assert get(cluster, "order")["status"]["phase"] == "Pending"
    assert conditions(cluster, "order")["Initialized"]["message"] == "containers with incomplete status: [one init two]"
    (world.host / "order/go").touch()
    wait_for(lambda: conditions(cluster, "order")["Ready"]["status"] == "True", 60, "ready pod")
    delete(cluster, "order")
    assert order.read_text().splitlines() == ["one starts", "init", "two starts", "main starts",
                                              "main ends", "two ends", "one ends"]


def test_a_sidecar_restarts_beside_the_others(cluster, world):
    wait_for(lambda: status(cluster, "side-restarts", "side").get("restartCount") == 1 and
             status(cluster, "side-restarts", "side")["ready"], 90, "restarted sidecar")
    assert status(cluster, "side-restarts", "side")["lastState"]["terminated"]["exitCode"] == 5
    running(cluster, "side-restarts", "main")
    assert status(cluster, "side-restarts", "main")["restartCount"] == 0


def test_sidecars_share_the_grace_period(cluster, world):
    running(cluster, "deaf", "main")
    delete(cluster, "deaf")


def test_ephemeral_containers(cluster, world):
    running(cluster, "debugged")
    cluster.kubectl("debug", "-n", NS, "debugged", "--image=busybox:1.36", "--image-pull-policy=IfNotPresent",
                    "--container=debug", "--target=c", "--", "sh", "-c", "ps >/dev/termination-log; exit 3")
    end = ended(cluster, "debugged", "debug")
    assert end["exitCode"] == 3 and "sleep 1000" in end["message"], end
    one = get(cluster, "debugged")
    assert one["status"]["phase"] == "Running" and one["status"]["ephemeralContainerStatuses"][0]["restartCount"] == 0
    assert conditions(cluster, "debugged")["Ready"]["status"] == "True"
    assert "debug" in [c["name"] for c in one["spec"]["ephemeralContainers"]]
    cluster.kubectl("debug", "-n", NS, "debugged", "--image=busybox:1.36", "--image-pull-policy=IfNotPresent",
                    "--container=two", "--", "sh", "-c", "ps >/dev/termination-log")
    assert "sleep 1000" not in ended(cluster, "debugged", "two")["message"], "its own processes only"
    assert ended(cluster, "debugged", "debug")["exitCode"] == 3


# ---- hooks ----

def test_post_start_holds_the_pod_back(cluster, world):
    wait_for((world.host / "held-start/hooked").exists, 90, "hook")
    assert waits(cluster, "held-start")["reason"] == "ContainerCreating" == waits(cluster, "held-start", "later")["reason"]
    (world.host / "held-start/go").touch()
    running(cluster, "held-start")
    running(cluster, "held-start", "later")


def test_post_start_failure(cluster, world):
    assert event(cluster, "bad-start", "FailedPostStartHook") == "PostStartHook failed"

    def why():
        found = waits(cluster, "bad-start")
        return found.get("reason") in ("PostStartHookError", "CrashLoopBackOff") and found
    found = wait_for(why, 60, "reason")
    if found["reason"] == "PostStartHookError":
        assert re.fullmatch(
            r'Exec lifecycle hook \(\[/bin/sh -c echo because >&2; exit 7\]\) for Container "c" in Pod "bad-start_t-life'
            r'\(.*\)" failed - error: command \'/bin/sh -c echo because >&2; exit 7\' exited with 7: because\n, '
            r'message: "because\\n"', found["message"]), found
    assert status(cluster, "bad-start")["lastState"]["terminated"]["exitCode"] == 137


def test_pre_stop(cluster, world):
    for name in ("bad-stop", "slow-stop"):
        running(cluster, name)
        delete(cluster, name, "--wait=false", "--grace-period=1")
    # A server that runs need not listen yet, and its hook has to be done within the grace period.
    cluster.kubectl("wait", "--for=condition=Ready", "pod", "-n", NS, "http-hooks", "--timeout=60s")
    delete(cluster, "http-hooks", "--wait=false")
    assert event(cluster, "bad-stop", "FailedPreStopHook") == "PreStopHook failed"
    for name in ("bad-stop", "slow-stop", "http-hooks"):
        cluster.kubectl("wait", "--for=delete", "pod", "-n", NS, name, "--timeout=60s")
    assert "FailedPreStopHook" not in events(cluster, "http-hooks"), "any answer is good"


# ---- probes ----

def test_a_probe_has_its_own_grace_period(cluster, world):
    wait_for(lambda: status(cluster, "probe-grace").get("restartCount", 0) >= 1, 90, "restart")
    assert status(cluster, "probe-grace")["lastState"]["terminated"]["exitCode"] == 137
    delete(cluster, "probe-grace", "--grace-period=1")


def test_startup_probe(cluster, world):
    wait_for(lambda: status(cluster, "never-starts").get("restartCount", 0) >= 1, 90, "restart")
    assert event(cluster, "never-starts", "Unhealthy") == "Startup probe failed: not yet\n"
    assert event(cluster, "never-starts", "Killing") == "Container c failed startup probe, will be restarted"
    assert status(cluster, "never-starts")["started"] is False


def test_what_probes_say(cluster, world):
    for name in ("http", "grpc", "tcp", "slow", "name"):
        running(cluster, "bad-probes", name)
    ip = get(cluster, "bad-probes")["status"]["podIP"]
    wanted = {
        "http": f'Readiness probe failed: Get "http://{ip}:81/x": dial tcp {ip}:81: connect: connection refused',
        "grpc": f'Readiness probe failed: error: failed to connect service at "{ip}:82": ',
        "tcp": f"Readiness probe failed: dial tcp {ip}:83: connect: connection refused",
        "slow": 'Readiness probe failed: command timed out: "/bin/sh -c sleep 5" timed out after 1s',
        "name": 'Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing "none": invalid syntax'}

    def said():
        found = {}
        for e in cluster.get("events", NS)["items"]:
            path = re.fullmatch(r"spec\.containers\{(.*)\}", e["involvedObject"].get("fieldPath", ""))
            if e["reason"] == "Unhealthy" and path and e["involvedObject"]["name"] == "bad-probes":
                found[path[1]] = e["message"]
        return found if found.keys() == wanted.keys() else None
    found = wait_for(said, 60, "all events")
    for name, start in wanted.items():
        assert found[name].startswith(start), found
    delete(cluster, "bad-probes")


@pytest.mark.skipif(not os.path.exists("/usr/bin/etcd"), reason="no gRPC server at hand")
def test_a_grpc_server_makes_its_pod_ready_while_it_runs(cluster, world, tmp_path):
    """etcd, on the host, has grpc.health.v1."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("", 0))
        two.bind(("127.0.0.1", 0))
        port, peer = one.getsockname()[1], f"http://127.0.0.1:{two.getsockname()[1]}"
    probe = {"grpc": {"port": port}, "periodSeconds": 1, "successThreshold": 2, "failureThreshold": 2,
             "initialDelaySeconds": 2}
    served = pod("served", box("c", SLEEP, readinessProbe=probe), hostNetwork=True)
    client = f"http://0.0.0.0:{port}"
    etcd = subprocess.Popen(
        ["/usr/bin/etcd", "--data-dir", str(tmp_path / "data"), "--listen-client-urls", client,
         "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
         "--initial-cluster", f"default={peer}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        cluster.kubectl("create", "-n", NS, "-f", "-", stdin=json.dumps(served))
        wait_for(lambda: conditions(cluster, "served").get("Ready", {}).get("status") == "True", 60, "ready")
        seconds = [datetime.datetime.fromisoformat(t) for t in (
            status(cluster, "served")["state"]["running"]["startedAt"], conditions(cluster, "served")["Ready"]["lastTransitionTime"])]
        assert (seconds[1] - seconds[0]).total_seconds() >= 3, "a delay of 2 s, then two successes a second apart"
    finally:
        etcd.kill()
        etcd.wait()
    wait_for(lambda: conditions(cluster, "served")["Ready"]["status"] == "False", 30, "not ready")
    assert event(cluster, "served", "Unhealthy").startswith("Readiness probe failed: error: failed to connect service at ")
    assert status(cluster, "served")["restartCount"] == 0
    delete(cluster, "served")


def test_readiness_gates(cluster, world):
    running(cluster, "gated")
    one = wait_for(lambda: (lambda c: c["ContainersReady"]["status"] == "True" and c)(conditions(cluster, "gated")),
                   30, "ready containers")
    assert one["Ready"]["reason"] == "ReadinessGatesNotReady"
    assert one["Ready"]["message"] == 'corresponding condition of pod readiness gate "example.com/gate" does not exist.'
    patch = {"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}}
    cluster.kubectl("patch", "pod", "-n", NS, "gated", "--subresource=status", "-p", json.dumps(patch))
    wait_for(lambda: conditions(cluster, "gated")["Ready"]["status"] == "True", 30, "ready pod")
    assert conditions(cluster, "gated")["example.com/gate"]["status"] == "True"


# ---- restarts ----

def test_restart_rules(cluster, world):
    wait_for(lambda: get(cluster, "rules")["status"]["phase"] == "Failed", 90, "end")
    one = status(cluster, "rules")
    assert one["restartCount"] == 1 and one["state"]["terminated"]["exitCode"] == 3
    assert one["lastState"]["terminated"]["exitCode"] == 42
    running(cluster, "mixed")
    assert ended(cluster, "mixed", "ends")["exitCode"] == 1 and status(cluster, "mixed", "ends")["restartCount"] == 0
    assert get(cluster, "mixed")["status"]["phase"] == "Running"


def test_crash_loop(cluster, world):
    found = wait_for(lambda: (lambda w: w.get("reason") == "CrashLoopBackOff" and w)(waits(cluster, "crashes")), 90, "crash loop")
    uid = get(cluster, "crashes")["metadata"]["uid"]
    assert re.fullmatch(rf"back-off (10|20|40)s restarting failed container=c pod=crashes_{NS}\({uid}\)", found["message"])
    assert event(cluster, "crashes", "BackOff") == f"Back-off restarting failed container c in pod crashes_{NS}({uid})"
    assert get(cluster, "crashes")["status"]["phase"] == "Running"


def test_termination_messages(cluster, world):
    text = "".join(f"line {i}\n" for i in range(600))
    limit = 12 * 1024 // 4
    assert ended(cluster, "messages", "long")["message"] == text[-4096:][:limit]
    assert ended(cluster, "messages", "path")["message"] == "elsewhere\n"
    assert ended(cluster, "messages", "logs")["message"] == "".join(text.splitlines(True)[-80:])[-2048:]
    assert "message" not in ended(cluster, "messages", "good")
    assert ended(cluster, "floods", "c")["message"] == "x" * 4092 + "end\n", "the end of 64 MiB"


# ---- names and namespaces ----

def test_names(cluster, world):
    for name in ("named", "over", "no-dns"):
        ended(cluster, name)
    domain = f"h.sub.{NS}.svc.cluster.local"
    named = logs(cluster, "named").splitlines()
    assert f"name {domain}" in named
    assert f"{get(cluster, 'named')['status']['podIP']}\t{domain}\th" in named
    over = logs(cluster, "over").splitlines()
    assert "name a.b.example" in over and f"{get(cluster, 'over')['status']['podIP']}\ta.b.example" in over
    assert "is too long (64 characters is the max" in event(cluster, "too-long", "FailedCreatePodSandBox")
    resolv = logs(cluster, "no-dns").splitlines()[-3:]
    assert resolv == ["search one two", "nameserver 192.0.2.1", "options ndots:3"]


def test_host_namespaces(cluster, world):
    ended(cluster, "host-dns")
    text = logs(cluster, "host-dns")
    assert "# Kubernetes-managed hosts file (host network)." in text and "10.9.8.7\telsewhere\tthere" in text
    assert f"search {NS}.svc.cluster.local" in text
    ended(cluster, "host-all")
    count, ipc = logs(cluster, "host-all").splitlines()
    assert int(count) > 5 and ipc == os.readlink("/proc/self/ns/ipc")


# ---- pods that cannot run ----

def test_pods_that_cannot_run_say_why(cluster, world):
    def reason(name, *wanted):
        return wait_for(lambda: (lambda w: w.get("reason") in wanted and w)(waits(cluster, name)), 90, f"{name}: {wanted}")
    assert reason("bad-name", "InvalidImageName")["message"].startswith(
        'Failed to apply default image tag "Not A Name": couldn\'t parse image name "Not A Name": invalid reference format')
    assert reason("never-pulled", "ErrImageNeverPull")["message"] == (
        'Container image "example.invalid/none:1" is not present with pull policy of Never')
    reason("no-image", "ErrImagePull", "ImagePullBackOff")
    assert reason("no-image", "ImagePullBackOff")["message"].startswith('Back-off pulling image "example.invalid/none:1"')
    assert reason("no-secret", "CreateContainerConfigError")["message"] == 'secret "none" not found'
    reason("bad-profile", "CreateContainerError")
    reason("no-program", "RunContainerError", "CrashLoopBackOff")
    last = wait_for(lambda: status(cluster, "no-program")["lastState"].get("terminated"), 60, "last state")
    assert last["reason"] == "StartError" and last["exitCode"] == 128 and "/no/such/program" in last["message"]
    end = ended(cluster, "no-program-once")
    assert end["reason"] == "StartError" and get(cluster, "no-program-once")["status"]["phase"] == "Failed"


def test_refused_pods(cluster, world):
    for name, reason, message in [
            ("elsewhere", "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node "
                                          "affinity/selector"),
            ("too-big", "OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu, requested: 4000000, used: ")]:
        one = wait_for(lambda: (lambda s: s["phase"] == "Failed" and s)(get(cluster, name)["status"]), 90, name)
        assert one["reason"] == reason and one["message"].startswith(message), one
        assert "containerStatuses" not in one and [c["type"] for c in one.get("conditions", [])] in ([], ["PodScheduled"]), one
        assert f" {reason} " in cluster.out("get", "pod", "-n", NS, name), "in the column STATUS"
