"""Every type and policy of Services, by real connections across three nodes: from pods, from nodes, from the world
outside. The other end tells its name and the address that it sees (echo.py). Node two has its rules in iptables, the
others have theirs in nftables."""
import json
import pathlib
import subprocess
import sys
import time

import pytest

from cluster import KUBECTL, wait_for
from nodes import ADDRESSES, LAN

ECHO = pathlib.Path(__file__).with_name("echo.py")
NAMESPACE = "services"
ZONES = {"one": "a", "two": "b", "three": "b"}
STRANGER = "172.30.0.66"
VIPS = "198.51.100.0/24"  # from outside they are reached by node one, but the stranger goes by node two
EXTERNAL, SHARED, BALANCED, BALANCER, BARE, FENCED, OUTER, EMPTY, LEAVING = (f"198.51.100.{n}" for n in range(1, 10))
WEB = {"name": "web", "port": 80, "targetPort": 8080}
DNS = {"name": "dns", "port": 53, "targetPort": 5300, "protocol": "UDP"}
TEL = {"name": "tel", "port": 3868, "targetPort": 13868, "protocol": "SCTP"}


# ---- what is made ----

def pod(name, node, mode="serve", grace=0, **more):
    container = {"name": "echo", "image": "busybox", "imagePullPolicy": "IfNotPresent",
                 "command": ["chroot", "/machine", "/usr/bin/python3", "-u", str(ECHO), mode, name],
                 "volumeMounts": [{"name": "machine", "mountPath": "/machine", "readOnly": True}],
                 "ports": [{"name": "numbered-by-pod", "containerPort": 8080}],
                 "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    if mode == "idle":
        del container["readinessProbe"]
    container.update(more)
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name.split("-")[0], "on": node,
                                                  "near": "far" if node == "three" else "lan"}},
            "spec": {"nodeName": node, "terminationGracePeriodSeconds": grace, "containers": [container],
                     "volumes": [{"name": "machine", "hostPath": {"path": "/"}}]}}


def service(name, selector, *ports, annotations=None, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"selector": selector, "ports": list(ports) or [WEB], **spec}}


ALL, ON_ONE, ON_TWO = {"app": "echo"}, {"app": "echo", "on": "one"}, {"app": "echo", "on": "two"}
PODS = [*(pod(f"echo-{node}", node) for node in ADDRESSES),
        *(pod(f"client-{node}", node, "idle") for node in ADDRESSES),
        pod("unready-two", "two", readinessProbe={"exec": {"command": ["false"]}}),
        pod("leaving-one", "one", grace=300), pod("leaving-three", "three", grace=300)]
SERVICES = [
    service("cluster", ALL, WEB, DNS, TEL),
    service("named", ALL, dict(WEB, targetPort="numbered-by-pod")),
    service("node-port", ALL, WEB, DNS, TEL, type="NodePort"),
    service("external", ALL, externalIPs=[EXTERNAL]),
    service("shared-a", ON_ONE, externalIPs=[SHARED]), service("shared-b", ON_TWO, externalIPs=[SHARED]),
    service("balanced", ALL, WEB, DNS, type="LoadBalancer"),
    service("bare", ALL, type="LoadBalancer", allocateLoadBalancerNodePorts=False),
    service("fenced", ALL, type="LoadBalancer", loadBalancerSourceRanges=[f"{LAN}/32", "10.42.0.0/16"]),
    service("outer", {"app": "echo", "near": "lan"}, type="LoadBalancer", externalTrafficPolicy="Local"),
    service("inner", ON_TWO, internalTrafficPolicy="Local"),
    service("sticky", ALL, type="NodePort", sessionAffinity="ClientIP",
            sessionAffinityConfig={"clientIP": {"timeoutSeconds": 3}}),
    service("empty", {"app": "nobody"}, WEB, DNS, type="LoadBalancer"),
    service("hidden", {"app": "unready"}), service("shown", {"app": "unready"}, publishNotReadyAddresses=True),
    service("same-node", ALL, trafficDistribution="PreferSameNode"),
    service("same-zone", ALL, trafficDistribution="PreferSameZone"),
    service("nearest-of-one", ON_ONE, trafficDistribution="PreferSameNode"),
    service("close", ALL, trafficDistribution="PreferClose"),
    service("hinted", ALL, annotations={"service.kubernetes.io/topology-mode": "Auto"}),
    service("leaving", {"app": "leaving"}, type="LoadBalancer", externalTrafficPolicy="Local"),
    service("moving", ON_ONE, DNS, type="NodePort"),
    service("headless", ALL, clusterIP="None"),
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"},
     "spec": {"type": "ExternalName", "externalName": "headless.services.svc.cluster.local"}},
]
INGRESS = {"balanced": [{"ip": BALANCED}, {"ip": BALANCER, "ipMode": "Proxy"}, {"hostname": "balancer.example"}],
           "bare": [{"ip": BARE, "ipMode": "VIP"}], "fenced": [{"ip": FENCED}], "outer": [{"ip": OUTER}],
           "empty": [{"ip": EMPTY}], "leaving": [{"ip": LEAVING}]}


