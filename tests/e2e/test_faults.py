"""Bad input and broken surroundings: a clear message, the rest runs on, and it recovers by itself."""
import io
import json
import os
import signal
import subprocess
import tarfile
import time

import pytest

from api_server import ApiServer
from cluster import TIPHYS, wait_for


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    server = ApiServer(tmp_path_factory.mktemp("api")).start()
    server.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                                  "metadata": {"name": "t"}})
    yield server
    assert server.stop() == 0


def config_map(name, data=None):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {}}


MAPS = "/api/v1/namespaces/t/configmaps"


def names(api):
    return [i["metadata"]["name"] for i in api.request("GET", MAPS)[1]["items"]]


@pytest.mark.parametrize("body, content_type, code, text", [
    ("{", "application/json", 400, "unexpected end of JSON input"),
    ("", "application/json", 400, ""),
    ("\x00\xff", "application/json", 400, ""),
    ('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}', "application/json", 400,
     "cannot unmarshal"),
    ('{"apiVersion":"v1","kind":"Nope","metadata":{"name":"x"}}', "application/json", 400, "Nope"),
    ('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"BAD"}}', "application/json", 422,
     "a lowercase RFC 1123 subdomain must consist of"),
    ("[" * 100000, "application/json", 400, ""),
    ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
        f"{c}: &{c} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]" for p, c in zip("abcdefgh", "bcdefghi")),
     "application/yaml", 400, ""),
    ("k8s\x00garbage", "application/vnd.kubernetes.protobuf", 400, ""),
    ("{}", "text/plain", 415, ""),
])
def test_hostile_bytes(api, body, content_type, code, text):
    before = names(api)
    status, answer = api.request("POST", MAPS, body.encode("latin-1"), content_type)
    assert status == code, answer
    assert answer["kind"] == "Status" and answer["status"] == "Failure" and answer["code"] == code
    assert text in answer["message"]
    assert names(api) == before


def test_too_large_body(api):
    status, _ = api.request("POST", MAPS, json.dumps(config_map("big", {"a": "x" * (3 << 20)})))
    assert status == 413
    assert "big" not in names(api)


def test_field_path_in_errors(api):
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "c"}}, "spec": {"containers": [{"name": "C", "image": "x"}]}}}}
    status, answer = api.request("POST", "/apis/apps/v1/namespaces/t/deployments", deployment)
    assert status == 422 and answer["reason"] == "Invalid"
    fields = {c["field"] for c in answer["details"]["causes"]}
    assert fields == {"spec.template.metadata.labels", "spec.template.spec.containers[0].name"}


