"""The cluster's DNS: names of Services, endpoints and pods, asked for by `dig` in pods' network namespaces and
by busybox' nslookup inside of them. After upstream's test/e2e/network/dns.go."""
import json
import pathlib
import socket
import subprocess
import threading
import urllib.request

import pytest
from cluster import TIPHYS, free_port, wait_for

ZONE = "cluster.local"


def in_namespace_of(ip):
    """The command that runs another one in the network namespace of the pod that has this address."""
    for path in pathlib.Path("/run/netns").glob("cni-*"):
        done = subprocess.run(["ip", "netns", "exec", path.name, "ip", "-o", "addr"], capture_output=True, text=True,
                              check=False)
        if f"inet {ip}/" in done.stdout:
            return ["ip", "netns", "exec", path.name]
    raise AssertionError(f"no network namespace has {ip}")


class Client:
    """A pod that asks."""

    def __init__(self, cluster, namespace, name):
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self.server = kube_dns(cluster)
        self.enter = in_namespace_of(cluster.get("pod", namespace, name)["status"]["podIP"])

    def dig(self, *arguments, server=None):
        done = subprocess.run([*self.enter, "dig", f"@{server or self.server}", "+time=2", "+tries=2", *arguments],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout

    def short(self, *arguments):
        return sorted(self.dig("+short", *arguments).split("\n"))[1:]

    def status(self, *arguments):
        out = self.dig(*arguments)
        return next(line.split("status: ")[1].split(",")[0] for line in out.splitlines() if "status: " in line)

    def nslookup(self, name):
        return self.cluster.kubectl("exec", "-n", self.namespace, self.name, "--", "nslookup", name, check=False)


def kube_dns(cluster):
    return cluster.get("service", "kube-system", "kube-dns")["spec"]["clusterIP"]


def pod(name, **spec):
    labels = spec.pop("labels", {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent",
                                     "command": ["sleep", "3600"]}], **spec}}


