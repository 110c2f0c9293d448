"""What a node does with pods: logs, environment, limits, ends, volumes, probes; and what goes with an owner.

All pods are created at once in one namespace (`world`), so that the node works on them side by side;
each test then looks at its own.
"""
import base64
import datetime
import json
import pathlib
import re
import ssl
import time
import types
import urllib.error
import urllib.request

import pytest

from cluster import wait_for

NS = "t-node"


def box(name, script, **more):
    return {"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script], **more}


def pod(name, *containers, restart="Never", grace=0, **spec):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}, "annotations": {"note": "first"}},
            "spec": {"restartPolicy": restart, "terminationGracePeriodSeconds": grace,
                     "containers": list(containers), **spec}}


def mount(volume, path, **more):
    return {"name": volume, "mountPath": path, **more}


def exec_probe(script, **more):
    return {"exec": {"command": ["/bin/sh", "-c", script]}, "periodSeconds": 1, "failureThreshold": 1, **more}


# ---- the pods ----

SLEEP = "exec sleep 1000"
ONCE_FAILS = ("n=$(cat /v/n 2>/dev/null || echo 0); echo $((n+1)) >/v/n; echo run $n; "
              "[ $n != 0 ] || { echo because >/dev/termination-log; exit 3; }; ")
EMPTY = {"name": "v", "emptyDir": {}}


def log_pods():
    talk = "for i in 1 2 3 4 5; do echo line $i; sleep 0.4; done; echo to stderr >&2"
    yield pod("talk", box("talk", talk), box("other", "echo another"))
    yield pod("again", box("c", ONCE_FAILS + SLEEP, volumeMounts=[mount("v", "/v")]), restart="Always", volumes=[EMPTY])
    yield pod("waits", {"name": "c", "image": "example.invalid/none:1", "imagePullPolicy": "IfNotPresent"})


def environment_pod():
    env = [{"name": "GREETING", "value": "hello"}, {"name": "BOTH", "value": "$(GREETING)-$(NOPE)-$$(GREETING)"}]
    for name, path in [("POD", "metadata.name"), ("NAMESPACE", "metadata.namespace"), ("UID_", "metadata.uid"),
                       ("IP", "status.podIP"), ("HOST", "status.hostIP"), ("NODE", "spec.nodeName"),
                       ("ACCOUNT", "spec.serviceAccountName"), ("LABEL", "metadata.labels['app']")]:
        env.append({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
    env += [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
            {"name": "ABSENT", "valueFrom": {"configMapKeyRef": {"name": "nope", "key": "k", "optional": True}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "secrets", "key": "password"}}}]
    for name, resource, divisor in [("CPU", "limits.cpu", "1m"), ("MEMORY", "requests.memory", "1Mi")]:
        env.append({"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}})
    script = ("echo $0 $*; env; echo at $$(pwd); echo user $$(id -u):$$(id -g);"
              "echo name $$(hostname); cat /etc/hosts /etc/resolv.conf")
    one = box("c", "", env=env, envFrom=[{"prefix": "S_", "configMapRef": {"name": "settings"}},
                                         {"secretRef": {"name": "secrets"}}],
              resources={"limits": {"cpu": "300m"}, "requests": {"memory": "24Mi"}}, workingDir="/etc",
              securityContext={"runAsUser": 1234, "runAsGroup": 2345})
    one |= {"command": ["/bin/sh", "-c"], "args": [script, "said", "$(GREETING)", "$(NOPE)", "$$(GREETING)"]}
    return pod("env", one)


def end_pods():
    yield pod("good", box("c", "exit 0"))
    yield pod("bad", box("c", "exit 7"), box("fine", "exit 0"))
    yield pod("retried", box("c", ONCE_FAILS, volumeMounts=[mount("v", "/v")]), restart="OnFailure", volumes=[EMPTY])
    # containerd asks to be told of kills just after the start, and is told beside the exit: be clear of both.
    yield pod("greedy", box("c", "sleep 2; dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 2; exit 9",
                            resources={"limits": {"memory": "24Mi"}}))
    v = [mount("v", "/v")]
    yield pod("inits", box("c", "cat /v/order; echo main", volumeMounts=v), volumes=[EMPTY],
              initContainers=[box("first", "sleep 0.5; echo first >>/v/order", volumeMounts=v),
                              box("second", "echo second >>/v/order", volumeMounts=v)])
    yield pod("no-init", box("c", "echo never"), initContainers=[box("breaks", "exit 4"), box("later", "echo never")])


def limit_pods():
    all_set = {"cpu": "250m", "memory": "64Mi"}
    yield pod("guaranteed", box("c", SLEEP, resources={"limits": all_set}))
    yield pod("burstable", box("c", SLEEP, resources={"requests": {"cpu": "100m"}, "limits": {"memory": "32Mi"}}))
    yield pod("besteffort", box("c", SLEEP))


def stop_pods(host):
    volumes = [{"name": "h", "hostPath": {"path": host, "type": "Directory"}}]
    h = [mount("h", "/host")]
    trap = "trap 'sleep 0.5; echo bye >>/host/end; exit 0' TERM; touch /host/up; while :; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 0.5; echo hook >>/host/end"]}}}
    yield pod("polite", box("c", trap, volumeMounts=h, lifecycle=hook), grace=20, volumes=volumes)
    yield pod("stubborn", box("c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"), grace=2)
    yield pod("at-once", box("c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"))


