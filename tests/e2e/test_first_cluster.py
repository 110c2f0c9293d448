"""The architecture document's Deployment, unchanged, through its whole life with real kubectl."""
import json
import pathlib
import subprocess
import time
import urllib.request

from cluster import wait_for

MANIFEST = str(pathlib.Path(__file__).parent / "manifests/nginx-deployment.yaml")


def pods(cluster, namespace, selector="app=nginx"):
    items = json.loads(cluster.out("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"]
    return [p for p in items if "deletionTimestamp" not in p["metadata"]]


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def apply(cluster, namespace):
    cluster.kubectl("apply", "-n", namespace, "-f", MANIFEST)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/nginx-deployment", "--timeout=60s")


def fetch(url):
    with urllib.request.urlopen(url, timeout=3) as answer:
        return answer.read().decode()


# Not wget: with a time-out it crashes in a static busybox.
GET = "/bin/busybox printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc -w 5 {host} {port}"


def fetch_from_pod(cluster, namespace, name, host, port=80):
    """Fetches a page from a pod of its own and returns what it got."""
    script = GET.format(host=host, port=port)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
           "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [
               {"name": "get", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/busybox", "sh", "-c", script]}]}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    wait_for(lambda: cluster.get("pod", namespace, name)["status"]["phase"] in ("Succeeded", "Failed"),
             60, f"end of {name}")
    return cluster.out("logs", "-n", namespace, name)


def test_rollout_and_reading(cluster, namespace):
    apply(cluster, namespace)
    found = pods(cluster, namespace)
    assert len(found) == 2 and all(ready(p) for p in found)
    wide = cluster.out("get", "pods", "-n", namespace, "-o", "wide")
    assert "NOMINATED NODE" in wide and wide.count("Running") == 2 and f"node{cluster.number}" in wide
    together = cluster.out("get", "deploy,rs,pods,endpointslices", "-n", namespace)
    assert "deployment.apps/nginx-deployment   2/2     2            2" in together
    assert "replicaset.apps/nginx-deployment-" in together
    described = cluster.out("describe", "-n", namespace, "deployment/nginx-deployment")
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in described
    assert "ScalingReplicaSet" in described
    described = cluster.out("describe", "-n", namespace, "pod", found[0]["metadata"]["name"])
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert reason in described, described
    name = found[0]["metadata"]["name"]
    assert fetch(f"http://{found[0]['status']['podIP']}/")
    wait_for(lambda: "GET /" in cluster.out("logs", "-n", namespace, name), 10, "log line")


def test_deleted_pod_is_replaced(cluster, namespace):
    apply(cluster, namespace)
    before = {p["metadata"]["name"] for p in pods(cluster, namespace)}
    victim = sorted(before)[0]
    cluster.kubectl("delete", "pod", "-n", namespace, victim)
    wait_for(lambda: len([p for p in pods(cluster, namespace) if ready(p)]) == 2, 60, "replacement")
    after = {p["metadata"]["name"] for p in pods(cluster, namespace)}
    assert victim not in after and len(after & before) == 1


def test_scale(cluster, namespace):
    apply(cluster, namespace)
    for count in (5, 2):
        cluster.kubectl("scale", "-n", namespace, "deployment/nginx-deployment", f"--replicas={count}")
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/nginx-deployment", "--timeout=60s")
        wait_for(lambda n=count: len(pods(cluster, namespace)) == n and
                 all(ready(p) for p in pods(cluster, namespace)), 60, f"{count} pods")


def test_set_image_and_undo(cluster, namespace):
    apply(cluster, namespace)

    def images():
        return {p["spec"]["containers"][0]["image"] for p in pods(cluster, namespace)}

    cluster.kubectl("set", "image", "-n", namespace, "deployment/nginx-deployment", "nginx=nginx:1.9.1")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/nginx-deployment", "--timeout=60s")
    wait_for(lambda: images() == {"nginx:1.9.1"}, 30, "new image")
    history = cluster.out("rollout", "history", "-n", namespace, "deployment/nginx-deployment")
    assert "1 " in history and "2 " in history
    cluster.kubectl("rollout", "undo", "-n", namespace, "deployment/nginx-deployment")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/nginx-deployment", "--timeout=60s")
    wait_for(lambda: images() == {"nginx:1.7.9"}, 30, "old image")


def test_services(cluster, namespace):
    apply(cluster, namespace)
    cluster.kubectl("expose", "-n", namespace, "deployment/nginx-deployment", "--port=80", "--name=web")
    cluster.kubectl("expose", "-n", namespace, "deployment/nginx-deployment", "--port=80",
                    "--type=NodePort", "--name=web-node")
    cluster_ip = cluster.get("service", namespace, "web")["spec"]["clusterIP"]
    node_port = cluster.get("service", namespace, "web-node")["spec"]["ports"][0]["nodePort"]
    node = cluster.get("nodes")["items"][0]
    node_ip = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
    wait_for(lambda: "nginx" in fetch(f"http://{cluster_ip}/").lower(), 20, "page by cluster IP")
    wait_for(lambda: "nginx" in fetch(f"http://{node_ip}:{node_port}/").lower(), 20, "page by node port")
    page = fetch_from_pod(cluster, namespace, "by-cluster-ip", cluster_ip)
    assert "nginx" in page.lower(), page
    page = fetch_from_pod(cluster, namespace, "by-node-port", node_ip, node_port)
    assert "nginx" in page.lower(), page


def test_hairpin(cluster, namespace):
    """A pod reaches itself through its own Service."""
    script = "echo self > /tmp/index.html; /bin/busybox httpd -p 8080 -h /tmp; " \
        "until " + GET.format(host="$WEB", port=80) + " | /bin/busybox grep self; do /bin/busybox sleep 0.2; done"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "self"},
               "spec": {"selector": {"app": "self"}, "ports": [{"port": 80, "targetPort": 8080}]}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(service))
    address = cluster.get("service", namespace, "self")["spec"]["clusterIP"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "self", "labels": {"app": "self"}},
           "spec": {"restartPolicy": "Never", "containers": [
               {"name": "self", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                "env": [{"name": "WEB", "value": address}],
                "command": ["/bin/busybox", "sh", "-c", script]}]}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    wait_for(lambda: cluster.get("pod", namespace, "self")["status"]["phase"] == "Succeeded", 60, "answer")
    assert cluster.out("logs", "-n", namespace, "self").strip().endswith("self")


