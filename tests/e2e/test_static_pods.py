"""Static pods: from files, without the API server, with their mirrors in the API."""
import http.server
import json
import tempfile
import threading

import pytest

from cluster import wait_for
from test_components import Split



def manifest(name, script, grace=1, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {
        "hostNetwork": True, "terminationGracePeriodSeconds": grace, **spec,
        "containers": [{"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                        "command": ["/bin/sh", "-c", script], **spec.pop("container", {})}]}}


class PodServer:
    """Shows pods at a URL, behind a redirect, to whoever has the right header."""

    def __init__(self):
        self.body = b""
        self.status = 200
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                moved = self.path == "/start?a=b"
                known = self.headers.get_all("X-Key") == ["one", "two"]
                self.send_response(302 if moved else world.status if known else 403)
                self.send_header("Location", "/pods")
                self.send_header("Content-Length", "0" if moved else str(len(world.body)))
                self.end_headers()
                self.wfile.write(b"" if moved else world.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/start?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def show(self, *pods):
        self.body = json.dumps({"apiVersion": "v1", "kind": "PodList", "items": list(pods)}).encode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def pod_server():
    one = PodServer()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def split(images, pod_server):
    with tempfile.TemporaryDirectory(prefix="tiphys-static-") as folder:
        one = Split(folder, number=6)
        (one.node_data / "images/busybox.tar").symlink_to(images / "busybox.tar")
        one.manifests = one.folder / "manifests"
        one.host = one.folder / "host"
        for made in (one.manifests, one.host):
            made.mkdir(mode=0o777)
        try:
            one.start()
            kubelet = one.parts["kubelet"]
            kubelet.stop()
            kubelet.arguments += ["--pod-manifest-path", str(one.manifests), "--manifest-url", pod_server.url,
                                  "--manifest-url-header", "X-Key:one,X-Key:two", "--http-check-frequency", "1s"]
            kubelet.start()
            yield one
        finally:
            one.stop()
            one.purge()


def write(split, name, text):
    """As editors do: the folder never shows half a file."""
    part = split.manifests / f".{name}.part"
    part.write_text(text if isinstance(text, str) else json.dumps(text))
    part.rename(split.manifests / name)


def node(split):
    found = wait_for(lambda: json.loads(split.out("get", "nodes", "-o", "json"))["items"], 60, "node")
    return found[0]["metadata"]


def pods(split):
    found = json.loads(split.out("get", "pods", "-A", "-o", "json"))["items"]
    return {p["metadata"]["name"]: p for p in found}


def running(split, name):
    def looks():
        one = pods(split).get(name)
        ready = one and any(c["type"] == "Ready" and c["status"] == "True" for c in one["status"].get("conditions", []))
        return one if ready and one["status"]["phase"] == "Running" else None
    return wait_for(looks, 60, f"mirror {name}")


def gone(split, name):
    wait_for(lambda: name not in pods(split), 60, f"end of {name}")


def log(split):
    return split.parts["kubelet"].log.read_text(errors="replace")




def noting(split, name, **more):
    """A static pod that notes each of its starts and its end in the host's folder."""
    script = (f"echo start >>/host/{name}; trap 'echo end >>/host/{name}; exit 0' TERM; echo said;"
              "while :; do sleep 0.05; done")
    one = manifest(name, script, grace=20, volumes=[{"name": "h", "hostPath": {"path": str(split.host)}}], **more)
    one["spec"]["containers"][0]["volumeMounts"] = [{"name": "h", "mountPath": "/host"}]
    return one


def notes(split, name):
    path = split.host / name
    return path.read_text().split() if path.exists() else []


def test_a_file_becomes_a_pod_with_a_mirror(split):
    write(split, "web.yaml", "# comments are fine\n" + json.dumps(noting(split, "web")))
    owner = node(split)
    name = f"web-{owner['name']}"
    one = running(split, name)
    meta = one["metadata"]
    notes_of = meta["annotations"]
    assert notes_of["kubernetes.io/config.source"] == "file"
    assert notes_of["kubernetes.io/config.mirror"] == notes_of["kubernetes.io/config.hash"] != meta["uid"]
    assert meta["ownerReferences"] == [{"apiVersion": "v1", "kind": "Node", "name": owner["name"], "uid": owner["uid"],
                                        "controller": True}]
    assert meta["namespace"] == "default" and meta["labels"] == {"app": "web"}
    assert {"operator": "Exists", "effect": "NoExecute"} in one["spec"]["tolerations"]
    wait_for(lambda: split.out("logs", name) == "said\n", 20, "log through the mirror")
    listed = json.loads(split.out("get", "--raw", f"/api/v1/nodes/{owner['name']}/proxy/pods"))["items"]
    assert [p["metadata"]["uid"] for p in listed if p["metadata"]["name"] == name] == [notes_of["kubernetes.io/config.hash"]]


def test_a_deleted_mirror_comes_back(split):
    name = f"web-{node(split)['name']}"
    before = running(split, name)["metadata"]["uid"]
    split.kubectl("delete", "pod", name, "--wait=false")  # a new one may stand there before kubectl looks
    wait_for(lambda: running(split, name)["metadata"]["uid"] != before, 60, "new mirror")
    assert notes(split, "web") == ["start"], "the pod itself runs on"


def test_a_changed_file_is_another_pod(split):
    name = f"web-{node(split)['name']}"
    before = running(split, name)["metadata"]["annotations"]["kubernetes.io/config.hash"]
    write(split, "web.yaml", noting(split, "web", hostAliases=[{"ip": "10.9.8.7", "hostnames": ["x"]}]))
    wait_for(lambda: running(split, name)["metadata"]["annotations"]["kubernetes.io/config.hash"] != before, 60, "new pod")
    assert notes(split, "web") == ["start", "end", "start"], "one after the other"


def test_bad_files_are_said_and_harm_nobody(split):
    owner = node(split)["name"]
    write(split, "broken.yaml", "kind: Pod\n  nothing: fits")
    invalid = manifest("invalid", "sleep 1000")
    invalid["spec"]["containers"][0]["name"] = "Not A Name"
    write(split, "invalid.json", invalid)
    secret = manifest("secret", "sleep 1000", volumes=[{"name": "v", "secret": {"secretName": "s"}}])
    write(split, "secret.json", secret)
    write(split, "zz-twice.json", noting(split, "web"))
    write(split, "good.json", manifest("good", "sleep 1000"))
    running(split, f"good-{owner}")
    for name, text in [("broken.yaml", ""), ("secret.json", "static pods may not reference secrets"),
                       ("invalid.json", "invalid pod: [spec.containers[0].name: Invalid value: "),
                       ("zz-twice.json", "duplicate pod name, ignoring")]:
        line = wait_for(lambda: next((l for l in log(split).splitlines() if f"/{name}" in l), None), 10, name)
        assert "Could not process manifest file" in line and text in line.replace('\\"', '"'), line
    for name in ("broken.yaml", "invalid.json", "secret.json", "zz-twice.json"):
        (split.manifests / name).unlink()
    running(split, f"web-{owner}")
    assert set(pods(split)) == {f"web-{owner}", f"good-{owner}"}


def test_a_removed_file_ends_its_pod(split):
    owner = node(split)["name"]
    running(split, f"web-{owner}")
    (split.manifests / "web.yaml").unlink()
    gone(split, f"web-{owner}")
    assert notes(split, "web")[-1] == "end"
    running(split, f"good-{owner}")


def test_a_restart_of_the_kubelet_adopts_them(split):
    owner = node(split)["name"]
    before = running(split, f"good-{owner}")
    split.restart_after_kill("kubelet")
    write(split, "later.json", noting(split, "later"))
    running(split, f"later-{owner}")
    after = running(split, f"good-{owner}")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    assert after["status"]["startTime"] == before["status"]["startTime"]


def test_pods_of_a_url(split, pod_server):
    owner = node(split)["name"]
    wait_for(lambda: "Dropping verbosity of this message" in log(split), 30, "fewer words")
    assert "zero-length data received from http://" in log(split)
    pod_server.body = json.dumps(noting(split, "far")).encode()
    one = running(split, f"far-{owner}")
    assert one["metadata"]["annotations"]["kubernetes.io/config.source"] == "http"
    assert not [t for t in one["spec"]["tolerations"] if "key" not in t], "as a pod of the API would have them"
    assert "Successfully read pods from URL" in log(split)
    pod_server.show(noting(split, "farther"), noting(split, "far"))
    running(split, f"farther-{owner}")
    for status, body in [(500, b""), (200, b"kind: Pod\n  nothing: fits"), (200, b"x" * (10 << 20) + b"x")]:
        failures = log(split).count("Failed to read pods from URL")
        pod_server.status, pod_server.body = status, body
        wait_for(lambda: log(split).count("Failed to read pods from URL") > failures, 20, "failure")
        pod_server.status = 200
        pod_server.show(noting(split, "farther"))
        gone(split, f"far-{owner}")
    assert notes(split, "far") == ["start", "end"] and notes(split, "farther") == ["start"], "failures end nobody"
    pod_server.body = b""
    gone(split, f"farther-{owner}")


def test_they_run_without_the_api_server(split):
    owner = node(split)["name"]
    running(split, f"good-{owner}")
    split.parts["kube-apiserver"].stop()
    split.parts["kubelet"].stop()
    write(split, "alone.json", noting(split, "alone"))
    split.parts["kubelet"].start()
    wait_for(lambda: notes(split, "alone") == ["start"], 60, "static pod without an API")
    (split.manifests / "good.json").unlink()
    write(split, "short.json", noting(split, "short", hostNetwork=False))
    wait_for(lambda: notes(split, "short") == ["start"], 60, "static pod in the pod network that the API gave before")
    (split.manifests / "short.json").unlink()
    wait_for(lambda: notes(split, "short") == ["start", "end"], 60, "its end")
    split.parts["kube-apiserver"].start()
    wait_for(lambda: split.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 60, "API server")
    running(split, f"alone-{owner}")
    gone(split, f"good-{owner}")
    assert notes(split, "alone") == ["start"], "no restart when the API is back"
