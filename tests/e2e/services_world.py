"""What test_services.py asks: three nodes of two IP families, a pod of each kind and a Service of each kind, and the
ways to ask them. The other end tells its name and the address that it sees (echo.py)."""
import json
import pathlib
import subprocess
import sys
import time

from cluster import KUBECTL
from nodes import ADDRESSES, ADDRESSES6, LAN, LAN6

ECHO = pathlib.Path(__file__).with_name("echo.py")
NAMESPACE = "services"
RANGES = ["--cluster-cidr", "10.42.0.0/16,fd00:42::/56", "--service-cluster-ip-range", "10.43.0.0/16,fd00:43::/108"]
ZONES = {"one": "a", "two": "b", "three": "b"}
CLIENTS = [f"client-{node}" for node in ADDRESSES]
# Addresses of load balancers and the like: from outside they are reached by node one, but the stranger goes by two.
VIP_RANGES = ("198.51.100.0/24", "2001:db8::/64")
EXTERNAL, SHARED, BALANCED, BALANCER, BARE, FENCED, OUTER, EMPTY, LEAVING = range(1, 10)
WEB = {"name": "web", "port": 80, "targetPort": 8080}
DNS = {"name": "dns", "port": 53, "targetPort": 5300, "protocol": "UDP"}
TEL = {"name": "tel", "port": 3868, "targetPort": 13868, "protocol": "SCTP"}
PORTS = [("TCP", 80), ("UDP", 53), ("SCTP", 3868)]


def vips(number):
    return [f"198.51.100.{number}", f"2001:db8::{number}"]


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
                     "hostNetwork": name.startswith("host-"),
                     "volumes": [{"name": "machine", "hostPath": {"path": "/"}}]}}


def service(name, selector, *ports, annotations=None, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"selector": selector, "ports": list(ports) or [WEB], "ipFamilyPolicy": "PreferDualStack", **spec}}


ALL, NEAR = {"app": "echo"}, {"app": "echo", "near": "lan"}
ON_ONE, ON_TWO = {"app": "echo", "on": "one"}, {"app": "echo", "on": "two"}
PODS = [*(pod(f"echo-{node}", node) for node in ADDRESSES),
        *(pod(f"client-{node}", node, "idle") for node in ADDRESSES),
        pod("unready-two", "two", readinessProbe={"exec": {"command": ["false"]}}),
        pod("host-three", "three"), pod("leaving-one", "one", grace=300), pod("leaving-three", "three", grace=300)]
