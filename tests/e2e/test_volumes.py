"""Volumes of pods on a real runtime: what they show and to whom, what follows its source, what is refused and in which
words, and what pods do to them that a node has to stand.

The pods of `world` are created at once in one namespace; each test looks at its own.
"""
import base64
import ctypes
import json
import os
import pathlib
import subprocess
import tempfile
import time
import types

import pytest

from cluster import Cluster, wait_for

NS = "t-volumes"
SLEEP = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
ROOT = os.geteuid() == 0


def box(script, name="c", **more):
    return {"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", script], **more}


def pod(name, *containers, volumes=(), restart="Never", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"restartPolicy": restart, "terminationGracePeriodSeconds": 1, "containers": list(containers),
                     "volumes": list(volumes), **spec}}


def mount(volume, path, **more):
    return {"name": volume, "mountPath": path, **more}


def host_path(name, path, kind=""):
    return {"name": name, "hostPath": {"path": str(path), "type": kind}}


# ---- the pods ----

def modes_pod():
    """Everything that is written for a pod, seen by a user who is no member of root."""
    volumes = [
        {"name": "empty", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory"}},
        {"name": "map", "configMap": {"name": "map", "defaultMode": 0o400}},
        {"name": "items", "configMap": {"name": "map", "items": [{"key": "bytes", "path": "deep/er", "mode": 0o604}]}},
        {"name": "later", "configMap": {"name": "later", "optional": True}},
        {"name": "no-key", "secret": {"secretName": "secret", "optional": True, "items": [
            {"key": "none", "path": "none"}, {"key": "word", "path": "word"}]}},
        {"name": "all", "projected": {"sources": [
            {"secret": {"name": "secret", "items": [{"key": "word", "path": "s/word"}]}},
            {"downwardAPI": {"items": [
                {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}},
                {"path": "memory", "resourceFieldRef": {"containerName": "c", "resource": "limits.memory"}},
                {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}]}}]
    script = ("cd /; for f in empty memory map map/word items/deep items/deep/er all/token all/s/word; do"
              " stat -L -c \"$f %a %u:%g\" $f; done; id -G;"
              "touch /empty/mine; stat -c 'mine %g' /empty/mine; grep ' /memory ' /proc/mounts;"
              "cat /map/word /items/deep/er /all/s/word /all/name; echo; cat /all/cpu; echo; cat /all/memory; echo;"
              "ls /later /no-key; cat /no-key/word; test -r /all/token && echo token;"
              "echo x 2>/dev/null >/map/new || echo read-only; touch /map/nested/ok && echo nested;"
              "grep -c ' /all tmpfs ' /proc/mounts;" + SLEEP)
    mounts = [mount(v["name"], "/" + v["name"]) for v in volumes] + [mount("empty", "/map/nested")]
    one = box(script, volumeMounts=mounts, resources={"limits": {"cpu": "250m", "memory": "48Mi"}})
    return pod("modes", one, volumes=volumes, securityContext={
        "runAsUser": 1000, "runAsGroup": 1500, "fsGroup": 2000, "supplementalGroups": [3000],
        "fsGroupChangePolicy": "OnRootMismatch"})


def sub_path_pod():
    volumes = [{"name": "v", "emptyDir": {}}, {"name": "map", "configMap": {"name": "map"}}]
    fill = box("umask 0; mkdir -p /v/a; echo inside >/v/a/file; ln -s a /v/link; ln -s /etc /v/out; ln -s ../../../.. /v/up;"
               "cat /v/n 2>/dev/null || echo 0 >/v/n", "fill", volumeMounts=[mount("v", "/v")])
    env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    reads = box("cat /dir/file /file /linked/file; cat /word; ls -d /made; echo x >/expr/y; echo end >/v/end;"
                "n=$(cat /v/n); echo $((n+1)) >/v/n; echo run $n; [ $n != 0 ] || exit 1;" + SLEEP, env=env,
                volumeMounts=[mount("v", "/dir", subPath="a"), mount("v", "/file", subPath="a/file"),
                              mount("v", "/linked", subPath="link"), mount("v", "/made", subPath="new/er"),
                              mount("v", "/expr", subPathExpr="$(POD)/x"), mount("map", "/word", subPath="word"),
                              mount("v", "/v")])
    outs = [box("cat /x/passwd", f"out{i}", volumeMounts=[mount("v", "/x", subPath=path)])
            for i, path in enumerate(["out", "up/etc", "out/new"])]
    outs.append(box("true", "unset", volumeMounts=[mount("v", "/x", subPathExpr="$(NOPE)")]))
    told = [{"name": "TOLD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['told']"}}}]
    outs.append(box("echo x >/x/mine;" + SLEEP, "told", env=told, volumeMounts=[mount("v", "/x", subPathExpr="$(TOLD)")]))
    one = pod("sub-paths", reads, *outs, volumes=volumes, initContainers=[fill], restart="Always")
    one["metadata"]["annotations"] = {"told": "/etc"}
    return one


def follow_pod():
    volumes = [{"name": "all", "projected": {"sources": [
        {"configMap": {"name": "changes"}}, {"secret": {"name": "changes"}},
        {"configMap": {"name": "comes", "optional": True}}]}}]
    watch = ("last=; while :; do now=\"$(cat /all/* 2>/dev/null | tr '\\n' ' ')\"; [ \"$now\" = \"$last\" ] || echo \"now $now\";"
             "last=$now; sleep 0.05; done")
    return pod("follows", box(watch, volumeMounts=[mount("all", "/all")]), volumes=volumes)


def hostile_pod(host):
    """Leaves in its volume what whoever cleans up could stumble over."""
    script = ("cd /v; ln -s /host host; ln -s ../../../../../.. up; mkdir 'new\nline' ./-rf; touch 'a\nb' '*' '-r' '..x';"
              "mkfifo fifo; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done; touch deep; cd /v;"
              "mkdir many; cd many; i=0; while [ $i -lt 3000 ]; do : >$i; i=$((i+1)); done; cd /v;"
              "mkdir fixed; touch fixed/file; chattr +i fixed/file fixed; chattr +a many/1; chmod 0 d; echo left;" + SLEEP)
    return pod("hostile", box(script, volumeMounts=[mount("v", "/v"), mount("h", "/host")],
                              securityContext={"privileged": True}),
               volumes=[{"name": "v", "emptyDir": {}}, host_path("h", host)])


REFUSED = {
    "no-map": ({"configMap": {"name": "nope"}}, 'configmap "nope" not found'),
    "no-key": ({"configMap": {"name": "map", "items": [{"key": "k", "path": "p"}]}},
               "configmap references non-existent config key: k"),
    "no-secret": ({"secret": {"secretName": "nope"}}, 'secret "nope" not found'),
    "no-secret-key": ({"secret": {"secretName": "secret", "items": [{"key": "k", "path": "p"}]}},
                      "references non-existent secret key: k"),
    "two": ({"projected": {"sources": [{"configMap": {"name": "nope"}}, {"secret": {"name": "nope"}}]}},
            '[configmap "nope" not found, secret "nope" not found]'),
    "huge": ({"emptyDir": {"medium": "HugePages"}},
             "medium HugePages: hugePages storage requested, but there is no resource request for huge pages"),
    "no-dir": ({"hostPath": {"path": "/nonexistent", "type": "Directory"}},
               "hostPath type check failed: /nonexistent is not a directory"),
    "no-file": ({"hostPath": {"path": "/etc", "type": "FileOrCreate"}}, "hostPath type check failed: /etc is not a file"),
    "no-socket": ({"hostPath": {"path": "/etc/passwd", "type": "Socket"}},
                  "hostPath type check failed: /etc/passwd is not a socket file"),
    "no-char": ({"hostPath": {"path": "/etc/passwd", "type": "CharDevice"}},
                "hostPath type check failed: /etc/passwd is not a character device"),
    "no-block": ({"hostPath": {"path": "/dev/null", "type": "BlockDevice"}},
                 "hostPath type check failed: /dev/null is not a block device"),
    "git": ({"gitRepo": {"repository": "https://example.invalid/x"}}, "git-repo volume plugin has been disabled"),
    "csi": ({"csi": {"driver": "none.example.com"}},
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name none.example.com not found in the "
            "list of registered CSI drivers"),
    "image": ({"image": {"reference": "example.invalid/x:1"}},
              "image volumes are not supported by this kubelet: its container runtime can't mount images"),
}
UNPROCESSED = {
    "nfs": ({"nfs": {"server": "192.0.2.1", "path": "/"}}, "nfs volumes are not supported by this kubelet"),
    "claim": ({"persistentVolumeClaim": {"claimName": "none"}},
              f"error processing PVC {NS}/none: PersistentVolumeClaims are not supported by this kubelet yet"),
}


def refused_pods(node):
    """A few volumes each: the eleventh event of a kind would be combined with others."""
    volumes = [{"name": name, **source} for name, (source, _) in {**UNPROCESSED, **REFUSED}.items()]
    for i in range(0, len(volumes), 5):
        # Past the scheduler, which waits for the claim.
        some = volumes[i:i + 5]
        yield pod(f"refused-{i // 5}", box("true", volumeMounts=[mount(v["name"], "/" + v["name"]) for v in some]),
                  volumes=some, nodeName=node)
    # What no container mounts is nobody's business.
    yield pod("unused", box("echo ran"), nodeName=node, volumes=[{"name": "u", **REFUSED["no-dir"][0]}])


def limit_pods():
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]
    grows = "trap '' TERM; dd if=/dev/zero of=/v/x bs=100k count=30 2>/dev/null; while :; do sleep 0.1; done"
    yield pod("grows", box(grows, volumeMounts=[mount("v", "/v")]), volumes=volumes)
    yield pod("behaves", box("dd if=/dev/zero of=/v/x bs=100k count=8 2>/dev/null;" + SLEEP,
                             volumeMounts=[mount("v", "/v")]), volumes=volumes)