def volume_pod(host):
    volumes = [EMPTY, {"name": "mem", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}},
               {"name": "h", "hostPath": {"path": host + "/made", "type": "DirectoryOrCreate"}},
               {"name": "map", "configMap": {"name": "settings"}},
               {"name": "items", "configMap": {"name": "settings", "items": [
                   {"key": "colour", "path": "deep/paint", "mode": 0o400}]}},
               {"name": "sec", "secret": {"secretName": "secrets", "defaultMode": 0o440}},
               {"name": "down", "downwardAPI": {"items": [
                   {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                   {"path": "note", "fieldRef": {"fieldPath": "metadata.annotations['note']"}}]}},
               {"name": "all", "projected": {"sources": [
                   {"configMap": {"name": "settings"}}, {"secret": {"name": "secrets"}},
                   {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}}]}}]
    shared = [mount("v", "/v"), mount("mem", "/mem")]
    reader = ("until [ -f /v/done ]; do sleep 0.1; done; cat /v/done /mem/done; cat /map/colour /items/deep/paint;"
              "stat -L -c 'mode %a' /items/deep/paint /sec/password; cat /sec/password /sec/text /down/labels; echo;"
              "cat /single; ls /all; grep ' /mem ' /proc/mounts; touch /host/seen;"
              "cd /var/run/secrets/kubernetes.io/serviceaccount; cat namespace; echo; cat token; echo;"
              "cat /all/vault; echo; grep -c BEGIN ca.crt; echo x 2>/dev/null >/map/new || echo read-only;")
    watch = ("last=; while :; do now=\"$(cat /map/colour) $(cat /down/note) $(cat /single)\";"
             "[ \"$now\" = \"$last\" ] || echo \"now $now\"; last=$now; sleep 0.1; done")
    reads = shared + [mount("map", "/map"), mount("items", "/items"), mount("sec", "/sec"), mount("down", "/down"),
                      mount("all", "/all"), mount("h", "/host"), mount("map", "/single", subPath="colour")]
    return pod("volumes", box("writes", "echo on disk >/v/done; echo in memory >/mem/done;" + SLEEP, volumeMounts=shared),
               box("reads", reader + watch, volumeMounts=reads), volumes=volumes)