def service(name, ports=(), **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": n, "port": p} for n, p in ports], **spec}}


def apply(cluster, namespace, *objects):
    cluster.kubectl("apply", "-n", namespace, "-f", "-",
                    stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def pod_ip(cluster, namespace, name):
    return wait_for(lambda: cluster.get("pod", namespace, name)["status"].get("podIP"), 60, f"address of {name}")


@pytest.fixture(scope="module")
def client(cluster):
    cluster.kubectl("create", "namespace", "dns-test")
    apply(cluster, "dns-test", pod("client"),
          pod("one", labels={"app": "pets"}, hostname="one", subdomain="pets"),
          pod("two", labels={"app": "pets"}, hostname="two", subdomain="pets"),
          service("web", [("http", 80)], selector={"app": "pets"}),
          service("pets", [("http", 80)], selector={"app": "pets"}, clusterIP="None"))
    cluster.kubectl("wait", "-n", "dns-test", "pod", "--all", "--for=condition=Ready", "--timeout=90s")
    yield Client(cluster, "dns-test", "client")
    cluster.kubectl("delete", "namespace", "dns-test", "--wait=false")


def test_kube_dns_is_there(cluster):
    """The Service with the address that pods are given, and this node as its endpoint."""
    spec = wait_for(lambda: cluster.get("service", "kube-system", "kube-dns"), 30, "kube-dns")["spec"]
    assert spec["clusterIP"] == cluster.arguments()[cluster.arguments().index("--cluster-dns") + 1]
    assert {(p["name"], p["port"], p["protocol"]) for p in spec["ports"]} >= {("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")}
    node = cluster.get("nodes")["items"][0]
    address = node["metadata"]["annotations"]["tiphys.io/dns-address"]

    def endpoint():
        slices = cluster.get("endpointslices", "kube-system")["items"]
        return next(e for s in slices for e in s["endpoints"] if e["addresses"] == [address])
    found = wait_for(lambda: endpoint()["conditions"]["ready"] and endpoint(), 30, "ready endpoint")
    assert found["hints"] == {"forNodes": [{"name": node["metadata"]["name"]}]}


def test_look_ups_in_a_pod(client):
    """What the Kubernetes documentation's "Debugging DNS Resolution" begins with. (busybox' nslookup of today
    searches for names without a dot only; its other applets search as the C library does.)"""
    address = client.cluster.get("service", "default", "kubernetes")["spec"]["clusterIP"]
    done = client.nslookup(f"kubernetes.default.svc.{ZONE}")
    assert done.returncode == 0 and address in done.stdout, done.stdout + done.stderr
    assert f"Name:\tweb.dns-test.svc.{ZONE}" in client.nslookup("web").stdout
    assert client.nslookup(f"nobody.default.svc.{ZONE}").returncode != 0
    done = client.cluster.kubectl("exec", "-n", "dns-test", "client", "--", "ping", "-c", "1", "one.pets", check=False)
    assert f"({pod_ip(client.cluster, 'dns-test', 'one')})" in done.stdout, done.stdout + done.stderr


def test_services_over_udp_and_tcp(client):
    ip = client.cluster.get("service", "dns-test", "web")["spec"]["clusterIP"]
    for transport in "+notcp", "+tcp":
        assert client.short(transport, f"web.dns-test.svc.{ZONE}", "A") == [ip]
        assert client.short(transport, f"WEB.Dns-Test.svc.{ZONE}", "A") == [ip]
        assert client.short(transport, f"_http._tcp.web.dns-test.svc.{ZONE}", "SRV") == [
            f"0 100 80 web.dns-test.svc.{ZONE}."]
        assert client.short(transport, "-x", ip) == [f"web.dns-test.svc.{ZONE}."]
    assert client.short(f"dns-version.{ZONE}", "TXT") == ['"1.1.0"']


def test_headless_and_hostnames(client):
    one, two = (pod_ip(client.cluster, "dns-test", name) for name in ("one", "two"))
    name = f"pets.dns-test.svc.{ZONE}"
    assert client.short(name, "A") == sorted([one, two])
    assert client.short(f"one.{name}", "A") == [one]
    assert client.short(f"_http._tcp.{name}", "SRV") == [f"0 50 80 {host}.{name}." for host in ("one", "two")]
    assert f"one.{name}." in client.short("-x", one)
    assert client.short(f"{one.replace('.', '-')}.dns-test.pod.{ZONE}", "A") == [one]
    # A pod's own /etc/hosts has its whole name.
    hosts = client.cluster.out("exec", "-n", "dns-test", "one", "--", "cat", "/etc/hosts")
    assert f"one.{name}" in hosts


def test_names_that_are_not_there(client):
    assert client.status(f"nobody.dns-test.svc.{ZONE}", "A") == "NXDOMAIN"
    assert client.status(f"web.nowhere.svc.{ZONE}", "A") == "NXDOMAIN"
    assert client.status(f"web.dns-test.svc.{ZONE}", "AAAA") == "NOERROR"
    assert client.short(f"web.dns-test.svc.{ZONE}", "AAAA") == []
    assert f"ns.dns.{ZONE}. hostmaster.{ZONE}." in client.dig(f"nobody.dns-test.svc.{ZONE}", "A")


def test_external_names_and_changes(client):
    """After upstream's "should provide DNS for ExternalName services": the name follows the Service's type."""
    name = f"other.dns-test.svc.{ZONE}"
    apply(client.cluster, "dns-test", service("other", type="ExternalName", externalName=f"web.dns-test.svc.{ZONE}"))
    ip = client.cluster.get("service", "dns-test", "web")["spec"]["clusterIP"]
    wait_for(lambda: client.short(name, "A") == sorted([f"web.dns-test.svc.{ZONE}.", ip]), 10, "alias")
    assert client.short(name, "CNAME") == [f"web.dns-test.svc.{ZONE}."]
    client.cluster.kubectl("patch", "service", "-n", "dns-test", "other", "--type=merge", "-p", json.dumps(
        {"spec": {"type": "ClusterIP", "externalName": None, "ports": [{"name": "http", "port": 80}]}}))
    ip = client.cluster.get("service", "dns-test", "other")["spec"]["clusterIP"]
    wait_for(lambda: client.short(name, "A") == [ip], 10, "address")
    client.cluster.kubectl("delete", "service", "-n", "dns-test", "other")
    wait_for(lambda: client.status(name, "A") == "NXDOMAIN", 10, "end of the name")


def test_pods_that_are_not_ready(client):
    """They have no names, unless the Service publishes them."""
    cluster = client.cluster
    never = {"exec": {"command": ["false"]}}
    waiting = pod("waiting", labels={"app": "waiting"}, hostname="waiting", subdomain="hidden")
    waiting["spec"]["containers"][0]["readinessProbe"] = never
    apply(cluster, "dns-test", waiting, service("hidden", [("a", 1)], selector={"app": "waiting"}, clusterIP="None"),
          service("shown", [("a", 1)], selector={"app": "waiting"}, clusterIP="None", publishNotReadyAddresses=True))
    ip = pod_ip(cluster, "dns-test", "waiting")
    wait_for(lambda: client.short(f"shown.dns-test.svc.{ZONE}", "A") == [ip], 20, "published address")
    assert client.status(f"hidden.dns-test.svc.{ZONE}", "A") == "NXDOMAIN"
    cluster.kubectl("delete", "pod", "-n", "dns-test", "waiting", "--wait=false")


def test_metrics(cluster, client):
    """Prometheus' way: the Service's port metrics, from a pod; and the component's own /metrics."""
    client.dig(f"web.dns-test.svc.{ZONE}", "A")
    spec = cluster.get("service", "kube-system", "kube-dns")
    assert {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153} in spec["spec"]["ports"]
    assert spec["metadata"]["annotations"] == {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"}
    for part in cluster.get("endpointslices", "kube-system")["items"]:
        if part["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns":
            assert {"name": "metrics", "port": 9153, "protocol": "TCP"} in part["ports"]
    answered = 'coredns_dns_responses_total{server="dns://:53",zone=".",view="",rcode="NOERROR",plugin="kubernetes"}'
    asked = 'coredns_dns_requests_total{server="dns://:53",zone=".",view="",proto="udp",family="1",type="A"}'
    done = subprocess.run([*client.enter, "curl", "-sS", "--max-time", "5", f"http://{client.server}:9153/metrics"],
                          capture_output=True, text=True, timeout=30, check=True)
    assert answered in done.stdout and asked in done.stdout, done.stdout
    in_pod = ["exec", "-n", "dns-test", "client", "--", "wget", "-qO-"]
    assert answered in cluster.out(*in_pod, f"http://kube-dns.kube-system.svc.{ZONE}:9153/metrics")
    for path in "health", "ready":
        assert cluster.out(*in_pod, f"http://{client.server}:9153/{path}") == "OK"
    assert answered in cluster.out("get", "--raw", "/metrics")


class OtherServer(threading.Thread):
    """A name server of the world outside: one A record for every name, until it is closed."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.asked = 0
        self.start()

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(2048)
            except OSError:
                return
            if not query:
                return
            self.asked += 1
            end = query.index(b"\0", 12) + 5
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] +
                               b"\xc0\x0c\0\1\0\1\0\0\x01\x2c\0\4\xc0\0\2\1", client)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.join(5)
        self.socket.close()


@pytest.fixture
def alone(cluster, client, tmp_path):
    """`tiphys dns` beside the cluster, for whom 127.45.0.1 is the world outside."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.45.0.1\n")
    other = OtherServer("127.45.0.1")
    port = free_port()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([TIPHYS, "dns", "--kubeconfig", str(cluster.kubeconfig), "--address", "127.45.0.2",
                                    "--cluster-cidr", "10.0.0.0/8", "--metrics-port", str(port),
                                    "--resolv-conf", str(tmp_path / "resolv.conf")], stdout=log, stderr=log)

    def dig(*arguments):
        return subprocess.run(["dig", "@127.45.0.2", "+time=2", "+tries=1", *arguments], capture_output=True, text=True,
                              timeout=30, check=False).stdout
    try:
        wait_for(lambda: "NOERROR" in dig("kubernetes.default.svc.cluster.local"), 20, "answer of tiphys dns")
        yield dig, other, port
    finally:
        process.terminate()
        assert process.wait(20) == 0, (tmp_path / "log").read_text()
        other.close()


def test_names_of_the_world_outside(alone, client):
    dig, other, port = alone
    wait_for(lambda: "192.0.2.1" in dig("+short", "www.example.com"), 10, "answer of the other server")
    before = other.asked
    assert "192.0.2.1" in dig("+short", "+tcp", "www.example.com") and other.asked == before
    apply(client.cluster, "dns-test", service("outside", type="ExternalName", externalName="www.example.org"))
    name = f"outside.dns-test.svc.{ZONE}"
    wait_for(lambda: dig("+short", name).split() == ["www.example.org.", "192.0.2.1"], 10, "alias of a name outside")
    # Ours are never asked for elsewhere.
    before = other.asked
    assert "NXDOMAIN" in dig(f"nobody.default.svc.{ZONE}")
    assert "NXDOMAIN" in dig("-x", "10.250.250.250") and other.asked == before
    with urllib.request.urlopen(f"http://127.45.0.2:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert "coredns_cache_hits_total" in text and 'coredns_proxy_request_duration_seconds_count{proxy_name="forward"' in text


def test_strangers_are_refused(cluster, client):
    """Neither pod nor node: an address that only this test's namespace has."""
    bridge_address = cluster.get("nodes")["items"][0]["metadata"]["annotations"]["tiphys.io/dns-address"]
    name = f"dnsx{cluster.number}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (f"ip link add {name} type veth peer name eth0 netns {name}", f"ip addr add 172.31.253.1/30 dev {name}",
                        f"ip link set {name} up", f"ip -n {name} addr add 172.31.253.2/30 dev eth0",
                        f"ip -n {name} link set eth0 up", f"ip -n {name} route add default via 172.31.253.1"):
            subprocess.run(command.split(), check=True)
        done = subprocess.run(["ip", "netns", "exec", name, "dig", f"@{bridge_address}", "+time=2", "+tries=2",
                               f"web.dns-test.svc.{ZONE}"], capture_output=True, text=True, timeout=30, check=False)
        assert "status: REFUSED" in done.stdout, done.stdout
        done = subprocess.run(["ip", "netns", "exec", name, "curl", "-sS", "--max-time", "5", "-w", "%{http_code}",
                               f"http://{bridge_address}:9153/metrics"], capture_output=True, text=True, timeout=30,
                              check=False)
        assert done.stdout == "forbidden\n403", done.stdout + done.stderr
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)