def storage(limit):
    return {"resources": {"limits": {"ephemeral-storage": limit}}}


def storage_pods():
    """Files of the pod that are no volumes: the one that all containers share, and a container's own."""
    hosts = "dd if=/dev/zero of=/etc/hosts bs=100k count=30 2>/dev/null;" + SLEEP
    yield pod("fills-hosts", box(hosts, **storage("2Mi")))
    layer = "dd if=/dev/zero of=/x bs=100k count=30 2>/dev/null;" + SLEEP
    yield pod("fills-layer", box(layer, **storage("2Mi")), box(SLEEP, "other", **storage("100Mi")))


def propagation_pods(shared):
    volumes = [host_path("h", shared, "Directory")]
    for name, mode in (("none", "None"), ("to-container", "HostToContainer")):
        look = f"touch /h/{name}; until [ -f /h/mounted ]; do sleep 0.1; done; sleep 1; ls /h/m; echo looked;" + SLEEP
        yield pod(f"prop-{name}", box(look, volumeMounts=[mount("h", "/h", mountPropagation=mode)]), volumes=volumes)
    both = ("mkdir -p /h/m; until [ -f /h/none ] && [ -f /h/to-container ]; do sleep 0.1; done; "
            "mount -t tmpfs t /h/m && touch /h/m/from-pod && touch /h/mounted;"
            "trap 'umount /h/m; exit 0' TERM; while :; do sleep 0.1; done")
    yield pod("prop-both", box(both, volumeMounts=[mount("h", "/h", mountPropagation="Bidirectional")],
                               securityContext={"privileged": True}), volumes=volumes)