def probe_pods(host):
    volumes = [{"name": "h", "hostPath": {"path": host}}]
    yield pod("held", box("c", SLEEP, volumeMounts=[mount("h", "/host")], ports=[{"containerPort": 80}],
                          readinessProbe=exec_probe("test -f /host/ready")), volumes=volumes)
    yield pod("dies", box("c", "touch /tmp/alive; sleep 2; rm /tmp/alive; sleep 1000",
                          livenessProbe=exec_probe("cat /tmp/alive")), restart="Always")
    http = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1}
    yield pod("site", {"name": "c", "image": "nginx:1.7.9", "imagePullPolicy": "IfNotPresent",
                       "ports": [{"name": "web", "containerPort": 80}], "startupProbe": http, "readinessProbe": http,
                       "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1}}, restart="Always")
    yield pod("host-network", box("c", "ls /sys/class/net; hostname; " + SLEEP), hostNetwork=True)


def life_pods():
    v = [mount("v", "/v")]
    side = box("side", "echo side >>/v/order; trap 'echo ends; exit 0' TERM; while :; do sleep 0.1; done",
               volumeMounts=v, restartPolicy="Always", startupProbe=exec_probe("test -f /v/order", failureThreshold=30))
    yield pod("sidecar", box("c", "cat /v/order; echo main", volumeMounts=v), grace=5, initContainers=[side], volumes=[EMPTY])
    hook = {"postStart": {"exec": {"command": ["/bin/sh", "-c", "echo $(id -u):$(id -G) >/v/hook; ls -ldn /v >>/v/hook"]}}}
    yield pod("hooked", box("c", "until [ -s /v/hook ]; do sleep 0.1; done; cat /v/hook /etc/hosts; ps; exec sleep 1000",
                            volumeMounts=v, lifecycle=hook), volumes=[EMPTY], shareProcessNamespace=True,
              securityContext={"runAsUser": 1000, "fsGroup": 2000, "supplementalGroups": [3000]},
              hostAliases=[{"ip": "10.9.8.7", "hostnames": ["elsewhere"]}])
    yield pod("rooted", box("c", "echo never", securityContext={"runAsNonRoot": True}))
    yield pod("late", box("c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"), activeDeadlineSeconds=3, grace=1)
    yield pod("last-words", box("c", "echo from the log; exit 1", terminationMessagePolicy="FallbackToLogsOnError"))
    yield pod("changes", box("c", "echo started; " + SLEEP), restart="Always")


def deployment(name):
    one = pod(name, box("c", SLEEP), restart="Always")
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"owner": name}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": one["spec"]}}}


def all_objects(host):
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
           "data": {"colour": "red\n", "shape": "round\n"}}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secrets"}, "stringData": {"text": "plain\n"},
           "data": {"password": base64.b64encode(b"hidden\n").decode()}}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "held"},
           "spec": {"selector": {"app": "held"}, "ports": [{"port": 80}]}}
    yield from log_pods()
    yield environment_pod()
    yield from end_pods()
    yield from limit_pods()
    yield from stop_pods(host)
    yield volume_pod(host)
    yield from probe_pods(host)
    yield from life_pods()
    for how in ("orphan", "foreground", "background"):
        yield deployment(how)


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    host = tmp_path_factory.mktemp("host")
    cluster.kubectl("create", "namespace", NS)
    wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, all_objects(str(host)))))
    wait_for(lambda: "waiting" not in status(cluster, "talk", "talk").get("state", {"waiting": 0}), 60, "start of talk")
    followed = cluster.out("logs", "-n", NS, "talk", "-c", "talk", "-f")
    yield types.SimpleNamespace(host=host, followed=followed)
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


# ---- looking ----

def get(cluster, name):
    return cluster.get("pod", NS, name)


def status(cluster, name, container="c", kind="containerStatuses"):
    found = get(cluster, name)["status"].get(kind) or []
    return next((s for s in found if s["name"] == container), {})


def phase(cluster, name, *wanted):
    return wait_for(lambda: (lambda p: p["status"]["phase"] in wanted and p)(get(cluster, name)),
                    60, f"{name} {' or '.join(wanted)}")


