"""A node with IPv4 and IPv6: pods with two addresses, Services of each policy, reached with real connections."""
import contextlib
import ipaddress
import json
import pathlib
import subprocess
import tempfile
import urllib.request

import pytest
from cluster import Cluster, wait_for


class DualStackCluster(Cluster):
    """IPv4 first. Its ranges of IPv6 are of its number, too."""

    def arguments(self):
        arguments = super().arguments()
        for flag, wide in (("--cluster-cidr", f"fd00:{self.number:x}:42::/56"),
                           ("--service-cluster-ip-range", f"fd00:{self.number:x}:43::/108")):
            arguments[arguments.index(flag) + 1] += "," + wide
        return arguments


@contextlib.contextmanager
def running(kind, number, images):
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-dual-") as folder:
        one = kind(folder, number)
        (one.data / "images").mkdir()
        for image in images.glob("*.tar"):
            (one.data / "images" / image.name).symlink_to(image)
        try:
            yield one.start()
        finally:
            one.purge()


@pytest.fixture(scope="module")
def dual(images):
    with running(DualStackCluster, 7, images) as one:
        yield one


def families(addresses):
    return [ipaddress.ip_address(address).version for address in addresses]


def run_pod(dual, name, command, labels=None, probe=None, **spec):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
           "spec": {"terminationGracePeriodSeconds": 0, "containers": [
               {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": command,
                "readinessProbe": probe,
                "env": [{"name": n, "valueFrom": {"fieldRef": {"fieldPath": "status." + n}}}
                        for n in ("podIP", "podIPs", "hostIPs")]}], **spec}}
    dual.kubectl("create", "-f", "-", stdin=json.dumps(pod))


def run_web(dual, name, answer):
    """A pod that answers on port 8080 of both families."""
    serve = f"/bin/busybox mkdir /www; echo {answer} > /www/index.html; exec /bin/busybox httpd -f -p 8080 -h /www"
    run_pod(dual, name, ["/bin/busybox", "sh", "-c", serve], labels={"app": name},
            probe={"httpGet": {"port": 8080}, "periodSeconds": 1})
    dual.kubectl("wait", "pod", name, "--for=condition=Ready", "--timeout=60s")
    return dual.get("pod", "default", name)


def url(address, port):
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/"


def fetch(address, port):
    with urllib.request.urlopen(url(address, port), timeout=3) as answer:
        return answer.read().decode().strip()


def reaches(address, port, answer):
    return wait_for(lambda: fetch(address, port) == answer, 20, f"{answer} at {url(address, port)}")


def service(dual, name, **spec):
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec}}
    dual.kubectl("create", "-f", "-", stdin=json.dumps(body))
    return dual.get("service", "default", name)["spec"]


@pytest.fixture(scope="module")
def web(dual):
    return run_web(dual, "web", "both")


def test_the_node_has_two_ranges_and_two_addresses(dual):
    node = dual.get("nodes")["items"][0]
    assert families([r.split("/")[0] for r in node["spec"]["podCIDRs"]]) == [4, 6]
    assert node["spec"]["podCIDR"] == node["spec"]["podCIDRs"][0]
    assert families([a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]) == [4, 6]
    cidrs = dual.get("servicecidrs", name="kubernetes")["spec"]["cidrs"]
    assert families([r.split("/")[0] for r in cidrs]) == [4, 6]


def test_a_pod_has_two_addresses(dual, web):
    status = web["status"]
    addresses = [ip["ip"] for ip in status["podIPs"]]
    assert families(addresses) == [4, 6] and status["podIP"] == addresses[0]
    hosts = [ip["ip"] for ip in status["hostIPs"]]
    assert families(hosts) == [4, 6] and status["hostIP"] == hosts[0]
    for address in addresses:
        reaches(address, 8080, "both")
    env = dual.out("exec", "web", "--", "/bin/busybox", "env")
    assert f"podIPs={','.join(addresses)}\n" in env and f"hostIPs={','.join(hosts)}\n" in env
    assert f"podIP={addresses[0]}\n" in env
    file = dual.out("exec", "web", "--", "/bin/busybox", "cat", "/etc/hosts")
    for address in addresses:
        assert f"{address}\tweb" in file
    for address in addresses:
        assert address in dual.out("describe", "pod", "web")


def test_a_pod_of_the_host_network_has_the_nodes_addresses(dual):
    run_pod(dual, "host", ["/bin/busybox", "sleep", "1000"], hostNetwork=True)
    dual.kubectl("wait", "pod", "host", "--for=condition=Ready", "--timeout=60s")
    status = dual.get("pod", "default", "host")["status"]
    assert status["podIPs"] == status["hostIPs"] and len(status["podIPs"]) == 2


def test_routers_are_not_believed(dual, web):
    """CVE-2020-10749: a pod that says it is a router of IPv6 changes nothing for the node and its pods."""
    read = pathlib.Path(f"/proc/sys/net/ipv6/conf/{dual.bridge}/accept_ra").read_text().strip()
    assert read == "0"
    ports = list(pathlib.Path(f"/sys/class/net/{dual.bridge}/brif").iterdir())
    assert ports
    for port in ports:
        assert pathlib.Path(f"/proc/sys/net/ipv6/conf/{port.name}/accept_ra").read_text().strip() == "0"
    inside = dual.out("exec", "web", "--", "/bin/busybox", "cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra")
    assert inside.strip() == "0"