def all_objects(world, node):
    for name, data in (("map", {"word": "said\n"}), ("changes", {"a": "one\n"})):
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data,
               "binaryData": {"bytes": base64.b64encode(b"\x01\x02\n").decode()} if name == "map" else {}}
    for name, data in (("secret", {"word": "hidden\n"}), ("changes", {"b": "two\n"})):
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
    yield modes_pod()
    yield sub_path_pod()
    yield follow_pod()
    yield hostile_pod(world.host)
    yield from refused_pods(node)
    yield from limit_pods()
    yield from storage_pods()
    yield from propagation_pods(world.shared)
    rro = [mount("v", "/v", readOnly=True, recursiveReadOnly="Enabled")]
    yield pod("recursive", box("true", volumeMounts=rro), volumes=[{"name": "v", "emptyDir": {}}])
    ifs = [mount("v", "/v", readOnly=True, recursiveReadOnly="IfPossible")]
    yield pod("if-possible", box("touch /v/x 2>/dev/null || echo read-only", volumeMounts=ifs),
              volumes=[{"name": "v", "emptyDir": {}}])


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    one = types.SimpleNamespace(host=tmp_path_factory.mktemp("host"), shared=tmp_path_factory.mktemp("shared"))
    (one.host / "keep").write_text("host's own")
    subprocess.run(["mount", "--bind", one.shared, one.shared], check=True)
    subprocess.run(["mount", "--make-shared", one.shared], check=True)
    try:
        cluster.kubectl("create", "namespace", NS)
        wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
        objects = all_objects(one, f"node{cluster.number}")
        cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
        yield one
        cluster.kubectl("delete", "namespace", NS, "--wait=false")
        wait_for(lambda: not any(pods_of(cluster)), 60, "end of all pods")
    finally:
        subprocess.run(["umount", "-R", "-l", one.shared], check=False)