def running(cluster, name):
    wait_for(lambda: "running" in status(cluster, name).get("state", {}), 60, f"running {name}")
    return get(cluster, name)


def logs(cluster, name, *more, **named):
    return cluster.out("logs", "-n", NS, name, *more, **named)


def refused(cluster, *arguments):
    done = cluster.kubectl(*arguments, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr.strip()


def log_path(name, query):
    return f"/api/v1/namespaces/{NS}/pods/{name}/log?{query}"


LINES = [f"line {i}" for i in range(1, 6)] + ["to stderr"]


# ---- logs ----

def test_log_options(cluster, world):
    assert world.followed.splitlines() == LINES, "followed to the end"
    phase(cluster, "talk", "Succeeded")
    one = ("-c", "talk")
    assert logs(cluster, "talk", *one).splitlines() == LINES
    assert logs(cluster, "talk", *one, "--tail=2").splitlines() == LINES[-2:]
    assert logs(cluster, "talk", *one, "--tail=0") == ""
    assert logs(cluster, "talk", *one, "--limit-bytes=8") == "line 1\nl"
    assert logs(cluster, "talk", *one, "--since=1h").splitlines() == LINES
    stamped = logs(cluster, "talk", *one, "--timestamps").splitlines()
    assert [s.split(" ", 1)[1] for s in stamped] == LINES
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z ", s) for s in stamped), stamped
    fourth = stamped[3].split(" ")[0]
    since = logs(cluster, "talk", *one, f"--since-time={fourth}").splitlines()
    # metav1.Time has whole seconds: kubectl cuts the rest off.
    second = fourth.split(".")[0]
    assert since == [l for l, s in zip(LINES, stamped) if s.split(".")[0] >= second]
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert logs(cluster, "talk", *one, f"--since-time={later}") == ""
    together = logs(cluster, "talk", "--all-containers", "--prefix")
    assert "[pod/talk/other] another" in together and "[pod/talk/talk] line 1" in together


def test_log_errors(cluster, world):
    assert refused(cluster, "logs", "-n", NS, "talk", "-c", "talk", "-p") == (
        'Error from server (BadRequest): previous terminated container "talk" in pod "talk" not found')
    assert refused(cluster, "get", "--raw", log_path("talk", "container=nope")) == (
        "Error from server (BadRequest): container nope is not valid for pod talk")
    assert refused(cluster, "get", "--raw", log_path("talk", "")) == (
        "Error from server (BadRequest): a container name must be specified for pod talk, choose one of: [talk other]")
    assert refused(cluster, "get", "--raw", log_path("talk", "container=talk&tailLines=-1")) == (
        'The PodLogOptions "talk" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0')
    assert "container nope is not valid for pod talk" in refused(cluster, "logs", "-n", NS, "talk", "-c", "nope")
    assert refused(cluster, "logs", "-n", NS, "absent") == (
        f'error: error from server (NotFound): pods "absent" not found in namespace "{NS}"')
    wait_for(lambda: "waiting" in status(cluster, "waits").get("state", {}), 30, "waiting container")
    wait_for(lambda: re.fullmatch(
        r'Error from server \(BadRequest\): container "c" in pod "waits" is waiting to start: '
        r"(image can't be pulled|trying and failing to pull image)",
        refused(cluster, "logs", "-n", NS, "waits")), 30, "upstream's words")


def test_restart_and_previous_log(cluster, world):
    wait_for(lambda: status(cluster, "again").get("restartCount") == 1 and
             "running" in status(cluster, "again")["state"], 60, "restart")
    ended = status(cluster, "again")["lastState"]["terminated"]
    assert ended["exitCode"] == 3 and ended["reason"] == "Error" and ended["message"] == "because\n"
    assert logs(cluster, "again", "-p") == "run 0\n"
    assert logs(cluster, "again") == "run 1\n"


# ---- command and environment ----

def test_environment(cluster, world):
    one = phase(cluster, "env", "Succeeded")
    text = logs(cluster, "env")
    lines = text.splitlines()
    assert "said hello $(NOPE) $(GREETING)" in lines
    address = one["status"]["podIP"]
    expected = {
        "GREETING": "hello", "BOTH": "hello-$(NOPE)-$(GREETING)", "POD": "env", "NAMESPACE": NS,
        "UID_": one["metadata"]["uid"], "IP": address, "HOST": one["status"]["hostIP"], "NODE": f"node{cluster.number}",
        "ACCOUNT": "default", "LABEL": "env", "COLOUR": "red", "S_shape": "round", "S_colour": "red",
        "PASSWORD": "hidden", "password": "hidden", "text": "plain", "CPU": "300", "MEMORY": "24",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443", "HELD_SERVICE_PORT": "80"}
    assert {f"{k}={v}" for k, v in expected.items()} <= set(lines), text
    assert not any(l.startswith("ABSENT=") for l in lines)
    assert {"at /etc", "user 1234:2345", "name env", "# Kubernetes-managed hosts file."} <= set(lines), text
    assert re.search(rf"^{re.escape(address)}\s+env$", text, re.M), text
    assert f"search {NS}.svc.cluster.local svc.cluster.local cluster.local" in text
    assert f"nameserver 10.{61 + 2 * cluster.number}.0.10" in text and "options ndots:5" in text


# ---- limits ----

def cgroup_of(container_id, controller, file_v1, file_v2):
    """The text of a limit of the container's process, and of its pod's."""
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            paths = (comm.parent / "cgroup").read_text()
        except OSError:
            continue
        if container_id not in paths:
            continue
        for line in paths.splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                folder = pathlib.Path("/sys/fs/cgroup") / controller / path.lstrip("/")
                return [(f / file_v1).read_text().strip() for f in (folder, folder.parent)]
        folder = pathlib.Path("/sys/fs/cgroup") / paths.strip().split("::")[-1].lstrip("/")
        return [(f / file_v2).read_text().strip() for f in (folder, folder.parent)]
    raise AssertionError(f"no process of {container_id}")


def test_limits_reach_the_cgroups(cluster, world):
    seen = {}
    for name in ("guaranteed", "burstable", "besteffort"):
        one = running(cluster, name)
        container = one["status"]["containerStatuses"][0]["containerID"].split("//")[1]
        seen[name] = (one["status"]["qosClass"],
                      cgroup_of(container, "memory", "memory.limit_in_bytes", "memory.max"),
                      cgroup_of(container, "cpu", "cpu.shares", "cpu.weight"),
                      cgroup_of(container, "cpu", "cpu.cfs_quota_us", "cpu.max"))
    v1 = not pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert [seen[n][0] for n in seen] == ["Guaranteed", "Burstable", "BestEffort"]
    assert seen["guaranteed"][1] == [str(64 << 20)] * 2
    assert seen["burstable"][1] == [str(32 << 20)] * 2
    assert int(seen["besteffort"][1][0]) > 1 << 50 if v1 else seen["besteffort"][1][0] == "max"
    if v1:
        assert [seen[n][2][0] for n in seen] == ["256", "102", "2"]
        assert [seen[n][2][1] for n in seen] == ["256", "102", "2"]
        assert [seen[n][3][0] for n in seen] == ["25000", "-1", "-1"]
    else:
        assert seen["guaranteed"][3] == ["25000 100000"] * 2


# ---- ends ----

def test_phases(cluster, world):
    def terminated(name, container="c", kind="containerStatuses"):
        return status(cluster, name, container, kind)["state"]["terminated"]
    good = phase(cluster, "good", "Succeeded", "Failed")
    assert good["status"]["phase"] == "Succeeded"
    assert terminated("good")["reason"] == "Completed" and terminated("good")["exitCode"] == 0
    conditions = {c["type"]: (c["status"], c.get("reason")) for c in good["status"]["conditions"]}
    assert conditions["Ready"] == ("False", "PodCompleted") == conditions["ContainersReady"]
    assert conditions["Initialized"] == ("True", "PodCompleted")
    assert phase(cluster, "bad", "Succeeded", "Failed")["status"]["phase"] == "Failed"
    assert terminated("bad")["exitCode"] == 7 and terminated("bad", "fine")["exitCode"] == 0
    assert phase(cluster, "retried", "Succeeded", "Failed")["status"]["phase"] == "Succeeded"
    assert status(cluster, "retried")["restartCount"] == 1
    assert phase(cluster, "greedy", "Failed")
    assert terminated("greedy")["reason"] == "OOMKilled", terminated("greedy")
    table = cluster.out("get", "pods", "-n", NS)
    assert re.search(r"^good +0/1 +Completed +0 ", table, re.M) and re.search(r"^bad +0/2 +Error +0 ", table, re.M)
    assert re.search(r"^greedy +0/1 +OOMKilled ", table, re.M), table
    assert re.search(r"^no-init +0/1 +Init:Error ", table, re.M), table


def test_init_containers(cluster, world):
    phase(cluster, "inits", "Succeeded")
    assert logs(cluster, "inits") == "first\nsecond\nmain\n"
    first = status(cluster, "inits", "first", "initContainerStatuses")["state"]["terminated"]
    second = status(cluster, "inits", "second", "initContainerStatuses")["state"]["terminated"]
    assert first["reason"] == "Completed" and first["finishedAt"] <= second["startedAt"]
    assert phase(cluster, "no-init", "Succeeded", "Failed")["status"]["phase"] == "Failed"
    assert status(cluster, "no-init", "breaks", "initContainerStatuses")["state"]["terminated"]["exitCode"] == 4
    assert status(cluster, "no-init")["state"]["waiting"]["reason"] == "PodInitializing"
    assert 'is waiting to start: PodInitializing' in refused(cluster, "logs", "-n", NS, "no-init", "-c", "c")


def delete(cluster, name):
    start = time.monotonic()
    cluster.kubectl("delete", "pod", "-n", NS, name, "--timeout=30s")
    return time.monotonic() - start


def test_graceful_end(cluster, world):
    wait_for(lambda: (world.host / "up").exists(), 60, "running pod")
    took = delete(cluster, "polite")
    assert (world.host / "end").read_text() == "hook\nbye\n"
    assert took < 10


def test_grace_period_is_a_limit(cluster, world):
    for name in ("stubborn", "at-once"):
        wait_for(lambda: logs(cluster, name) == "deaf\n", 60, "deaf pod")
    took = delete(cluster, "stubborn")
    assert 1.5 < took < 9, took
    container = status(cluster, "at-once")["containerID"].split("//")[1]
    took = delete(cluster, "at-once")
    assert took < 5, took

    def gone():
        try:
            return not cgroup_of(container, "memory", "memory.limit_in_bytes", "memory.max")
        except AssertionError:
            return True
    wait_for(gone, 10, "end of its process")


def test_sidecar(cluster, world):
    phase(cluster, "sidecar", "Succeeded")
    assert logs(cluster, "sidecar", "-c", "c") == "side\nmain\n"
    assert logs(cluster, "sidecar", "-c", "side") == "ends\n"


def test_hooks_and_identity(cluster, world):
    wait_for(lambda: "sleep 1000" in logs(cluster, "hooked"), 60, "log of hooked")
    lines = logs(cluster, "hooked").splitlines()
    user, groups = lines[0].split(":")
    assert user == "1000" and {"2000", "3000"} <= set(groups.split())
    mode, _, owner, group = lines[1].split()[:4]
    assert (mode, owner, group) == ("drwxrwsrwx", "0", "2000")
    assert "10.9.8.7\telsewhere" in lines and any("pause" in l for l in lines), lines
    wait_for(lambda: "waiting" in status(cluster, "rooted").get("state", {}), 30, "refusal")
    waiting = status(cluster, "rooted")["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"].startswith("container has runAsNonRoot and image will run as root"), waiting


def test_deadline(cluster, world):
    one = phase(cluster, "late", "Failed", "Succeeded")
    assert one["status"]["phase"] == "Failed" and one["status"]["reason"] == "DeadlineExceeded"
    assert one["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    phase(cluster, "last-words", "Failed")
    assert status(cluster, "last-words")["state"]["terminated"]["message"] == "from the log\n"


def test_new_image_restarts_the_container(cluster, world):
    running(cluster, "changes")
    cluster.kubectl("set", "image", "-n", NS, "pod/changes", "c=nginx:1.9.1")
    wait_for(lambda: status(cluster, "changes").get("restartCount") == 1 and
             "running" in status(cluster, "changes")["state"], 30, "restart")
    assert status(cluster, "changes")["image"].endswith("nginx:1.9.1")
    assert "definition changed, will be restarted" in cluster.out("describe", "pod", "-n", NS, "changes")


# ---- volumes ----

def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def ask(cluster, token, path):
    request = urllib.request.Request(f"https://127.0.0.1:{cluster.port}{path}", headers={"authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_volumes(cluster, world):
    wait_for(lambda: "running" in status(cluster, "volumes", "reads").get("state", {}), 60, "running volumes")
    one = ("-c", "reads")
    wait_for(lambda: "now red first red" in logs(cluster, "volumes", *one), 60, "what the volumes show")
    lines = logs(cluster, "volumes", *one).splitlines()
    assert lines[:8] == ["on disk", "in memory", "red", "red", "mode 400", "mode 440", "hidden", "plain"]
    assert lines[8:10] == ['app="volumes"', "red"]
    assert lines[10:15] == ["colour", "password", "shape", "text", "vault"]
    assert lines[15].startswith("tmpfs /mem tmpfs ") and "size=8192k" in lines[15]
    assert lines[16] == NS and lines[19:21] == ["1", "read-only"]
    account = f"system:serviceaccount:{NS}:default"
    mine, vault = claims(lines[17]), claims(lines[18])
    assert mine["sub"] == vault["sub"] == account
    assert mine["kubernetes.io"]["pod"]["name"] == "volumes" and mine["kubernetes.io"]["node"]["name"] == f"node{cluster.number}"
    assert vault["aud"] == ["vault"] and vault["exp"] - vault["iat"] == 600
    assert ask(cluster, lines[17], "/api")[0] == 200
    code, text = ask(cluster, lines[17], f"/api/v1/namespaces/{NS}/pods")
    assert code == 403 and f'User \\"{account}\\" cannot list resource \\"pods\\"' in text
    assert ask(cluster, lines[18], "/api")[0] == 401, "an audience that is not the API's"
    assert (world.host / "made/seen").exists()


def test_volumes_follow_their_sources(cluster, world):
    wait_for(lambda: "running" in status(cluster, "volumes", "reads").get("state", {}), 60, "running volumes")
    wait_for(lambda: "now red first red" in logs(cluster, "volumes", "-c", "reads"), 60, "first content")
    cluster.kubectl("patch", "configmap", "-n", NS, "settings", "-p", '{"data":{"colour":"blue\\n"}}')
    # A change of the pod has its volumes looked at now, not within a minute; subPath stays as it was.
    cluster.kubectl("annotate", "pod", "-n", NS, "volumes", "note=second", "--overwrite")
    wait_for(lambda: "now blue second red" in logs(cluster, "volumes", "-c", "reads"), 30, "new content")


# ---- probes, conditions, network ----

def test_readiness_holds_endpoints_back(cluster, world):
    address = running(cluster, "held")["status"]["podIP"]

    def endpoint():
        slices = json.loads(cluster.out("get", "endpointslices", "-n", NS, "-l", "kubernetes.io/service-name=held",
                                        "-o", "json"))["items"]
        found = [e for s in slices for e in s.get("endpoints") or []]
        return found and found[0]
    before = wait_for(endpoint, 20, "endpoint")
    assert before["addresses"] == [address] and before["conditions"]["ready"] is False
    conditions = {c["type"]: c for c in get(cluster, "held")["status"]["conditions"]}
    assert conditions["Ready"]["reason"] == "ContainersNotReady"
    assert conditions["Ready"]["message"] == "containers with unready status: [c]"
    (world.host / "ready").touch()
    wait_for(lambda: endpoint()["conditions"]["ready"], 20, "ready endpoint")
    conditions = {c["type"]: c["status"] for c in get(cluster, "held")["status"]["conditions"]}
    assert conditions == dict.fromkeys(["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
                                        "PodScheduled"], "True")
    (world.host / "ready").unlink()
    wait_for(lambda: not endpoint()["conditions"]["ready"], 20, "unready endpoint")


def test_liveness_restarts(cluster, world):
    wait_for(lambda: status(cluster, "dies").get("restartCount", 0) >= 1, 60, "restart")
    assert status(cluster, "dies")["lastState"]["terminated"]["exitCode"] == 137
    described = cluster.out("describe", "pod", "-n", NS, "dies")
    assert "Liveness probe failed: cat: can't open '/tmp/alive'" in described
    assert "Container c failed liveness probe, will be restarted" in described


def test_http_and_tcp_probes(cluster, world):
    wait_for(lambda: status(cluster, "site").get("ready"), 60, "ready site")
    assert status(cluster, "site")["restartCount"] == 0


def test_host_network(cluster, world):
    one = running(cluster, "host-network")
    assert one["status"]["podIP"] == one["status"]["hostIP"]
    wait_for(lambda: cluster.bridge in logs(cluster, "host-network"), 20, "the node's links")


def test_describe_node(cluster, world):
    text = cluster.out("describe", "node", f"node{cluster.number}")
    for part in ("Roles:", "HolderIdentity:  " + f"node{cluster.number}", "KubeletReady", "KubeletHasSufficientMemory", "Capacity:",
                 "Allocatable:", "Container Runtime Version:  containerd://", "Kubelet Version:            v1.35",
                 "PodCIDR:", "Non-terminated Pods:", "Allocated resources:", "InternalIP:", "Taints:             <none>",
                 "Unschedulable:      false", "guaranteed"):
        assert part in text, f"no {part!r} in:\n{text}"
    assert re.search(r"guaranteed +250m \(\d+%\) +250m \(\d+%\) +64Mi \(\d+%\) +64Mi", text), text


# ---- what goes with an owner ----

def owned(cluster, name):
    found = json.loads(cluster.out("get", "rs,pods", "-n", NS, "-l", f"app={name}", "-o", "json"))["items"]
    return [o for o in found if "deletionTimestamp" not in o["metadata"]]


def test_cascades(cluster, world):
    for how in ("orphan", "foreground", "background"):
        wait_for(lambda: len(owned(cluster, how)) == 2, 30, f"pod of {how}")
    for how in ("orphan", "foreground", "background"):
        cluster.kubectl("delete", "deployment", "-n", NS, how, f"--cascade={how}", "--timeout=30s")
        if how == "foreground":
            assert owned(cluster, how) == [], "dependents go first"
    wait_for(lambda: owned(cluster, "background") == [], 30, "background deletion")
    left = owned(cluster, "orphan")
    assert {o["kind"] for o in left} == {"ReplicaSet", "Pod"}
    for one in left:
        owners = [o["kind"] for o in one["metadata"].get("ownerReferences", [])]
        assert owners == ([] if one["kind"] == "ReplicaSet" else ["ReplicaSet"])