@pytest.mark.parametrize("name, spec, wanted", [
    ("single", {}, [4]),
    ("single-six", {"ipFamilies": ["IPv6"]}, [6]),
    ("prefer", {"ipFamilyPolicy": "PreferDualStack"}, [4, 6]),
    ("require-six", {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}, [6, 4]),
])
def test_services_are_reached_on_each_of_their_addresses(dual, web, name, spec, wanted):
    addresses = service(dual, name, **spec)["clusterIPs"]
    assert families(addresses) == wanted
    for address in addresses:
        reaches(address, 80, "both")
    slices = dual.get("endpointslices", "default")["items"]
    own = [s for s in slices if s["metadata"]["labels"].get("kubernetes.io/service-name") == name]
    assert sorted(s["addressType"] for s in own) == sorted(f"IPv{f}" for f in wanted)
    for one in own:
        pod_ip = next(ip["ip"] for ip in web["status"]["podIPs"]
                      if f"IPv{ipaddress.ip_address(ip['ip']).version}" == one["addressType"])
        assert [e["addresses"] for e in one["endpoints"]] == [[pod_ip]]
    old = dual.get("endpoints", "default", name)["subsets"][0]["addresses"]
    assert families([a["ip"] for a in old]) == wanted[:1]
    described = dual.out("describe", "service", name)
    for address in addresses:
        assert address in described


def test_pods_reach_services_on_both_addresses(dual, web):
    addresses = service(dual, "from-pods", ipFamilyPolicy="RequireDualStack")["clusterIPs"]
    script = "; ".join(f"/bin/busybox printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc -w 5 {a} 80"
                       for a in addresses)
    run_pod(dual, "client", ["/bin/busybox", "sh", "-c", script], restartPolicy="Never")
    wait_for(lambda: dual.get("pod", "default", "client")["status"]["phase"] == "Succeeded", 60, "end of client")
    assert dual.out("logs", "client").count("both") == 2
    # And the pod itself, by its own Service: the answer has to come back through the node.
    for address in addresses:
        got = dual.out("exec", "web", "--", "/bin/busybox", "sh", "-c",
                       f"/bin/busybox printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc -w 5 {address} 80")
        assert "both" in got


def resolve(dual, name):
    """The addresses that a pod gets for a name."""
    def found():
        done = dual.kubectl("exec", "web", "--", "/bin/busybox", "nslookup", name, check=False)
        answer = done.stdout.split("Name:", 1)
        return len(answer) == 2 and answer[1]
    return wait_for(found, 20, f"addresses of {name}")


def test_names_have_addresses_of_both_families(dual, web):
    spec = service(dual, "named", ipFamilyPolicy="RequireDualStack")
    answer = resolve(dual, "named.default.svc.cluster.local")
    for address in spec["clusterIPs"]:
        assert address in answer
    service(dual, "headless", clusterIP="None", ipFamilyPolicy="PreferDualStack")
    answer = resolve(dual, "headless.default.svc.cluster.local")
    for address in web["status"]["podIPs"]:
        assert address["ip"] in answer


def test_node_ports_listen_on_both_families(dual, web):
    spec = service(dual, "node-port", type="NodePort", ipFamilyPolicy="PreferDualStack")
    port = spec["ports"][0]["nodePort"]
    for address in [ip["ip"] for ip in web["status"]["hostIPs"]]:
        reaches(address, port, "both")


def test_a_service_is_upgraded_and_downgraded(dual, web):
    first = service(dual, "changes")["clusterIP"]
    dual.kubectl("patch", "service", "changes", "-p", '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}')
    addresses = dual.get("service", "default", "changes")["spec"]["clusterIPs"]
    assert addresses[0] == first and families(addresses) == [4, 6]
    reaches(addresses[1], 80, "both")
    dual.kubectl("patch", "service", "changes", "-p", '{"spec":{"ipFamilyPolicy":"SingleStack"}}')
    assert dual.get("service", "default", "changes")["spec"]["clusterIPs"] == [first]
    reaches(first, 80, "both")

    def gone():
        try:
            fetch(addresses[1], 80)
        except OSError:
            return True
        return False
    wait_for(gone, 20, "end of the second address")


@pytest.fixture
def outside(dual):
    """A machine beside the node: a network namespace that knows no way to pods. Yields its addresses."""
    name, link = dual.bridge + "out", dual.bridge + "o"
    number = dual.number
    near = [f"172.31.{number}.1/24", f"fd00:{number:x}:99::1/64"]
    far = [f"172.31.{number}.2/24", f"fd00:{number:x}:99::2/64"]
    ip = ["ip", "netns", "exec", name, "ip"]
    commands = [["ip", "netns", "add", name],
                ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name],
                ["ip", "link", "set", link, "up"], [*ip, "link", "set", "eth0", "up"],
                *(["ip", "address", "add", a, "dev", link, *(["nodad"] if ":" in a else [])] for a in near),
                *([*ip, "address", "add", a, "dev", "eth0", *(["nodad"] if ":" in a else [])] for a in far)]
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, text=True)
        yield name, [a.split("/")[0] for a in near], [a.split("/")[0] for a in far]
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


# Says to each who comes who he is.
ECHO = """
import socket
server = socket.create_server(("::", 8099), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    one, peer = server.accept()
    one.sendall(peer[0].removeprefix("::ffff:").encode())
    one.close()
"""


def test_pods_leave_the_cluster_behind_the_nodes_address(dual, web, outside):
    """Who is outside sees the node, not the pod, in both families."""
    name, near, far = outside
    server = subprocess.Popen(["ip", "netns", "exec", name, "/usr/bin/python3", "-c", ECHO],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        for node, address in zip(near, far):
            seen = dual.out("exec", "web", "--", "/bin/busybox", "nc", "-w", "5", address, "8099")
            assert seen.strip() == node
    finally:
        server.kill()
        server.wait(10)