# ---- looking ----

def pods_of(cluster):
    return cluster.get("pods", NS)["items"]


def status(cluster, name, container="c", ns=NS):
    found = cluster.get("pod", ns, name)["status"].get("containerStatuses") or []
    return next((s for s in found if s["name"] == container), {})


def logs(cluster, name, *more, ns=NS):
    return cluster.kubectl("logs", "-n", ns, name, *more, check=False).stdout


def events(cluster, name, reason, ns=NS):
    found = cluster.get("events", ns)["items"]
    return [e["message"] for e in found if e["involvedObject"]["name"] == name and e["reason"] == reason]


def folder_of(cluster, name, ns=NS):
    return cluster.data / "kubelet/pods" / cluster.get("pod", ns, name)["metadata"]["uid"]


# ---- what volumes show ----

def test_modes_groups_and_contents(cluster, world):
    lines = wait_for(lambda: (lambda l: "nested" in l and l)(logs(cluster, "modes").splitlines()), 60, "log")
    seen = {line.split()[0]: line.split()[1:] for line in lines[:8]}
    assert seen == {"empty": ["2777", "0:2000"], "memory": ["3777", "0:2000"], "map": ["2777", "0:2000"],
                    "map/word": ["440", "0:2000"], "items/deep": ["2755", "0:2000"], "items/deep/er": ["644", "0:2000"],
                    "all/token": ["640", "1000:2000"], "all/s/word": ["644", "0:2000"]}
    assert set(lines[8].split()) == {"1500", "2000", "3000"}
    assert lines[9] == "mine 2000", "what is made in a volume belongs to its group"
    assert "size=49152k" in lines[10], "memory: no more than the pod's limit"
    assert lines[11:17] == ["said", "\x01\x02", "hidden", "modes", "250", str(48 << 20)]
    assert lines[17:] == ["/later:", "", "/no-key:", "word", "hidden", "token", "read-only", "nested", "1"]