SERVICES = [
    service("cluster", ALL, WEB, DNS, TEL),
    service("named", ALL, dict(WEB, targetPort="numbered-by-pod")),
    service("node-port", ALL, WEB, DNS, TEL, type="NodePort"),
    service("hosted", {"app": "host"}, type="NodePort"),
    service("plain", NEAR, type="NodePort"),
    service("external", ALL, externalIPs=[*vips(EXTERNAL), ADDRESSES["two"], ADDRESSES6["two"]]),
    service("shared-a", ON_ONE, externalIPs=vips(SHARED)), service("shared-b", ON_TWO, externalIPs=vips(SHARED)),
    service("balanced", ALL, WEB, DNS, type="LoadBalancer"),
    service("bare", ALL, type="LoadBalancer", allocateLoadBalancerNodePorts=False),
    service("fenced", ALL, type="LoadBalancer",
            loadBalancerSourceRanges=[f"{LAN}/32", f"{LAN6}/128", *RANGES[1].split(",")]),
    service("outer", NEAR, WEB, DNS, TEL, type="LoadBalancer", externalTrafficPolicy="Local"),
    service("inner", ON_TWO, WEB, DNS, TEL, internalTrafficPolicy="Local"),
    service("sticky", ALL, WEB, DNS, type="NodePort", sessionAffinity="ClientIP",
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
INGRESS = {"balanced": [*({"ip": ip} for ip in vips(BALANCED)), {"hostname": "balancer.example"},
                        *({"ip": ip, "ipMode": "Proxy"} for ip in vips(BALANCER))],
           "bare": [{"ip": ip, "ipMode": "VIP"} for ip in vips(BARE)],
           **{name: [{"ip": ip} for ip in vips(number)]
              for name, number in (("fenced", FENCED), ("outer", OUTER), ("empty", EMPTY), ("leaving", LEAVING))}}


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
        self.apply(*PODS, *SERVICES)
        for name, ingress in INGRESS.items():
            self.patch(name, {"status": {"loadBalancer": {"ingress": ingress}}}, "--subresource=status")
        running = [p["metadata"]["name"] for p in PODS if p["metadata"]["name"] != "unready-two"]
        self.kubectl("wait", "--for=condition=Ready", "pod", *running, "--timeout=60s")
        self.pods = {p["metadata"]["name"]: p["status"]["podIPs"] for p in self.get("pods")["items"]}
        self.specs = {s["metadata"]["name"]: s["spec"] for s in self.get("services")["items"]}
        self.families = [Family(self, False), Family(self, True)]

    def kubectl(self, *words, **named):
        return self.nodes.kubectl("-n", NAMESPACE, *words, **named)

    def get(self, what):
        return self.nodes.get(what, NAMESPACE)

    def apply(self, *items, check=True):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        return self.kubectl("apply", "-f", "-", stdin=text, check=check)

    def patch(self, name, patch, *words):
        self.kubectl("patch", "service", name, "--type=merge", "-p", json.dumps(patch), *words)

    def node_port(self, name, port=0):
        return self.specs[name]["ports"][port]["nodePort"]

    def place(self, name):
        """How to run a Python script there: in a pod's container, on a node, or outside."""
        if "-" in name:
            return [*self.nodes.prefix, KUBECTL, "--kubeconfig", str(self.nodes.kubeconfig), "-n", NAMESPACE, "exec",
                    "-i", name, "--", "chroot", "/machine", "/usr/bin/python3"]
        return [*self.nodes.spaces.enter(name), sys.executable]

    def ask(self, place, *questions):
        """One answer for each question, which are the arguments of echo.py's ask()."""
        if place not in self.askers:
            self.askers[place] = Asker([*self.place(place), "-u", str(ECHO), "ask"])
        return self.askers[place](questions)

    def spread(self, place, address, port=80, protocol="TCP", times=40):
        """The different answers to that many questions."""
        return set(self.ask(place, *[(protocol, address, port)] * times))

    def stop(self):
        for asker in self.askers.values():
            asker.stop()


class Family:
    """What IPv4, or IPv6, sees of that world."""

    def __init__(self, world, six):
        self.world, self.six = world, six
        self.nodes = ADDRESSES6 if six else ADDRESSES
        self.lan = LAN6 if six else LAN
        self.stranger = "fd00:30::66" if six else "172.30.0.66"
        self.pods = {name: self.mine(ip["ip"] for ip in ips) for name, ips in world.pods.items()}
        ranges = {node: self.mine(world.nodes.get("node", name=node)["spec"]["podCIDRs"]) for node in ADDRESSES}
        self.cidrs = {node: cidr.removesuffix("/64" if six else "0/24") for node, cidr in ranges.items()}
        name = f"/proc/sys/net/bridge/bridge-nf-call-{'ip6' if six else 'ip'}tables"
        self.bridged = world.nodes.spaces.run("one", "cat", name, check=False).stdout.strip() == "1"

    def mine(self, addresses):
        return next(address for address in addresses if (":" in address) == self.six)

    def address(self, name):
        return self.mine(self.world.specs[name]["clusterIPs"])

    def vip(self, number):
        return self.mine(vips(number))

    def masked(self, node, end):
        """The address of a node that is seen in a pod on node `end`."""
        if node == end:
            return self.cidrs[node] + "1"
        if "three" not in (node, end):
            return self.nodes[node]
        return self.cidrs[node] + ("" if self.six else "0")

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
    assert got == wanted, f"{got} instead of {wanted}"