def container_ids(cluster, namespace):
    return sorted((p["metadata"]["name"], s["containerID"], s["restartCount"])
                  for p in pods(cluster, namespace) for s in p["status"]["containerStatuses"])


def test_kill_and_restart_of_the_server(cluster, namespace):
    apply(cluster, namespace)
    cluster.kubectl("expose", "-n", namespace, "deployment/nginx-deployment", "--port=80", "--name=web")
    before = container_ids(cluster, namespace)
    address = pods(cluster, namespace)[0]["status"]["podIP"]
    cluster.kill()
    assert fetch(f"http://{address}/"), "pods run on without the server"
    cluster.start()
    wait_for(lambda: len([p for p in pods(cluster, namespace) if ready(p)]) == 2, 30, "ready pods")
    assert container_ids(cluster, namespace) == before
    cluster_ip = cluster.get("service", namespace, "web")["spec"]["clusterIP"]
    wait_for(lambda: "nginx" in fetch(f"http://{cluster_ip}/").lower(), 20, "page by cluster IP")
    # and it still acts
    cluster.kubectl("scale", "-n", namespace, "deployment/nginx-deployment", "--replicas=3")
    wait_for(lambda: len([p for p in pods(cluster, namespace) if ready(p)]) == 3, 60, "third pod")


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False).stdout


def test_deleted_namespace_leaves_nothing(cluster):
    namespace = "t-leaves-nothing"
    cluster.kubectl("create", "namespace", namespace)
    apply(cluster, namespace)
    cluster.kubectl("expose", "-n", namespace, "deployment/nginx-deployment", "--port=80", "--name=web")
    found = pods(cluster, namespace)
    uids = [p["metadata"]["uid"] for p in found]
    address = cluster.get("service", namespace, "web")["spec"]["clusterIP"]
    assert any(uid in run("cat", "/proc/self/mountinfo") for uid in uids)
    cluster.kubectl("delete", "namespace", namespace, "--timeout=90s")
    assert cluster.kubectl("get", "namespace", namespace, check=False).returncode == 1
    addresses = [p["status"]["podIP"] for p in found]

    def gone():
        mounts = run("cat", "/proc/self/mountinfo")
        rules = run("nft", "list", "ruleset")
        neighbours = run("ps", "axww", "-o", "args")
        return not any(uid in mounts or uid in neighbours for uid in uids) and \
            not any(f" {a} " in rules for a in [address, *addresses])

    wait_for(gone, 30, "clean node")
    folders = list((cluster.data / "kubelet/pods").glob("*")) if (cluster.data / "kubelet/pods").exists() else []
    assert not any(f.name in uids for f in folders)


def test_veths_follow_pods(cluster):
    """As many veths on the bridge as running pods with their own network."""
    def balanced():
        items = json.loads(cluster.out("get", "pods", "-A", "-o", "json"))["items"]
        running = [p for p in items if p["status"]["phase"] == "Running" and
                   "deletionTimestamp" not in p["metadata"]]
        links = json.loads(run("ip", "-j", "link", "show", "master", cluster.bridge) or "[]")
        return len(links) == len(running)
    wait_for(balanced, 60, "one veth a pod")


def test_client_node_sees_every_transition(cluster, namespace):
    script = pathlib.Path(__file__).parent / "client_node_test.js"
    done = subprocess.run(["node", str(script), str(cluster.kubeconfig), namespace, MANIFEST],
                          capture_output=True, text=True, timeout=120, check=False,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin",
                               "NODE_PATH": str(pathlib.Path(MANIFEST).parents[3] / "build/e2e/node_modules")})
    assert done.returncode == 0, done.stdout + done.stderr


def test_orderly_stop_and_start(cluster, namespace):
    apply(cluster, namespace)
    before = container_ids(cluster, namespace)
    started = time.monotonic()
    assert cluster.stop() == 0
    assert time.monotonic() - started < 20
    cluster.start()
    wait_for(lambda: container_ids(cluster, namespace) == before, 20, "same containers")