def test_sub_paths(cluster, world):
    wait_for(lambda: status(cluster, "sub-paths").get("restartCount") == 1 and
             "running" in status(cluster, "sub-paths")["state"], 60, "second run")
    read = wait_for(lambda: (lambda lines: len(lines) > 5 and lines)(logs(cluster, "sub-paths", "-c", "c").splitlines()),
                    20, "all that it reads")
    assert read == ["inside"] * 3 + ["said", "/made", "run 1"]
    volume = folder_of(cluster, "sub-paths") / "volumes/kubernetes.io~empty-dir/v"
    assert (volume / "sub-paths/x/y").exists() and (volume / "new/er").stat().st_mode & 0o777 == 0o777
    for i in range(3):
        waiting = status(cluster, "sub-paths", f"out{i}")["state"]["waiting"]
        assert waiting == {"reason": "CreateContainerConfigError", "message":
                           f'failed to prepare subPath for volumeMount "v" of container "out{i}"'}
    assert not pathlib.Path("/etc/new").exists()
    waiting = status(cluster, "sub-paths", "unset")["state"]["waiting"]
    assert (waiting["reason"], waiting["message"]) == ("CreateContainerConfigError", "missing value for NOPE")
    for told, why in (("/etc", "error SubPath `/etc` must not be an absolute path"),
                      ("../..", "unable to provision SubPath `../..`: must not contain '..'")):
        cluster.kubectl("annotate", "pod", "-n", NS, "sub-paths", f"told={told}", "--overwrite")
        wait_for(lambda: status(cluster, "sub-paths", "told")["state"]["waiting"]["message"] == why, 30, why)
    cluster.kubectl("annotate", "pod", "-n", NS, "sub-paths", "told=good", "--overwrite")
    wait_for(lambda: (volume / "good/mine").exists(), 30, "start with what it is told now")


def test_changes_arrive_within_seconds(cluster, world):
    wait_for(lambda: "now one two" in logs(cluster, "follows"), 60, "first content")
    start = time.monotonic()
    cluster.kubectl("patch", "configmap", "-n", NS, "changes", "-p", '{"data":{"a":"three\\n"}}')
    wait_for(lambda: "now three two" in logs(cluster, "follows"), 15, "new ConfigMap")
    cluster.kubectl("patch", "secret", "-n", NS, "changes", "-p", '{"stringData":{"b":"four\\n"}}')
    wait_for(lambda: "now three four" in logs(cluster, "follows"), 15, "new Secret")
    cluster.kubectl("create", "configmap", "-n", NS, "comes", "--from-literal=c=five")
    wait_for(lambda: "now three four five" in logs(cluster, "follows"), 15, "optional ConfigMap")
    cluster.kubectl("delete", "configmap", "-n", NS, "comes")
    wait_for(lambda: logs(cluster, "follows").splitlines()[-1] == "now three four ", 15, "end of optional ConfigMap")
    assert time.monotonic() - start < 40, "the look at everything, once a minute, has no part in this"
    # Never a mix of two states: each line is one that was.
    assert set(logs(cluster, "follows").splitlines()) <= {
        "now one two ", "now three two ", "now three four ", "now three four five"}


def test_refusals_say_why(cluster, world):
    wanted = {f'MountVolume.SetUp failed for volume "{name}" : {why}' for name, (_, why) in REFUSED.items()}
    names = " ".join(sorted(UNPROCESSED))
    whys = "; ".join(why for _, why in UNPROCESSED.values())
    wanted.add(f"Unable to attach or mount volumes: unmounted volumes=[{names}], unattached volumes=[], "
               f"failed to process volumes=[{names}]: {whys}")

    def told():
        return {m for i in range(4) for m in events(cluster, f"refused-{i}", "FailedMount")}
    wait_for(lambda: len(told()) >= len(wanted), 60, "events")
    assert told() == wanted
    assert status(cluster, "refused-0")["state"]["waiting"]["reason"] == "ContainerCreating"
    wait_for(lambda: logs(cluster, "unused") == "ran\n", 30, "run without its volume")


def test_recursive_read_only_is_refused_in_words(cluster, world):
    waiting = wait_for(lambda: status(cluster, "recursive")["state"].get("waiting", {}).get("message"), 60, "refusal")
    assert waiting == ('failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, '
                       'but it is not supported by the runtime')
    wait_for(lambda: logs(cluster, "if-possible") == "read-only\n", 60, "a read-only volume")


