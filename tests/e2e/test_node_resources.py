"""What a node gives to pods and keeps from them: cgroups, reservations, logs, and pods that want everything.

One cluster with small limits; its pods are created at once (`node`), each test looks at its own.
"""
import gzip
import json
import pathlib
import tempfile

import pytest

from cluster import Cluster, wait_for

NS = "t-resources"
SLEEP = "exec sleep 1000"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
V2 = (CGROUPS / "cgroup.controllers").exists()
MEBIBYTE = 1 << 20


CONFIGURATION = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
                 "allowedUnsafeSysctls": ["kernel.msg*"],
                 "imageGCHighThresholdPercent": 1, "imageGCLowThresholdPercent": 0,
                 "staticPodPath": "manifests"}


class SmallCluster(Cluster):
    """Its node reserves something and keeps little."""

    def arguments(self):
        return [*super().arguments(), "--pod-max-pids", "64", "--system-reserved", "cpu=100m,memory=256Mi",
                "--kube-reserved", "memory=256Mi,pid=100", "--eviction-hard", "memory.available<200Mi",
                "--container-log-max-size", "64Ki", "--container-log-max-files", "3",
                "--container-log-monitor-interval", "3s",
                "--kubelet-config", str(self.folder / "kubelet.yaml")]


def box(script, **more):
    return {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script], **more}


def pod(name, *containers, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": list(containers),
                     **spec}}


def all_pods():
    yield pod("guaranteed", box(SLEEP, resources={"limits": {"cpu": "250m", "memory": "64Mi"}}))
    yield pod("burstable", box(SLEEP, resources={"requests": {"cpu": "100m"}, "limits": {"memory": "32Mi"}}),
              box(SLEEP, resources={"requests": {"cpu": "200m"}}) | {"name": "other"})
    yield pod("besteffort", box(SLEEP))
    yield pod("pod-level", box(SLEEP), resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "48Mi"}})
    yield pod("bomb", box("(while :; do sleep 1000 & done) 2>/dev/null & echo going; " + SLEEP))
    # containerd asks to be told of kills just after the start: be clear of that.
    hog = "sleep 2; echo up; dd if=/dev/zero of=/dev/null bs=200M count=1; echo child $?; " + SLEEP
    yield pod("hog", box(hog, resources={"limits": {"memory": "24Mi"}}),
              box(SLEEP, resources={"limits": {"memory": "24Mi"}}) | {"name": "neighbour"})
    yield pod("talks", box("i=0; while :; do i=$((i+1)); echo \"line $i of very many that say nothing at all\"; "
                           "[ $((i % 200)) != 0 ] || sleep 0.1; done"))
    yield pod("too-large", box(SLEEP, resources={"requests": {"memory": "1000Gi"}}))


def security_pods():
    caps = "grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status"
    yield pod("confined", box(caps + "; id; touch /x 2>&1", securityContext={
        "runAsUser": 1000, "runAsGroup": 1001, "runAsNonRoot": True, "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "seccompProfile": {"type": "RuntimeDefault"}}),
        securityContext={"supplementalGroups": [3000], "fsGroup": 2000})
    for name, capability in (("lower", "net_admin"), ("prefixed", "CAP_NET_ADMIN")):
        yield pod(f"cap-{name}", box(caps, securityContext={"capabilities": {"drop": ["all"], "add": [capability]}}))
    yield pod("open", box(caps + "; cat /proc/sys/kernel/msgmax; ls /dev | grep -c kmsg", securityContext={"privileged": True}),
              securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]})
    yield pod("masked", box("cat /proc/keys | wc -c; touch /proc/sys/kernel/panic 2>&1; "
                            "echo 1 >/proc/sys/kernel/panic; mkdir /d 2>&1 && echo made"))
    yield pod("profile", box("mkdir /d 2>&1; echo end", securityContext={
        "seccompProfile": {"type": "Localhost", "localhostProfile": "deep/no-mkdir.json"}}))
    yield pod("no-profile", box("echo never", securityContext={
        "seccompProfile": {"type": "Localhost", "localhostProfile": "nowhere.json"}}))
    yield pod("root-user", box("echo never", securityContext={"runAsUser": 0}), securityContext={"runAsNonRoot": True})
    yield pod("sysctl", box("cat /proc/sys/net/ipv4/ip_unprivileged_port_start"),
              securityContext={"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]})
    yield pod("bad-sysctl", box("echo never"), securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "9"}]})
    yield pod("armed", box("echo never"), securityContext={"appArmorProfile": {"type": "RuntimeDefault"}})
    yield pod("strict", box("echo never"), securityContext={"supplementalGroupsPolicy": "Strict"})
    yield pod("own-users", box("echo never"), hostUsers=False)
    yield pod("classed", box(SLEEP, resources={"limits": {"cpu": "100m", "memory": "16Mi"}}), runtimeClassName="known")
    yield pod("unhandled", box("echo never"), runtimeClassName="unhandled")


