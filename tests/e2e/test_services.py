"""Every type and policy of Services, by real connections across three nodes: from pods, from nodes, from the world
outside, by IPv4 and IPv6. Node two has its rules in iptables, the others have theirs in nftables."""
import json
import re
import subprocess
import tempfile

import pytest

from cluster import TIPHYS, wait_for
from nodes import ADDRESSES, LAN, LAN6, Nodes
from services_world import (BALANCED, BALANCER, BARE, CLIENTS, DNS, ECHO, EMPTY, EXTERNAL, FENCED, LEAVING, NAMESPACE,
                            ALL, ON_ONE, OUTER, PORTS, RANGES, SHARED, VIP_RANGES, WEB, ZONES, World, becomes, service)

PLACES = (*CLIENTS, *ADDRESSES)


def node_of(place):
    return place.split("-")[-1]


@pytest.fixture(scope="module", name="world")
def _world(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-services-") as folder:
        nodes = Nodes(folder, [images / "busybox.tar"], 7, RANGES)
        try:
            nodes.start()
            nodes.kubectl("create", "namespace", NAMESPACE)
            for node, zone in ZONES.items():
                nodes.kubectl("label", "node", node, f"topology.kubernetes.io/zone={zone}")
                # As many ICMP errors as there are packets that are refused.
                for family in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
                    nodes.run_on(node, "sh", "-c", f"echo 0 >/proc/sys/net/{family}")
            world = World(nodes)
            external_by(nodes, "lan", world, "one")
            add_stranger(nodes, world)
            yield world
            world.stop()
        finally:
            nodes.purge()


def external_by(nodes, place, world, node):
    """From there, addresses of load balancers and the like are reached by that node."""
    for vips, net in zip(VIP_RANGES, world.families):
        nodes.run_on(place, "ip", "route", "add", vips, "via", net.nodes[node])


def join_segment(nodes, name, *addresses):
    """Another machine of the segment."""
    nodes.spaces.add(name)
    nodes.spaces.connect("lan", name, name, "eth0")
    nodes.run_on("lan", "ip", "link", "set", name, "master", "lan")
    for address in addresses:
        nodes.run_on(name, "ip", "address", "add", f"{address}/{64 if ':' in address else 24}", "dev", "eth0", "nodad")
    for anything, gateway in (("0.0.0.0/0", LAN), ("::/0", LAN6)):
        nodes.run_on(name, "ip", "route", "add", anything, "via", gateway)


STRANGER = "stranger"


def add_stranger(nodes, world):
    """Who may send its packets for 127.0.0.1 to others."""
    join_segment(nodes, STRANGER, *(net.stranger for net in world.families))
    external_by(nodes, STRANGER, world, "two")
    nodes.run_on(STRANGER, "ip", "route", "del", "127.0.0.1", "table", "local")
    nodes.run_on(STRANGER, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")


@pytest.fixture(name="net", params=[0, 1], ids=["v4", "v6"])
def _net(world, request):
    return world.families[request.param]


# ---- addresses and ports ----

@pytest.mark.parametrize("protocol, port", PORTS)
def test_cluster_ip(world, net, protocol, port):
    for place in PLACES:
        becomes(net.answers(place), lambda p=place: world.spread(p, net.address("cluster"), port, protocol))


def test_target_ports_by_name_and_ones_own_service(world, net):
    becomes(net.answers("client-one"), lambda: world.spread("client-one", net.address("named")))
    # What comes back to the pod that asks has to look as if somebody else did.
    for node in ADDRESSES:
        assert world.spread(f"echo-{node}", net.address("same-node")) == {f"echo-{node} {net.masked(node, node)}"}


@pytest.mark.parametrize("index, protocol", enumerate(("TCP", "UDP", "SCTP")))
def test_node_port(world, net, index, protocol):
    port = world.node_port("node-port", index)
    for node, address in net.nodes.items():
        wanted = net.answers(node)
        for place in ("lan", *PLACES):
            becomes(wanted, lambda p=place, a=address: world.spread(p, a, port, protocol))
        # Every address of the node's, but not loopback.
        neighbour = next(other for other in ADDRESSES if other != node)
        assert world.spread(neighbour, net.cidrs[node] + "1", port, protocol) == wanted
        if protocol != "SCTP":
            assert world.ask(node, (protocol, "::1" if net.six else "127.0.0.1", port)) == ["refused"]


def test_pods_of_the_hosts_network(world, net):
    for place in PLACES:
        seen = net.pods[place] if place == "client-three" else net.nodes[node_of(place)]
        assert world.spread(place, net.address("hosted")) == {f"host-three {seen}"}
    port = world.node_port("hosted")
    assert world.spread("lan", net.nodes["one"], port) == {f"host-three {net.nodes['one']}"}
    assert world.spread("lan", net.nodes["three"], port) == {f"host-three {net.lan}"}


def test_external_ips(world, net):
    for place in PLACES:
        becomes(net.answers(place, masked=True), lambda p=place: world.spread(p, net.vip(EXTERNAL)))
    assert world.spread("lan", net.vip(EXTERNAL)) == net.answers("one")
    # A node's own address is one, too.
    assert world.spread("lan", net.nodes["two"]) == net.answers("two")
    assert world.spread("client-one", net.nodes["two"]) == net.answers("client-one", masked=True)


def test_two_services_with_one_external_address(world):
    """The first by name has it; the other is told, and gets it when that one goes."""
    for net in world.families:
        assert world.spread("lan", net.vip(SHARED)) == net.answers("one", ["one"])

    def told():
        said = {event["message"] for event in world.get("events")["items"]
                if event["reason"] == "PortAlreadyAllocated" and event["involvedObject"]["name"] == "shared-b"}
        return said == {f"address {net.vip(SHARED)} port 80/tcp is served for Service services/shared-a and can't be "
                        "for this one" for net in world.families}
    wait_for(told, 10, "events")
    world.kubectl("delete", "service", "shared-a")
    for net in world.families:
        becomes(net.answers("one", ["two"]), lambda n=net: world.spread("lan", n.vip(SHARED)))


# ---- load balancers ----

def test_load_balancer(world, net):
    for port, protocol in ((80, "TCP"), (53, "UDP")):
        for place in PLACES:
            becomes(net.answers(place, masked=True),
                    lambda p=place: world.spread(p, net.vip(BALANCED), port, protocol))
        assert world.spread("lan", net.vip(BALANCED), port, protocol) == net.answers("one")
        assert world.spread(STRANGER, net.vip(BALANCED), port, protocol) == net.answers("two")
    assert world.spread("lan", net.nodes["two"], world.node_port("balanced")) == net.answers("two")


def test_ip_mode_proxy_goes_by_the_load_balancer(world, net):
    where = (f"{net.vip(BALANCER)}/{128 if net.six else 32}", "dev", "lan")
    world.nodes.run_on("lan", "ip", "address", "add", *where)
    with subprocess.Popen([*world.place("lan"), str(ECHO), "serve", "balancer", "80"]) as balancer:
        for place in PLACES:
            becomes({f"balancer {net.nodes[node_of(place)]}"},
                    lambda p=place: world.spread(p, net.vip(BALANCER), times=1))
        balancer.kill()
    world.nodes.run_on("lan", "ip", "address", "del", *where)


def test_load_balancer_without_node_ports(world, net):
    assert "nodePort" not in world.specs["bare"]["ports"][0]
    assert world.spread("lan", net.vip(BARE)) == net.answers("one")
    assert world.spread("client-two", net.vip(BARE)) == net.answers("client-two", masked=True)


def test_load_balancer_source_ranges(world):
    for net in world.families:
        assert world.spread("lan", net.vip(FENCED)) == net.answers("one")
        for client in CLIENTS:
            assert world.spread(client, net.vip(FENCED)) == net.answers(client, masked=True)
        assert world.ask(STRANGER, ("TCP", net.vip(FENCED), 80, 0, 0.5)) == ["timeout"]
        # Nobody fences node ports.
        assert world.spread(STRANGER, net.nodes["one"], world.node_port("fenced")) == net.answers("one")
    world.patch("fenced", {"spec": {"loadBalancerSourceRanges": ["172.30.0.66/32", "fd00:30::66/128"]}})
    fenced = [("TCP", net.vip(FENCED), 80, 0, 0.5) for net in world.families]
    for net in world.families:
        becomes(net.answers("two"), lambda n=net: world.spread(STRANGER, n.vip(FENCED)))
    for place in ("lan", "client-two", "two", "three"):
        becomes(["timeout", "timeout"], lambda p=place: world.ask(p, *fenced))  # each node in its time


# ---- which endpoints ----

def test_internal_traffic_policy_local(world, net):
    address = net.address("inner")
    for protocol, port in PORTS:
        for place in ("two", "client-two"):
            assert world.spread(place, address, port, protocol) == net.answers(place, ["two"])
    questions = [(protocol, address, port, 0, 0.5) for protocol, port in PORTS]
    for node in ("one", "three"):
        assert world.ask(f"client-{node}", *questions) == ["timeout"] * 3
        # A node is told at once that it may not send a datagram.
        assert world.ask(node, *questions) == ["timeout", "refused", "refused"]


def health(world, net, name):
    """node -> what its health check node port tells those outside: status, endpoints."""
    port = world.specs[name]["healthCheckNodePort"]
    told = {}
    for node, address in net.nodes.items():
        host = f"[{address}]" if net.six else address
        done = world.nodes.spaces.run("lan", "curl", "-s", "--max-time", "5", "-w", "\\n%{http_code}",
                                      f"http://{host}:{port}/", check=False)
        text, _, status = done.stdout.rpartition("\n")
        told[node] = int(status), text and json.loads(text)["localEndpoints"]
    return told


def test_external_traffic_policy_local(world, net):
    for index, (protocol, port) in enumerate(PORTS):
        node_port = world.node_port("outer", index)
        by_node = world.spread("lan", net.nodes["one"], node_port, protocol)
        assert by_node == world.spread("lan", net.vip(OUTER), port, protocol) == {f"echo-one {net.lan}"}
        assert world.spread(STRANGER, net.vip(OUTER), port, protocol) == {f"echo-two {net.stranger}"}
        assert world.ask("lan", (protocol, net.nodes["three"], node_port, 0, 0.5)) == ["timeout"]
        # Inside of the cluster its outer addresses lead to all endpoints, and pods keep their own.
        for place in PLACES:
            own = world.spread(place, net.nodes[node_of(place)], node_port, protocol)
            assert own == world.spread(place, net.vip(OUTER), port, protocol) == net.answers(place, ["one", "two"])
    assert health(world, net, "outer") == {"one": (200, 1), "two": (200, 1), "three": (503, 0)}


def test_session_affinity(world, net):
    node_port = world.node_port("sticky")
    for place, address, port, protocol in (
            *((place, net.address("sticky"), port, protocol) for place in PLACES for protocol, port in PORTS[:2]),
            *(("lan", net.nodes[node], node_port, "TCP") for node in ADDRESSES)):
        first = world.spread(place, address, port, protocol, times=1)
        assert world.spread(place, address, port, protocol) == first

    def remembered():
        return net.pods["client-one"] in world.nodes.run_on("one", "nft", "list", "ruleset", "ip6" if net.six else "ip")
    assert remembered()
    wait_for(lambda: not remembered(), 10, "end of the affinity")


def test_traffic_distribution(world):
    def check():
        for net in world.families:
            for place in PLACES:
                node = node_of(place)
                mates = [other for other in ADDRESSES if ZONES[other] == ZONES[node]]
                for name, ends in (("same-node", [node]), ("same-zone", mates), ("close", mates), ("hinted", mates),
                                   ("nearest-of-one", ["one"])):
                    becomes((name, net.answers(place, ends)),
                            lambda n=name, p=place, w=net: (n, world.spread(p, w.address(n), times=16)))
    check()
    ZONES["three"] = "c"
    world.nodes.kubectl("label", "node", "three", "--overwrite", "topology.kubernetes.io/zone=c")
    check()


def test_no_endpoints_is_refused_at_once(world, net):
    fronts = [(protocol, address, port) for index, (protocol, port) in enumerate(PORTS[:2])
              for address, port in ((net.address("empty"), port), (net.vip(EMPTY), port),
                                    (net.nodes["one"], world.node_port("empty", index)))]
    for place in PLACES:
        assert world.ask(place, *fronts) == ["refused"] * 6
    assert world.ask("lan", *(front for front in fronts if front[1] != net.address("empty"))) == ["refused"] * 4
    # A port that the Service doesn't have.
    assert world.ask("client-one", ("TCP", net.address("cluster"), 81)) == ["refused"]


def test_publish_not_ready_addresses(world, net):
    becomes(net.answers("client-one", ["two"], app="unready"),
            lambda: world.spread("client-one", net.address("shown")))
    assert world.ask("client-one", ("TCP", net.address("hidden"), 80)) == ["refused"]


def test_services_of_another_proxy(world):
    net, label = world.families[0], "service.kubernetes.io/service-proxy-name"
    for place in CLIENTS:
        assert world.spread(place, net.address("plain")) == net.answers(place, ["one", "two"])
    world.kubectl("label", "service", "plain", f"{label}=other")
    for place in CLIENTS:
        becomes(False, lambda p=place: "echo" in world.ask(p, ("TCP", net.address("plain"), 80, 0, 0.5))[0])
    world.kubectl("label", "service", "plain", f"{label}-")
    for place in CLIENTS:
        becomes(net.answers(place, ["one", "two"]), lambda p=place: world.spread(p, net.address("plain")))


def test_terminating_endpoints(world):
    """They serve where no others are, and only there."""
    port = world.node_port("leaving")

    def outside():
        return [world.ask("lan", *(("TCP", net.nodes[node], port, 0, 0.5) for node in ADDRESSES))
                for net in world.families]

    def inside(ends):
        for net in world.families:
            wanted = net.answers("client-two", ends, "leaving")
            becomes(wanted, lambda n=net: world.spread("client-two", n.address("leaving")))
            assert world.spread("client-two", net.vip(LEAVING)) == wanted
    served = [[f"leaving-one {net.lan}", "timeout", f"leaving-three {net.lan}"] for net in world.families]
    becomes(served, outside)
    inside(["one", "three"])
    world.kubectl("delete", "pod", "leaving-one", "--wait=false")
    inside(["three"])
    becomes({"one": (503, 0), "two": (503, 0), "three": (200, 1)}, lambda: health(world, world.families[0], "leaving"))
    assert outside() == served
    world.kubectl("delete", "pod", "leaving-three", "--wait=false")
    inside(["one", "three"])
    assert outside() == served


# ---- flows of UDP ----

def test_a_udp_flow_moves_with_its_endpoint(world):
    """From one socket of each client all the time."""
    port = world.node_port("moving")

    def answers():
        flows = [(place, address, at) for net in world.families for place, address, at in (
            ("client-two", net.address("moving"), 53), ("three", net.address("moving"), 53),
            ("lan", net.nodes["two"], port))]
        return [world.ask(place, ("UDP", address, at, 5555, 1))[0].split()[0] for place, address, at in flows]
    becomes(["echo-one"] * 6, answers)
    world.patch("moving", {"spec": {"selector": {"on": "three"}}})
    becomes(["echo-three"] * 6, answers)
    world.patch("moving", {"spec": {"selector": {"app": "nobody"}}})
    becomes(["refused"] * 6, answers)
    world.patch("moving", {"spec": {"selector": {"app": "echo", "on": "two"}}})
    becomes(["echo-two"] * 6, answers)


def test_a_udp_flow_that_was_there_before_its_service(world):
    addresses = ["10.43.200.200", "fd00:43::c8c8"]
    questions = [("UDP", address, 53, 5556, 0.2) for address in addresses]
    for place in ("client-one", "two"):
        assert not any("echo" in answer for answer in world.ask(place, *questions))
    world.apply(service("late", ON_ONE, DNS, clusterIP=addresses[0], clusterIPs=addresses))
    for place in ("client-one", "two"):
        wanted = [net.answers(place, ["one"]) for net in world.families]
        becomes(wanted, lambda p=place: [{answer} for answer in world.ask(p, *questions)])


# ---- names ----

def test_headless_and_external_names(world):
    ends = {net.pods[f"echo-{node}"] for node in ADDRESSES for net in world.families}
    for client in CLIENTS:
        for name in ("headless", "alias"):
            done = world.kubectl("exec", client, "--", "nslookup", f"{name}.services.svc.cluster.local", check=False)
            found = {line.split()[-1] for line in done.stdout.partition("Name:")[2].splitlines() if "Address" in line}
            assert found == ends, done.stdout
            assert name == "headless" or "canonical name = headless.services.svc.cluster.local" in done.stdout


# ---- what is refused or repaired ----

@pytest.mark.parametrize("node", ["one", "two"])
def test_loopback_is_closed_to_the_segment(world, node):
    """CVE-2020-8558, with route_localnet on as other software leaves it."""
    node_port = world.node_port("node-port")
    setting = "/proc/sys/net/ipv4/conf/all/route_localnet"
    world.nodes.run_on(STRANGER, "ip", "route", "replace", "127.0.0.1", "via", ADDRESSES[node], "src", "172.30.0.66")
    with subprocess.Popen([*world.place(node), "-c", LOCAL_SERVER], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        questions = [("TCP", "127.0.0.1", port, 0, 0.5), ("TCP", "127.0.0.1", node_port, 0, 0.5)]
        for value in ("1", "0"):
            world.nodes.run_on(node, "sh", "-c", f"echo {value} >{setting}")
            assert world.ask(STRANGER, *questions) == ["timeout", "timeout"]
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
    ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
])
def test_endpoints_that_no_service_may_lead_to(world, address, reason):
    """CVE-2021-25737: refused; the Service keeps the endpoints that it has."""
    six = ":" in address
    net, by_hand = world.families[six], f"by-hand-{6 if six else 4}"
    slice_of = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv6" if six else "IPv4",
                "metadata": {"name": by_hand, "labels": {"kubernetes.io/service-name": by_hand}},
                "ports": [{"name": "web", "port": 8080}], "endpoints": [{"addresses": [net.pods["echo-two"]]}]}
    front = "fd00:43::c8c9" if six else "10.43.200.201"
    world.apply(slice_of, service(by_hand, None, clusterIP=front, ipFamilyPolicy="SingleStack"))
    slice_of["endpoints"].append({"addresses": [address]})
    done = world.apply(slice_of, check=False)
    assert f'endpoints[1].addresses[0]: Invalid value: "{address}": {reason}' in done.stderr
    becomes(net.answers("client-one", ["two"]), lambda: world.spread("client-one", front))