def test_mount_propagation(cluster, world):
    for name in ("none", "to-container"):
        wait_for(lambda: "looked" in logs(cluster, f"prop-{name}"), 60, f"look of {name}")
    assert "from-pod" not in logs(cluster, "prop-none")
    assert "from-pod" in logs(cluster, "prop-to-container")
    assert (world.shared / "m/from-pod").exists(), "Bidirectional: the host sees it"
    cluster.kubectl("delete", "pod", "-n", NS, "prop-both", "--timeout=30s")
    asked = pod("asks", box("true", volumeMounts=[mount("h", "/h", mountPropagation="Bidirectional")]),
                volumes=[host_path("h", world.shared)])
    done = cluster.kubectl("create", "-n", NS, "-f", "-", stdin=json.dumps(asked), check=False)
    assert "Bidirectional mount propagation is available only to privileged containers" in done.stderr


# ---- what pods do to them ----

def evicted(cluster, name):
    one = wait_for(lambda: (lambda p: p["status"]["phase"] == "Failed" and p)(cluster.get("pod", NS, name)), 60, "eviction")
    assert one["status"]["reason"] == "Evicted"
    assert events(cluster, name, "Evicted") == [one["status"]["message"]]
    return one["status"]["message"]


def test_size_limit_evicts(cluster, world):
    assert evicted(cluster, "grows") == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
    assert "running" in status(cluster, "behaves")["state"]
    wait_for(lambda: not folder_of(cluster, "grows").exists(), 30, "end of its volumes")


def test_cve_2020_8557_what_fills_the_disk_beside_volumes_counts(cluster, world):
    assert evicted(cluster, "fills-hosts") == "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. "
    assert evicted(cluster, "fills-layer") == 'Container c exceeded its local ephemeral storage limit "2Mi". '
    one = cluster.get("pod", NS, "fills-layer")
    logs_of = cluster.data / f"log/pods/{NS}_fills-layer_{one['metadata']['uid']}"
    wait_for(lambda: not logs_of.exists(), 20, "end of its logs, and before them of its containers")
    assert cluster.get("pod", NS, "fills-layer")["status"] == one["status"], "how it ended is still told"


def test_hostile_contents_go_with_the_pod(cluster, world):
    wait_for(lambda: "left" in logs(cluster, "hostile"), 60, "hostile contents")
    folder = folder_of(cluster, "hostile")
    cluster.kubectl("delete", "pod", "-n", NS, "hostile", "--timeout=60s")
    assert not folder.exists()
    assert [p.name for p in world.host.iterdir()] == ["keep"]
    assert (world.host / "keep").read_text() == "host's own"


def test_orphans_of_an_earlier_life_are_removed(cluster, world):
    """A pod's folder without a pod, with mounts and links: of pods that went while the kubelet was down."""
    folder = cluster.data / "kubelet/pods/00000000-dead-4000-8000-000000000000"
    volume = folder / "volumes/kubernetes.io~secret/v"
    bound = folder / "volume-subpaths/v/c/0"
    left_logs = cluster.data / f"log/pods/ns_gone_{folder.name}"
    volume.mkdir(parents=True)
    bound.mkdir(parents=True)
    (left_logs / "c").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", volume], check=True)
    subprocess.run(["mount", "--bind", world.host, bound], check=True)
    (volume / "out").symlink_to(world.host)
    wait_for(lambda: not folder.exists() and not left_logs.exists(), 40, "removal")
    assert (world.host / "keep").read_text() == "host's own"
    assert str(folder) not in pathlib.Path("/proc/mounts").read_text()