def runtime_class(name, handler, **more):
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler, **more}


NO_MKDIR = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}


@pytest.fixture(scope="module")
def node(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-") as folder:
        one = SmallCluster(folder, 2)
        (one.folder / "kubelet.yaml").write_text(json.dumps(CONFIGURATION))
        (one.folder / "manifests").mkdir()
        (one.data / "images").mkdir()
        (one.data / "images/busybox.tar").symlink_to(next(images.glob("busybox*.tar")))
        try:
            one.start()
            one.kubectl("create", "namespace", NS)
            wait_for(lambda: one.get("serviceaccount", NS, "default"), 20, "service account")
            profile = one.data / "kubelet/seccomp/deep/no-mkdir.json"
            profile.parent.mkdir(parents=True)
            profile.write_text(json.dumps(NO_MKDIR))
            classes = [runtime_class("known", "runc", overhead={"podFixed": {"cpu": "100m", "memory": "8Mi"}}),
                       runtime_class("unhandled", "nobody")]
            objects = [*classes, *all_pods(), *security_pods()]
            one.kubectl("create", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
            yield one
        finally:
            one.purge()


# ---- looking ----

def get(node, name):
    return node.get("pod", NS, name)


def status(node, name, container="c"):
    found = get(node, name)["status"].get("containerStatuses") or []
    return next((s for s in found if s["name"] == container), {})


def running(node, name):
    wait_for(lambda: "running" in status(node, name).get("state", {}), 60, f"running {name}")
    return get(node, name)


def group(node, path, controller):
    return (CGROUPS if V2 else CGROUPS / controller) / f"{node.cgroup_root}{path}".lstrip("/")


def pod_group(node, one, controller):
    tier = {"Guaranteed": "", "Burstable": "/burstable", "BestEffort": "/besteffort"}[one["status"]["qosClass"]]
    return group(node, f"/kubepods{tier}/pod{one['metadata']['uid']}", controller)


def read(folder, name_v1, name_v2):
    return (folder / (name_v2 if V2 else name_v1)).read_text().strip()


def memory_limit(folder):
    text = read(folder, "memory.limit_in_bytes", "memory.max")
    return None if text == "max" or int(text) > 1 << 60 else int(text)


def shares(folder):
    """As cgroup v1 counts them; a weight of v2 is less exact."""
    if V2:
        return ("weight", int((folder / "cpu.weight").read_text()))
    return int((folder / "cpu.shares").read_text())


def as_shares(value):
    return ("weight", 1 + (value - 2) * 9999 // 262142) if V2 else value


def node_object(node):
    return node.get("nodes")["items"][0]


def quantity(text):
    for suffix, factor in (("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("m", 0.001)):
        if text.endswith(suffix):
            return float(text[:-len(suffix)]) * factor
    return float(text)


def node_is_ready(node):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node_object(node)["status"]["conditions"])


def events(node, name):
    return [e for e in node.get("events", NS)["items"] if e["involvedObject"]["name"] == name]


# ---- the tree ----

def test_allocatable_is_what_is_left(node):
    shown = node_object(node)["status"]
    capacity, allocatable = shown["capacity"], shown["allocatable"]
    assert quantity(capacity["memory"]) - quantity(allocatable["memory"]) == 712 * MEBIBYTE
    assert round(quantity(capacity["cpu"]) - quantity(allocatable["cpu"]), 3) == 0.1
    assert quantity(capacity["ephemeral-storage"]) == quantity(allocatable["ephemeral-storage"]), "no threshold for it"
    assert {"hugepages-2Mi", "pods"} <= set(capacity)
    assert wait_for(lambda: [e for e in node.get("events", "default")["items"] if e["reason"] == "NodeAllocatableEnforced"
                             and e["message"] == "Updated Node Allocatable limit across pods"], 20, "event")


def test_groups_of_the_node(node):
    running(node, "burstable")
    capacity = node_object(node)["status"]["capacity"]
    kubepods = group(node, "/kubepods", "memory")
    assert memory_limit(kubepods) == quantity(capacity["memory"]) - 512 * MEBIBYTE, "eviction's part may be used"
    cpu = group(node, "/kubepods", "cpu")
    assert shares(cpu) == as_shares(int((quantity(capacity["cpu"]) * 1000 - 100) * 1024 / 1000))
    assert shares(cpu / "besteffort") == as_shares(2)
    kernel = pathlib.Path("/proc/sys/kernel")
    pids = min(int((kernel / name).read_text()) for name in ("pid_max", "threads-max")) - 100
    assert (group(node, "/kubepods", "pids") / "pids.max").read_text().strip() == str(pids)
    # burstable 300m, pod-level 100m; hog has limits of memory only.
    for name in ("burstable", "pod-level", "hog"):
        wait_for(lambda name=name: pod_group(node, get(node, name), "cpu").is_dir(), 60, f"group of {name}")
    wait_for(lambda: shares(cpu / "burstable") == as_shares(400 * 1024 // 1000), 20, "sum of requests")


def test_groups_of_pods(node):
    one = {name: running(node, name) for name in ("guaranteed", "burstable", "besteffort", "pod-level")}
    limit = {name: memory_limit(pod_group(node, p, "memory")) for name, p in one.items()}
    assert limit == {"guaranteed": 64 * MEBIBYTE, "burstable": None, "besteffort": None, "pod-level": 48 * MEBIBYTE}
    weight = {name: shares(pod_group(node, p, "cpu")) for name, p in one.items()}
    assert weight == {"guaranteed": as_shares(256), "burstable": as_shares(307), "besteffort": as_shares(2),
                      "pod-level": as_shares(102)}
    for p in one.values():
        assert (pod_group(node, p, "pids") / "pids.max").read_text().strip() == "64"
    quota = pod_group(node, one["pod-level"], "cpu")
    assert read(quota, "cpu.cfs_quota_us", "cpu.max").split()[0] == "100000"


def test_pod_that_never_fits_is_not_run(node):
    """The scheduler leaves it; one that is bound by hand is refused."""
    node_name = node_object(node)["metadata"]["name"]
    forced = pod("forced", box(SLEEP, resources={"requests": {"memory": "1000Gi"}}), nodeName=node_name)
    node.kubectl("create", "-f", "-", stdin=json.dumps(forced))
    wait_for(lambda: get(node, "forced")["status"]["phase"] == "Failed", 30, "refusal")
    shown = get(node, "forced")["status"]
    assert shown["reason"] == "OutOfmemory", shown
    assert shown["message"].startswith("Pod was rejected: Node didn't have enough resource: memory, requested: "
                                       f"{1000 << 30}, used: "), shown
    assert get(node, "too-large")["status"]["phase"] == "Pending"


# ---- pods that want everything ----

def test_fork_bomb_is_kept_in_its_pod(node):
    one = running(node, "bomb")
    folder = pod_group(node, one, "pids")
    wait_for(lambda: int((folder / "pids.current").read_text()) > 50, 60, "bomb")
    assert int((folder / "pids.current").read_text()) <= 64
    node.kubectl("create", "-f", "-", stdin=json.dumps(pod("beside-bomb", box("echo still here"))))
    wait_for(lambda: get(node, "beside-bomb")["status"]["phase"] == "Succeeded", 60, "pod beside the bomb")
    assert node_is_ready(node)
    node.kubectl("delete", "pod", "-n", NS, "bomb", "--timeout=60s")
    wait_for(lambda: not folder.exists(), 30, "end of its group")


def test_memory_hog_ends_alone(node):
    """Its child is killed; the container goes on, and so does what is beside it."""
    wait_for(lambda: "child 137" in node.kubectl("logs", "-n", NS, "hog", "-c", "c", check=False).stdout, 60, "kill")
    assert "running" in status(node, "hog", "neighbour")["state"]
    assert status(node, "hog", "neighbour")["restartCount"] == 0
    assert node_is_ready(node)


def log_files(node, name):
    one = get(node, name)
    folder = node.data / f"log/pods/{NS}_{name}_{one['metadata']['uid']}/c"
    return sorted(folder.iterdir())


def test_endless_log_is_bounded_and_followed(node):
    running(node, "talks")
    followed = node.kubectl("logs", "-n", NS, "talks", "--limit-bytes=400000", "-f", timeout=120).stdout.splitlines()
    numbers = [int(line.split()[1]) for line in followed[:-1]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line is lost or told twice"
    wait_for(lambda: any(f.suffix == ".gz" for f in log_files(node, "talks")), 60, "packed log")
    for _ in range(5):
        files = log_files(node, "talks")
        assert len([f for f in files if f.suffix != ".tmp"]) <= 4, files
    packed = next(f for f in log_files(node, "talks") if f.suffix == ".gz")
    assert gzip.decompress(packed.read_bytes()).startswith(b"20")
    node.kubectl("delete", "pod", "-n", NS, "talks", "--timeout=60s")
    wait_for(lambda: not packed.parent.exists(), 30, "end of its logs")


# ---- security contexts ----

def finished_log(node, name):
    wait_for(lambda: "terminated" in status(node, name).get("state", {}), 60, f"end of {name}")
    return node.out("logs", "-n", NS, name)


def test_confined_container(node):
    shown = finished_log(node, "confined")
    assert "CapBnd:\t0000000000000400" in shown and "CapEff:\t0000000000000000" in shown, shown
    assert "NoNewPrivs:\t1" in shown and "Seccomp:\t2" in shown
    assert "uid=1000 gid=1001 groups=1001,2000,3000" in shown
    assert "Read-only file system" in shown


def test_names_of_capabilities_are_the_runtimes(node):
    """Passed on as they are, as upstream; containerd puts CAP_ before them, and runc ignores what it doesn't know."""
    assert "CapBnd:\t0000000000001000" in finished_log(node, "cap-lower")
    assert "CapBnd:\t0000000000000000" in finished_log(node, "cap-prefixed")


def test_open_container(node):
    lines = finished_log(node, "open").splitlines()
    assert "Seccomp:\t0" in lines and int(lines[0].split()[1], 16) > 1 << 30
    assert lines[-2] == "65536" and int(lines[-1]) >= 1


def test_kernel_is_hidden_and_read_only_by_default(node):
    lines = finished_log(node, "masked").splitlines()  # of both streams, in no order
    assert "0" in lines and "made" in lines and any("Read-only file system" in line for line in lines), lines


def test_seccomp_profile_of_the_node(node):
    assert finished_log(node, "profile") == "mkdir: can't create directory '/d': Operation not permitted\nend\n"
    wait_for(lambda: "waiting" in status(node, "no-profile").get("state", {}) and
             status(node, "no-profile")["state"]["waiting"]["reason"] != "ContainerCreating", 60, "refusal")
    waiting = status(node, "no-profile")["state"]["waiting"]
    assert waiting["reason"] in ("CreateContainerError", "RunContainerError") and "nowhere.json" in waiting["message"]


def test_root_is_refused_by_name(node):
    wait_for(lambda: status(node, "root-user").get("state", {}).get("waiting", {}).get("reason") ==
             "CreateContainerConfigError", 60, "refusal")
    message = status(node, "root-user")["state"]["waiting"]["message"]
    assert message.startswith("container's runAsUser breaks non-root policy (pod: \"root-user_t-resources("), message


def test_sysctls(node):
    assert finished_log(node, "sysctl") == "0\n"


@pytest.mark.parametrize("name, reason, message", [
    ("bad-sysctl", "SysctlForbidden", 'forbidden sysctl: "net.core.somaxconn" not allowlisted'),
    ("armed", "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
    ("strict", "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node")])
def test_what_this_node_cannot(node, name, reason, message):
    if name == "armed" and pathlib.Path("/sys/module/apparmor").exists():
        pytest.skip("this host has AppArmor")
    shown = wait_for(lambda: (lambda s: s["phase"] == "Failed" and s)(get(node, name)["status"]), 60, "refusal")
    assert (shown["reason"], shown["message"]) == (reason, f"Pod was rejected: {message}")
    assert any(e["reason"] == reason and e["message"] == message for e in events(node, name))


@pytest.mark.parametrize("name, message", [
    ("own-users", "can't set `spec.hostUsers: false`, runtime does not support user namespaces"),
    ("unhandled", 'no runtime for "nobody" is configured')])
def test_sandbox_that_cannot_be_made(node, name, message):
    wait_for(lambda: [e for e in events(node, name) if e["reason"] == "FailedCreatePodSandBox"], 60, "event")
    told = next(e["message"] for e in events(node, name) if e["reason"] == "FailedCreatePodSandBox")
    assert told.startswith("Failed to create pod sandbox: ") and message in told, told


def test_overhead_of_a_runtime_class_counts(node):
    one = running(node, "classed")
    assert memory_limit(pod_group(node, one, "memory")) == 24 * MEBIBYTE
    assert shares(pod_group(node, one, "cpu")) == as_shares(204)


# ---- critical pods ----

def requested_cpu(node):
    """Of all that runs or will, in thousandths."""
    def of(one):
        spec = one["spec"]
        overhead = quantity(spec.get("overhead", {}).get("cpu", "0"))
        level = spec.get("resources", {}).get("requests", {}).get("cpu")
        each = [c.get("resources", {}).get("requests", {}).get("cpu", "0") for c in spec["containers"]]
        return overhead + (quantity(level) if level else sum(map(quantity, each)))
    found = [p for p in json.loads(node.out("get", "pods", "-A", "-o", "json"))["items"] if p["spec"].get("nodeName")]
    return round(1000 * sum(of(p) for p in found if p["status"]["phase"] in ("Pending", "Running")))


def fill(node, name):
    """A pod that takes all the CPU that is left: how much, in thousandths."""
    for other in ("guaranteed", "burstable", "pod-level", "classed"):
        running(node, other)
    left = round(1000 * quantity(node_object(node)["status"]["allocatable"]["cpu"])) - requested_cpu(node)
    ends = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done"
    filler = pod(name, box(ends, resources={"requests": {"cpu": f"{left}m"}}), terminationGracePeriodSeconds=20)
    node.kubectl("create", "-f", "-", stdin=json.dumps(filler))
    running(node, name)
    return left


def preempted(node, name):
    """Its status, when it had to go; it alone."""
    gone = wait_for(lambda: (lambda s: s["phase"] == "Failed" and s)(get(node, name)["status"]), 30, "end")
    assert (gone["reason"], gone["message"]) == ("Preempting", "Preempted in order to admit critical pod")
    assert gone["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0, "within its grace period"
    target = next(c for c in gone["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "TerminationByKubelet")
    assert target["message"] == "Pod was preempted by Kubelet to accommodate a critical pod."
    told = [e for e in events(node, name) if e["reason"] == "Preempting"]
    assert [e["message"] for e in told] == ["Preempted in order to admit critical pod"] and told[0]["type"] == "Warning"
    assert all("running" in status(node, n)["state"] for n in ("guaranteed", "burstable", "pod-level", "classed"))
    return gone


def test_critical_pod_takes_the_place_of_another(node):
    left = fill(node, "filler")
    # More than any of the others would free.
    critical = pod("critical", box(SLEEP, resources={"requests": {"cpu": f"{left - 50}m"}}),
                   priorityClassName="system-node-critical", nodeName=node_object(node)["metadata"]["name"])
    node.kubectl("create", "-f", "-", stdin=json.dumps(critical))
    running(node, "critical")
    ended = preempted(node, "filler")["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    assert ended <= status(node, "critical")["state"]["running"]["startedAt"], "first the one, then the other"
    node.kubectl("delete", "pod", "-n", NS, "filler", "critical", "--timeout=60s")


def test_critical_static_pod_takes_the_place_of_another(node):
    """A file is enough: nobody asked the scheduler. What is critical itself stays."""
    left = fill(node, "filled")
    static = pod("static", box(SLEEP, resources={"requests": {"cpu": f"{left - 50}m"}}),
                 priorityClassName="system-node-critical")
    static["metadata"]["namespace"] = "kube-system"
    path = node.folder / "manifests/static.json"
    (node.folder / "part.json").write_text(json.dumps(static))
    (node.folder / "part.json").rename(path)
    mirror = f"static-{node_object(node)['metadata']['name']}"

    def runs():
        one = node.get("pod", "kube-system", mirror)
        return one["status"]["phase"] == "Running" and one

    one = wait_for(runs, 60, "mirror of a static pod that runs")
    assert one["spec"]["priority"] == 2000001000 and one["status"]["qosClass"] == "Burstable"
    ended = preempted(node, "filled")["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    assert ended <= one["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    path.unlink()
    wait_for(lambda: node.kubectl("get", "pod", "-n", "kube-system", mirror, check=False).returncode == 1, 30, "its end")
    node.kubectl("delete", "pod", "-n", NS, "filled", "--timeout=60s")


# ---- images ----

def test_images_that_nothing_uses_make_room_and_come_back(node):
    """The disk is always more than 1% full: at the start, when nothing ran, the imported image was removed. The pods of
    the other tests got it from its tarball again."""
    text = node.log.read_text(errors="replace")
    assert text.count("Removed image") == 1, "not what sandboxes are made of"
    assert text.index("Removed image") < text.rindex("busybox.tar")
    told = [e["message"] for e in node.get("events", "default")["items"] if e["reason"] == "FreeDiskSpaceFailed"]
    assert any(m.startswith("Failed to garbage collect required amount of images. Attempted to free ") for m in told), told