CLIENTS = [f"client-{node}" for node in ADDRESSES]


class Asker:
    """echo.py asks, somewhere."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, questions):
        self.process.stdin.write(json.dumps(questions) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait(10)


class World:
    """The three nodes, with all pods and Services of this file."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.askers = {}
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List",
                                                           "items": [*PODS, *SERVICES]}))
        for name, ingress in INGRESS.items():
            self.patch(name, {"status": {"loadBalancer": {"ingress": ingress}}}, "--subresource=status")
        running = [p["metadata"]["name"] for p in PODS if p["metadata"]["name"] != "unready-two"]
        self.kubectl("wait", "--for=condition=Ready", "pod", *running, "--timeout=60s")
        self.pods = {p["metadata"]["name"]: p["status"]["podIP"] for p in self.get("pods")["items"]}
        self.specs = {s["metadata"]["name"]: s["spec"] for s in self.get("services")["items"]}
        self.cidrs = {node: nodes.pod_cidr(node).removesuffix("0/24") for node in ADDRESSES}
        bridged = nodes.spaces.run("one", "cat", "/proc/sys/net/bridge/bridge-nf-call-iptables", check=False)
        self.bridged = bridged.stdout.strip() == "1"

    def kubectl(self, *words, **named):
        return self.nodes.kubectl("-n", NAMESPACE, *words, **named)

    def get(self, what):
        return self.nodes.get(what, NAMESPACE)

    def patch(self, name, patch, *words):
        self.kubectl("patch", "service", name, "--type=merge", "-p", json.dumps(patch), *words)

    def address(self, name):
        return self.specs[name]["clusterIP"]

    def node_port(self, name, port=0):
        return self.specs[name]["ports"][port]["nodePort"]

    # ---- asking ----

    def place(self, name):
        """How to run a Python script there: in a pod's container, on a node, or outside."""
        if "-" in name:
            return [*self.nodes.prefix, KUBECTL, "--kubeconfig", str(self.nodes.kubeconfig), "-n", NAMESPACE, "exec",
                    "-i", name, "--", "chroot", "/machine", "/usr/bin/python3"]
        return [*self.nodes.spaces.enter(name), sys.executable]

    def ask(self, place, *questions):
        if place not in self.askers:
            self.askers[place] = Asker([*self.place(place), "-u", str(ECHO), "ask"])
        return self.askers[place](questions)

    def spread(self, place, address, port=80, protocol="TCP", times=40):
        """The different answers to that many questions."""
        return set(self.ask(place, *[(protocol, address, port)] * times))

    def stop(self):
        for asker in self.askers.values():
            asker.stop()
        self.kubectl("delete", "pod", "--all", "--force", "--grace-period=0")
        self.nodes.kubectl("delete", "namespace", NAMESPACE)

    # ---- who is seen at the other end ----

    def masked(self, node, end):
        """The address of a node that is seen in a pod on node `end`."""
        if node == end:
            return self.cidrs[node] + "1"
        return self.cidrs[node] + "0" if "three" in (node, end) else ADDRESSES[node]

    def own(self, node, end):
        """A pod's own address, seen through a ClusterIP."""
        return self.pods[f"client-{node}"] if self.bridged or node != end else self.masked(node, node)


    def answers(self, place, ends=tuple(ADDRESSES), app="echo", masked=False):
        """What all ends say to one who asks there; who comes from a node has no address of its own."""
        node = place.split("-")[-1]
        seen = self.masked if masked or place in ADDRESSES else self.own
        return {f"{app}-{end} {seen(node, end)}" for end in ends}