def test_taken_port(api, tmp_path):
    second = ApiServer(tmp_path)
    second.port = api.port
    done = subprocess.run(second.arguments(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "address already in use" in done.stderr


def test_data_folder_in_use(api, tmp_path):
    second = ApiServer(tmp_path, data=api.data)
    done = subprocess.run(second.arguments(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr


def test_etcd_engine_is_named(tmp_path):
    done = subprocess.run([TIPHYS, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--data-dir",
                           str(tmp_path)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "etcd" in done.stderr


def test_unknown_flag():
    done = subprocess.run([TIPHYS, "kube-apiserver", "--nope"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "unknown flag: --nope" in done.stderr


def test_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(disk)], check=True)
    try:
        server = ApiServer(tmp_path, data=disk).start()
        path = "/api/v1/namespaces/default/configmaps"
        assert server.request("POST", path, config_map("before"))[0] == 201
        with open(disk / "ballast", "wb") as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            except OSError:
                pass
        def refused():
            status, answer = server.request("POST", path, config_map(f"full-{time.monotonic_ns()}",
                                                                      {"a": "x" * 500_000}))
            return status == 500 and answer["message"]
        message = wait_for(refused, 30, "refused write")
        assert "space" in message or "full" in message, message
        assert server.request("GET", path + "/before")[0] == 200, "reads go on"
        assert server.request("GET", "/livez")[0] == 200
        assert server.request("GET", "/readyz/etcd-readiness")[0] == 500
        (disk / "ballast").unlink()
        wait_for(lambda: server.request("POST", path, config_map(f"after-{time.monotonic_ns()}"))[0] == 201,
                 30, "write after the disk has room")
        assert server.request("GET", "/readyz")[0] == 200
        assert server.stop() == 0
        server.start()
        assert server.request("GET", path + "/before")[0] == 200
        server.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


# ---- the node ----

def pod(name, image="busybox:1.36", command="sleep 1000", policy="IfNotPresent"):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 0, "containers": [
            {"name": "c", "image": image, "imagePullPolicy": policy,
             "command": ["/bin/busybox", "sh", "-c", f"exec /bin/busybox {command}"]}]}}


def create(cluster, namespace, body):
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(body))


def phase(cluster, namespace, name):
    return cluster.get("pod", namespace, name)["status"]["phase"]


def containerd_pid(cluster):
    for line in subprocess.run(["pgrep", "-af", "containerd"], capture_output=True, text=True,
                               check=False).stdout.splitlines():
        if str(cluster.data) in line and "containerd-shim" not in line and "tiphys" not in line.split()[1]:
            return int(line.split()[0])
    return None


def lay_image(source, target, name):
    """A copy of an image tarball under another name."""
    with tarfile.open(source) as old, tarfile.open(f"{target}.new", "w") as new:
        for member in old.getmembers():
            data = old.extractfile(member).read() if member.isfile() else b""
            if member.name == "manifest.json":
                manifest = json.loads(data)
                manifest[0]["RepoTags"] = [name]
                data = json.dumps(manifest).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    os.rename(f"{target}.new", target)


def test_missing_image_says_so_and_recovers(cluster, namespace, images):
    create(cluster, namespace, pod("missing", image="example.invalid/not-there:1"))

    def waiting():
        statuses = cluster.get("pod", namespace, "missing")["status"].get("containerStatuses") or [{}]
        return statuses[0].get("state", {}).get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
    wait_for(waiting, 60, "ErrImagePull")
    assert "Failed to pull image" in cluster.out("describe", "pod", "-n", namespace, "missing")
    create(cluster, namespace, pod("other"))
    wait_for(lambda: phase(cluster, namespace, "other") == "Running", 60, "the rest running")
    lay_image(images / "busybox.tar", cluster.data / "images/late.tar", "example.invalid/not-there:1")
    wait_for(lambda: phase(cluster, namespace, "missing") == "Running", 120, "a pod with the late image")


def test_dead_containerd(cluster, namespace):
    create(cluster, namespace, pod("survivor"))
    wait_for(lambda: phase(cluster, namespace, "survivor") == "Running", 60, "running pod")
    before = cluster.get("pod", namespace, "survivor")["status"]["containerStatuses"][0]["containerID"]
    old = containerd_pid(cluster)
    assert old, "the cluster's own containerd"
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: containerd_pid(cluster) not in (None, old), 30, "new containerd")
    create(cluster, namespace, pod("later"))
    wait_for(lambda: phase(cluster, namespace, "later") == "Running", 60, "a pod after the restart")
    status = cluster.get("pod", namespace, "survivor")["status"]["containerStatuses"][0]
    assert status["containerID"] == before and status["restartCount"] == 0


def test_crash_loop_back_off(cluster, namespace):
    body = pod("crash", command="false")
    create(cluster, namespace, body)

    def looping():
        status = (cluster.get("pod", namespace, "crash")["status"].get("containerStatuses") or [{}])[0]
        return status.get("restartCount", 0) >= 1 and \
            status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff" and \
            status["lastState"]["terminated"]["exitCode"] == 1
    wait_for(looping, 60, "CrashLoopBackOff")


def test_unschedulable_says_why(cluster, namespace):
    body = pod("huge")
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
    create(cluster, namespace, body)

    def condition():
        conditions = cluster.get("pod", namespace, "huge")["status"].get("conditions", [])
        return any(c["type"] == "PodScheduled" and c["reason"] == "Unschedulable" and
                   "0/1 nodes are available: 1 Insufficient cpu." in c["message"] for c in conditions)
    wait_for(condition, 30, "Unschedulable")


def test_missing_config_map_then_there(cluster, namespace):
    body = pod("wants")
    body["spec"]["containers"][0]["env"] = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}]
    create(cluster, namespace, body)

    def waiting():
        status = (cluster.get("pod", namespace, "wants")["status"].get("containerStatuses") or [{}])[0]
        return status.get("state", {}).get("waiting", {}).get("reason") == "CreateContainerConfigError"
    wait_for(waiting, 60, "CreateContainerConfigError")
    cluster.kubectl("create", "configmap", "-n", namespace, "late", "--from-literal=a=b")
    wait_for(lambda: phase(cluster, namespace, "wants") == "Running", 90, "running pod")