def test_overlapping_node_ports_are_refused(world):
    net, port = world.families[0], world.node_port("node-port")
    for wrong, reason in ((port, f"{port}: provided port is already allocated"),
                          (80, "80: provided port is not in the valid range. The range of valid ports is 30000-32767")):
        done = world.apply(service("clash", ALL, dict(WEB, nodePort=wrong), type="NodePort"), check=False)
        assert f"spec.ports[0].nodePort: Invalid value: {reason}" in done.stderr
    assert world.spread("lan", ADDRESSES["three"], port) == net.answers("three")


# ---- proxies that come and go ----

CONFIG = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {kubeconfig}}}
hostnameOverride: edge
clusterCIDR: {ranges}
mode: {mode}
nodePortAddresses: [172.30.0.67/32, "fd00:30::67/128"]
conntrack: {{maxPerCore: 0}}
"""


def test_a_proxy_alone_with_node_ports_on_some_addresses(world):
    """On a machine of the segment that is no node; in each mode, the second takes the place of the first."""
    nodes, name, port = world.nodes, "edge", world.node_port("plain")
    # Masqueraded is by the first, and by the last of IPv6.
    join_segment(nodes, name, "172.30.0.67", "172.30.0.68", "fd00:30::68", "fd00:30::67")
    for node in ("one", "two"):
        for net in world.families:
            cidr = net.cidrs[node] + ("/64" if net.six else "0/24")
            nodes.run_on(name, "ip", "route", "add", cidr, "via", net.nodes[node])
    for mode in ("nftables", "iptables"):
        file = nodes.folder / f"{mode}.yaml"
        file.write_text(CONFIG.format(kubeconfig=nodes.kubeconfig, ranges=RANGES[1], mode=mode))
        with open(nodes.folder / f"{mode}.log", "wb") as log:
            proxy = subprocess.Popen([*nodes.spaces.enter(name), TIPHYS, "kube-proxy", "--config", str(file)],
                                     stderr=log)
        try:
            wait_for(lambda m=mode: nodes.curl(name, "http://127.0.0.1:10249/proxyMode") == m, 10, mode)
            for served, other in (("172.30.0.67", "172.30.0.68"), ("fd00:30::67", "fd00:30::68")):
                becomes({f"echo-one {served}", f"echo-two {served}"}, lambda a=served: world.spread("lan", a, port))
                assert world.ask("lan", ("TCP", other, port)) == ["refused"]
        finally:
            proxy.terminate()
            assert proxy.wait(20) == 0
        tables = nodes.run_on(name, "nft", "list", "tables")
        assert ("tiphys-proxy" in tables) == (mode == "nftables")


def test_tables_edited_by_somebody_else_are_repaired(world):
    """On each node in another way, with an event; where others have their rules, they don't notice the repair."""
    nodes, net = world.nodes, world.families[0]
    address = net.address("cluster")
    with subprocess.Popen([*world.place("client-three"), "-u", str(ECHO), "load", net.address("named"), "80"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout.readline() == "holding\n"
        table = next(line for line in nodes.run_on("one", "nft", "list", "tables").splitlines()
                     if line.startswith("table ip tiphys-proxy")).removeprefix("table ")
        nodes.run_on("one", "nft", f"delete table {table}")
        nodes.run_on("two", "iptables", "-t", "nat", "-F")
        nodes.run_on("two", "iptables", "-t", "nat", "-X")
        services = nodes.run_on("three", "nft", "-a", "list", "chain", *table.split(), "services")
        rule, handle = re.search(r"(ip daddr .* vmap @service-ips) # handle (\d+)", services).groups()
        nodes.run_on("three", "nft", f"replace rule {table} services handle {handle} ip daddr != {address} {rule}")
        for node in ADDRESSES:
            assert not any("echo" in answer for answer in world.ask(node, ("TCP", address, 80, 0, 0.5)))

        def told():
            return {event["involvedObject"]["name"] for event in nodes.get("events", "default")["items"]
                    if event["reason"] == "ServiceRulesRepaired"} >= set(ADDRESSES)
        wait_for(told, 25, "events")
        for node in ADDRESSES:
            becomes(net.answers(node), lambda n=node: world.spread(n, address))
        loaded = json.loads(load.communicate(timeout=10)[0])
    assert loaded["bad"] == [] and loaded["good"] > 20


def test_rules_stay_without_the_proxy_and_follow_when_it_is_back(world):
    net = world.families[0]
    for node in ("two", "three"):
        agent = world.nodes.agents[node]
        assert agent.stop() == 0
        assert world.spread("lan", net.nodes[node], world.node_port("plain")) == net.answers(node, ["one", "two"])
        end = "three" if node == "two" else "one"
        world.patch("moving", {"spec": {"selector": {"app": "echo", "on": end}}})
        agent.start()
        becomes(net.answers(node, [end]), lambda n=node: world.spread(n, net.address("moving"), 53, "UDP"), 20)