def becomes(wanted, ask, seconds=10):
    """Asks until the answer is the wanted one."""
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert got == wanted


@pytest.fixture(scope="module", name="world")
def _world(three_nodes):
    three_nodes.kubectl("create", "namespace", NAMESPACE)
    for node, zone in ZONES.items():
        three_nodes.kubectl("label", "node", node, f"topology.kubernetes.io/zone={zone}")
        # As many ICMP errors as there are packets that are refused.
        three_nodes.run_on(node, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    three_nodes.run_on("lan", "ip", "route", "add", VIPS, "via", ADDRESSES["one"])
    world = World(three_nodes)
    yield world
    world.stop()
    three_nodes.run_on("lan", "ip", "route", "del", VIPS)
    three_nodes.kubectl("label", "node", "--all", "topology.kubernetes.io/zone-")


@pytest.fixture(scope="module", name="stranger")
def _stranger(three_nodes):
    """Another machine of the segment, whose packets to 127.0.0.1 and to external addresses go to node two."""
    name, spaces = "stranger", three_nodes.spaces
    spaces.add(name)
    spaces.connect("lan", name, name, "eth0")
    spaces.run("lan", "ip", "link", "set", name, "master", "lan")
    for command in (f"ip address add {STRANGER}/24 dev eth0", f"ip route add {VIPS} via {ADDRESSES['two']}",
                    "ip route del 127.0.0.1 table local", f"ip route add default via {LAN}"):
        spaces.run(name, *command.split())
    spaces.run(name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")
    return name


# ---- addresses and ports ----

@pytest.mark.parametrize("protocol, port", [("TCP", 80), ("UDP", 53), ("SCTP", 3868)])
def test_cluster_ip(world, protocol, port):
    for place in (*CLIENTS, *ADDRESSES):
        becomes(world.answers(place), lambda p=place: world.spread(p, world.address("cluster"), port, protocol))


def test_target_ports_by_name_and_ones_own_service(world):
    becomes(world.answers("client-one"), lambda: world.spread("client-one", world.address("named")))
    # What comes back to the pod that asks has to look as if somebody else did.
    assert world.spread("echo-one", world.address("nearest-of-one")) == {f"echo-one {world.masked('one', 'one')}"}


@pytest.mark.parametrize("index, protocol", enumerate(("TCP", "UDP", "SCTP")))
def test_node_port(world, index, protocol):
    port = world.node_port("node-port", index)
    for node, address in ADDRESSES.items():
        wanted = world.answers(node)
        for place in ("lan", *CLIENTS, *ADDRESSES):
            becomes(wanted, lambda p=place, a=address: world.spread(p, a, port, protocol))
        # Every address of the node's, but not loopback.
        neighbour = next(other for other in ADDRESSES if other != node)
        assert world.spread(neighbour, world.cidrs[node] + "1", port, protocol) == wanted
        if protocol != "SCTP":
            assert world.ask(node, (protocol, "127.0.0.1", port)) == ["refused"]


def test_external_ips(world):
    for place in (*CLIENTS, *ADDRESSES):
        becomes(world.answers(place, masked=True), lambda p=place: world.spread(p, EXTERNAL))
    assert world.spread("lan", EXTERNAL) == world.answers("one")


def test_two_services_with_one_external_address(world):
    """The first by name has it; the other is told, and gets it when that one goes."""
    assert world.spread("lan", SHARED) == world.answers("one", ["one"])

    def told():
        return any(event["reason"] == "PortAlreadyAllocated" and event["involvedObject"]["name"] == "shared-b"
                   and event["message"] == f"address {SHARED} port 80/tcp is served for Service services/shared-a and "
                   "can't be for this one" for event in world.get("events")["items"])
    wait_for(told, 10, "event")
    world.kubectl("delete", "service", "shared-a")
    becomes(world.answers("one", ["two"]), lambda: world.spread("lan", SHARED))


# ---- load balancers ----

def test_load_balancer(world):
    for port, protocol in ((80, "TCP"), (53, "UDP")):
        for place in (*CLIENTS, *ADDRESSES):
            becomes(world.answers(place, masked=True), lambda p=place: world.spread(p, BALANCED, port, protocol))
        assert world.spread("lan", BALANCED, port, protocol) == world.answers("one")
    assert world.spread("lan", ADDRESSES["two"], world.node_port("balanced")) == world.answers("two")


def test_ip_mode_proxy_goes_by_the_load_balancer(world):
    world.nodes.run_on("lan", "ip", "address", "add", f"{BALANCER}/32", "dev", "lan")
    with subprocess.Popen([*world.place("lan"), str(ECHO), "serve", "balancer", "80"]) as balancer:
        for node in ADDRESSES:
            for place in (node, f"client-{node}"):
                becomes({f"balancer {ADDRESSES[node]}"}, lambda p=place: world.spread(p, BALANCER, times=1))
        balancer.kill()
    world.nodes.run_on("lan", "ip", "address", "del", f"{BALANCER}/32", "dev", "lan")


def test_load_balancer_without_node_ports(world):
    assert "nodePort" not in world.specs["bare"]["ports"][0]
    assert world.spread("lan", BARE) == world.answers("one")
    assert world.spread("client-two", BARE) == world.answers("client-two", masked=True)


def test_load_balancer_source_ranges(world, stranger):
    assert world.spread("lan", FENCED) == world.answers("one")
    for client in CLIENTS:
        assert world.spread(client, FENCED) == world.answers(client, masked=True)
    assert world.ask(stranger, ("TCP", FENCED, 80, 0, 0.5)) == ["timeout"]
    # Nobody fences node ports.
    assert world.spread(stranger, ADDRESSES["one"], world.node_port("fenced")) == world.answers("one")
    world.patch("fenced", {"spec": {"loadBalancerSourceRanges": [f"{STRANGER}/32"]}})
    becomes(world.answers("two"), lambda: world.spread(stranger, FENCED))
    for place in ("lan", "client-two", "two", "three"):
        assert world.ask(place, ("TCP", FENCED, 80, 0, 0.5)) == ["timeout"]


# ---- which endpoints ----

def test_internal_traffic_policy_local(world):
    for place in ("two", "client-two"):
        assert world.spread(place, world.address("inner")) == world.answers(place, ["two"])
    for place in ("one", "client-one", "three", "client-three"):
        assert world.ask(place, ("TCP", world.address("inner"), 80, 0, 0.5)) == ["timeout"]


def health(world, name):
    """node -> what its health check node port tells those outside: status, endpoints."""
    port = world.specs[name]["healthCheckNodePort"]
    told = {}
    for node, address in ADDRESSES.items():
        done = world.nodes.spaces.run("lan", "curl", "-s", "--max-time", "5", "-w", "\n%{http_code}",
                                      f"http://{address}:{port}/", check=False)
        text, _, status = done.stdout.rpartition("\n")
        told[node] = int(status), text and json.loads(text)["localEndpoints"]
    return told


def test_external_traffic_policy_local(world, stranger):
    port = world.node_port("outer")
    assert world.spread("lan", ADDRESSES["one"], port) == world.spread("lan", OUTER) == {f"echo-one {LAN}"}
    assert world.spread(stranger, OUTER) == {f"echo-two {STRANGER}"}
    assert world.ask("lan", ("TCP", ADDRESSES["three"], port, 0, 0.5)) == ["timeout"]
    assert health(world, "outer") == {"one": (200, 1), "two": (200, 1), "three": (503, 0)}
    # Inside of the cluster its outer addresses lead to all endpoints, and pods keep their own.
    for place in (*CLIENTS, *ADDRESSES):
        wanted = world.answers(place, ["one", "two"])
        assert world.spread(place, OUTER) == world.spread(place, ADDRESSES[place.split("-")[-1]], port) == wanted


def test_session_affinity(world):
    cluster_ip, node_port = world.address("sticky"), world.node_port("sticky")
    for place, address, port in (*((place, cluster_ip, 80) for place in (*CLIENTS, *ADDRESSES)),
                                 ("lan", ADDRESSES["one"], node_port), ("lan", ADDRESSES["two"], node_port)):
        first = world.spread(place, address, port, times=1)
        assert world.spread(place, address, port) == first

    def remembered():
        return world.pods["client-one"] in world.nodes.run_on("one", "nft", "list", "ruleset", "ip")
    assert remembered()
    wait_for(lambda: not remembered(), 10, "end of the affinity")


def test_traffic_distribution(world):
    def check():
        for place in (*CLIENTS, *ADDRESSES):
            node = place.split("-")[-1]
            mates = [other for other in ADDRESSES if ZONES[other] == ZONES[node]]
            for name, ends in (("same-node", [node]), ("same-zone", mates), ("close", mates), ("hinted", mates),
                               ("nearest-of-one", ["one"])):
                becomes((name, world.answers(place, ends)),
                        lambda n=name, p=place: (n, world.spread(p, world.address(n))))
    check()
    ZONES["three"] = "c"
    world.kubectl("label", "node", "three", "--overwrite", "topology.kubernetes.io/zone=c")
    check()


def test_no_endpoints_is_refused_at_once(world):
    fronts = [(protocol, address, port) for index, (protocol, port) in enumerate((("TCP", 80), ("UDP", 53)))
              for address, port in ((world.address("empty"), port), (EMPTY, port),
                                    (ADDRESSES["one"], world.node_port("empty", index)))]
    for place in (*CLIENTS, *ADDRESSES):
        assert world.ask(place, *fronts) == ["refused"] * 6
    assert world.ask("lan", *(front for front in fronts if front[1] != world.address("empty"))) == ["refused"] * 4
    # A port that the Service doesn't have.
    assert world.ask("client-one", ("TCP", world.address("cluster"), 81)) == ["refused"]


def test_publish_not_ready_addresses(world):
    becomes(world.answers("client-one", ["two"], app="unready"),
            lambda: world.spread("client-one", world.address("shown")))
    assert world.ask("client-one", ("TCP", world.address("hidden"), 80)) == ["refused"]


def test_terminating_endpoints(world):
    """They serve where no others are, and only there."""
    port, cluster_ip = world.node_port("leaving"), world.address("leaving")

    def outside():
        return [world.ask("lan", ("TCP", ADDRESSES[node], port, 0, 0.5))[0] for node in ADDRESSES]
    served = [f"leaving-one {LAN}", "timeout", f"leaving-three {LAN}"]
    becomes(served, outside)
    becomes(world.answers("client-two", ["one", "three"], "leaving"), lambda: world.spread("client-two", cluster_ip))
    world.kubectl("delete", "pod", "leaving-one", "--wait=false")
    becomes(world.answers("client-two", ["three"], "leaving"), lambda: world.spread("client-two", cluster_ip))
    becomes({"one": (503, 0), "two": (503, 0), "three": (200, 1)}, lambda: health(world, "leaving"))
    assert outside() == served
    world.kubectl("delete", "pod", "leaving-three", "--wait=false")
    becomes(world.answers("client-two", ["one", "three"], "leaving"), lambda: world.spread("client-two", cluster_ip))
    assert world.spread("client-two", LEAVING) == world.answers("client-two", ["one", "three"], "leaving")
    assert outside() == served


# ---- flows of UDP ----

def test_a_udp_flow_moves_with_its_endpoint(world):
    """From one socket of each client all the time."""
    def answers():
        flows = [world.ask(place, ("UDP", address, port, 5555, 1))[0] for place, address, port in
                 (("client-two", world.address("moving"), 53), ("three", world.address("moving"), 53),
                  ("lan", ADDRESSES["two"], world.node_port("moving")))]
        return [answer.split()[0] for answer in flows]
    becomes(["echo-one"] * 3, answers)
    world.patch("moving", {"spec": {"selector": {"on": "three"}}})
    becomes(["echo-three"] * 3, answers)
    world.patch("moving", {"spec": {"selector": {"app": "nobody"}}})
    becomes(["refused"] * 3, answers)
    world.patch("moving", {"spec": {"selector": {"app": "echo", "on": "two"}}})
    becomes(["echo-two"] * 3, answers)


def test_a_udp_flow_that_was_there_before_its_service(world):
    address = "10.43.200.200"
    questions = [("UDP", address, 53, 5556, 0.2)]
    assert world.ask("client-one", *questions) == world.ask("two", *questions) == ["timeout"]
    world.kubectl("apply", "-f", "-", stdin=json.dumps(service("late", ON_ONE, DNS, clusterIP=address)))
    for place in ("client-one", "two"):
        becomes(world.answers(place, ["one"]), lambda p=place: set(world.ask(p, *questions)))


# ---- names ----

def test_headless_and_external_names(world):
    ends = {world.pods[f"echo-{node}"] for node in ADDRESSES}
    for client in CLIENTS:
        for name in ("headless", "alias"):
            done = world.kubectl("exec", client, "--", "nslookup", f"{name}.services.svc.cluster.local", check=False)
            found = {line.split()[-1] for line in done.stdout.partition("Name:")[2].splitlines() if "Address" in line}
            assert found == ends, done.stdout
            assert name == "headless" or "canonical name = headless.services.svc.cluster.local" in done.stdout


# ---- what is refused or repaired ----

@pytest.mark.parametrize("node", ["one", "two"])
def test_loopback_is_closed_to_the_segment(world, stranger, node):
    """CVE-2020-8558, with route_localnet on as other software leaves it."""
    node_port = world.node_port("node-port")
    setting = "/proc/sys/net/ipv4/conf/all/route_localnet"
    world.nodes.run_on(stranger, *f"ip route replace 127.0.0.1 via {ADDRESSES[node]} src {STRANGER}".split())
    with subprocess.Popen([*world.place(node), "-c", LOCAL_SERVER], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        questions = [("TCP", "127.0.0.1", port, 0, 0.5), ("TCP", "127.0.0.1", node_port, 0, 0.5)]
        for value in ("1", "0"):
            world.nodes.run_on(node, "sh", "-c", f"echo {value} >{setting}")
            assert world.ask(stranger, *questions) == ["timeout", "timeout"]
        assert world.ask(node, *questions) == ["local", "refused"]
        server.kill()


LOCAL_SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.sendall(b"local")
    connection.close()
"""


@pytest.mark.parametrize("address, reason", [
    ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("224.0.0.5", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
])
def test_endpoints_that_no_service_may_lead_to(world, address, reason):
    """CVE-2021-25737: refused; the Service keeps the endpoints that it has."""
    slice_of = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "by-hand"}},
                "ports": [{"name": "web", "port": 8080}], "endpoints": [{"addresses": [world.pods["echo-two"]]}]}
    world.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        slice_of, service("by-hand", None, clusterIP="10.43.200.201")]}))
    slice_of["endpoints"].append({"addresses": [address]})
    done = world.kubectl("apply", "-f", "-", stdin=json.dumps(slice_of), check=False)
    assert f'endpoints[1].addresses[0]: Invalid value: "{address}": {reason}' in done.stderr
    becomes(world.answers("client-one", ["two"]), lambda: world.spread("client-one", "10.43.200.201"))


def test_overlapping_node_ports_are_refused(world):
    port = world.node_port("node-port")
    for wrong, reason in ((port, f"{port}: provided port is already allocated"),
                          (80, "80: provided port is not in the valid range. The range of valid ports is 30000-32767")):
        clash = service("clash", ALL, dict(WEB, nodePort=wrong), type="NodePort")
        done = world.kubectl("apply", "-f", "-", stdin=json.dumps(clash), check=False)
        assert f"spec.ports[0].nodePort: Invalid value: {reason}" in done.stderr
    assert world.spread("lan", ADDRESSES["three"], port) == world.answers("three")


def test_tables_edited_by_somebody_else_are_repaired(world):
    """On each node in another way, with an event; where others have their rules, they don't notice the repair."""
    nodes, address = world.nodes, world.address("cluster")
    with subprocess.Popen([*world.place("client-three"), "-u", str(ECHO), "load", world.address("named"), "80"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout.readline() == "holding\n"
        table = next(line for line in nodes.run_on("one", "nft", "list", "tables").splitlines()
                     if line.startswith("table ip tiphys-proxy")).removeprefix("table ")
        nodes.run_on("one", "nft", f"delete table {table}")
        nodes.run_on("two", "iptables", "-t", "nat", "-F")
        nodes.run_on("two", "iptables", "-t", "nat", "-X")
        nodes.run_on("three", "nft", f"delete element {table} service-ips {{ {address} . tcp . 80 }}")
        for node in ADDRESSES:
            assert not any("echo" in answer for answer in world.ask(node, ("TCP", address, 80, 0, 0.5)))

        def told():
            return {event["involvedObject"]["name"] for event in nodes.get("events", "default")["items"]
                    if event["reason"] == "ServiceRulesRepaired"} >= set(ADDRESSES)
        wait_for(told, 25, "events")
        for node in ADDRESSES:
            becomes(world.answers(node), lambda n=node: world.spread(n, address))
        loaded = json.loads(load.communicate(timeout=10)[0])
    assert loaded["bad"] == [] and loaded["good"] > 20