class DeadMount:
    """A file system whose server never answers: every call on it hangs."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.server = os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.server},rootmode=40000,user_id=0,group_id=0".encode()
        if libc.mount(b"dead", str(path).encode(), b"fuse", 0, options) != 0:
            raise OSError(ctypes.get_errno(), "mount fuse")

    def end(self):
        os.close(self.server)  # whoever waits is answered: not connected
        subprocess.run(["umount", "-l", self.path], check=True)


def test_dead_mounts_hold_back_nobody_else(cluster, namespace, tmp_path):
    try:
        dead = DeadMount(tmp_path / "dead")
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    try:
        # More of them than the pool has threads.
        stuck = [pod(f"stuck-{i}", box(SLEEP, volumeMounts=[mount("h", "/h")]),
                     volumes=[host_path("h", dead.path / str(i), "Directory")]) for i in range(12)]
        wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin="\n---\n".join(map(json.dumps, stuck)))
        wait_for(lambda: events(cluster, "stuck-0", "FailedMount", namespace), 60, "event")
        assert events(cluster, "stuck-0", "FailedMount", namespace) == [
            f'MountVolume.SetUp failed for volume "h" : hostPath {dead.path}/0 does not answer: still waiting after 10s']
        fine = pod("fine", box("echo fine;" + SLEEP, volumeMounts=[mount("v", "/v")]), volumes=[{"name": "v", "emptyDir": {}}])
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(fine))
        wait_for(lambda: logs(cluster, "fine", ns=namespace) == "fine\n", 30, "a pod beside them")
        node = cluster.get("node", name=f"node{cluster.number}")
        assert [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"] == ["True"]
        cluster.kubectl("delete", "pods", "-n", namespace, "--all", "--timeout=60s")
    finally:
        dead.end()


# ---- a node of its own: a full disk, and a restart with a dead mount ----

@pytest.fixture(scope="module")
def small(images):
    """A node whose folder of pods is on a disk of 4 MB."""
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-") as folder:
        one = Cluster(folder, 1)
        (one.data / "images").mkdir()
        (one.data / "images/busybox.tar").symlink_to(next(images.glob("busybox*.tar")))
        (one.data / "kubelet").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", one.data / "kubelet"], check=True)
        try:
            yield one.start()
        finally:
            one.purge()


def test_a_full_disk_says_so_and_recovers(small, tmp_path):
    create = lambda one: small.kubectl("create", "-f", "-", stdin=json.dumps(one))
    wait_for(lambda: small.get("serviceaccount", "default", "default"), 20, "service account")
    v = {"volumeMounts": [mount("v", "/v")]}
    create(pod("fills", box("dd if=/dev/zero of=/v/x bs=64k 2>&1 | grep -o 'No space.*';" + SLEEP, **v),
               volumes=[{"name": "v", "emptyDir": {}}]))
    wait_for(lambda: "No space left on device" in logs(small, "fills", ns="default"), 60, "full disk")
    create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"x": "x" * 200_000}})
    create(pod("waits", box("while :; do wc -c </v/x; sleep 0.2; done", **v), volumes=[{"name": "v", "configMap": {"name": "big"}}]))
    told = wait_for(lambda: events(small, "waits", "FailedMount", "default"), 60, "event")
    assert any(m.startswith('MountVolume.SetUp failed for volume ') and m.endswith("No space left on device") for m in told), told
    node = small.get("node", name=f"node{small.number}")
    assert [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"] == ["True"]
    small.kubectl("delete", "pod", "fills", "--timeout=30s")
    sizes = lambda: set(logs(small, "waits", ns="default").split())
    wait_for(lambda: sizes() == {"200000"}, 60, "pod that waited")
    dead = None
    try:
        dead = DeadMount(tmp_path / "dead")
        create(pod("stuck", box(SLEEP, volumeMounts=[mount("h", "/h")]), volumes=[host_path("h", dead.path / "x", "Directory")]))
        wait_for(lambda: events(small, "stuck", "FailedMount", "default"), 60, "event")
        assert small.stop() == 0, "an end waits for no dead mount"
        small.start()
        # The volumes of what runs on are the new process's: they follow.
        small.kubectl("patch", "configmap", "big", "-p", '{"data":{"x":"small"}}')
        wait_for(lambda: sizes() == {"200000", "5"}, 30, "new content after a restart")
        assert small.get("pod", "default", "waits")["status"]["containerStatuses"][0]["restartCount"] == 0
    except OSError as error:
        pytest.skip(f"no FUSE here: {error}")
    finally:
        if dead:
            dead.end()
