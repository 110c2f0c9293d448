"""Three nodes on one machine, each in a network namespace of its own: a server and two agents that join it by token.

            lan (bridge, 172.30.0.254: the world outside)
      +------------+-------------+
   172.30.0.1   172.30.0.2    router 172.30.0.253 | 172.31.0.254
     one          two                                172.31.0.3
   (server)  (agent, iptables)                       three (agent): not on the others' segment

The same hosts have fd00:30::1 and so on, for clusters with IPv6.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess

from cluster import TIPHYS, Cluster, wait_for

LAN, ROUTER, OUTSIDE = "172.30.0.254", "172.30.0.253", "172.31.0.254"
QUICK_LEASES = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
                "nodeLeaseDurationSeconds": 4, "healthzPort": 0}
ADDRESSES = {"one": "172.30.0.1", "two": "172.30.0.2", "three": "172.31.0.3"}
LAN6, ROUTER6, OUTSIDE6 = "fd00:30::254", "fd00:30::253", "fd00:31::254"
ADDRESSES6 = {"one": "fd00:30::1", "two": "fd00:30::2", "three": "fd00:31::3"}
PROXY_MODES = {"two": "iptables"}  # the others: nftables
POD_CIDR, SERVICE_CIDR = "10.42.0.0/16", "10.43.0.0/16"
# Hosts, width of a segment, lan, router on both sides, the segment of three.
FAMILIES = [(ADDRESSES, 24, LAN, ROUTER, OUTSIDE, "172.31.0.0/24"),
            (ADDRESSES6, 64, LAN6, ROUTER6, OUTSIDE6, "fd00:31::/64")]


def run(*arguments, check=True, timeout=60, stdin=None):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout, input=stdin,
                          check=False)
    assert not check or done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
    return done


class Namespaces:
    """Network namespaces by name; what runs in one sees the machine's own mounts (ip-netns-exec would lay a /sys of
    its own over them, without the control groups)."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.made = []

    def add(self, name):
        run("ip", "netns", "del", self.prefix + name, check=False)
        run("ip", "netns", "add", self.prefix + name)
        self.made.append(name)
        self.run(name, "ip", "link", "set", "lo", "up")

    def enter(self, name):
        """The words before a command that runs there."""
        return ["nsenter", f"--net=/run/netns/{self.prefix}{name}", "--"]

    def run(self, name, *arguments, **named):
        return run(*self.enter(name), *arguments, **named)

    def connect(self, one, device, other, peer):
        self.run(one, "ip", "link", "add", device, "type", "veth", "peer", "name", peer, "netns", self.prefix + other)
        self.run(one, "ip", "link", "set", device, "up")
        self.run(other, "ip", "link", "set", peer, "up")

    def remove(self):
        for name in self.made:
            run("ip", "netns", "del", self.prefix + name, check=False)
        self.made = []


def make_lan(spaces):
    for name in ("lan", "router", *ADDRESSES):
        spaces.add(name)
    spaces.run("lan", "ip", "link", "add", "lan", "type", "bridge")
    spaces.run("lan", "ip", "link", "set", "lan", "up")
    for name in ("one", "two", "router"):
        spaces.connect("lan", name, name, "eth0")
        spaces.run("lan", "ip", "link", "set", name, "master", "lan")
    spaces.connect("router", "far", "three", "eth0")
    for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        spaces.run("router", "sh", "-c", f"echo 1 >/proc/sys/net/{switch}")
    for family in FAMILIES:
        give_addresses(spaces, *family)


def give_addresses(spaces, hosts, bits, lan, router, outside, far):
    def give(name, device, address):
        spaces.run(name, "ip", "address", "add", f"{address}/{bits}", "dev", device, "nodad")

    def route(name, destination, gateway):
        spaces.run(name, "ip", "route", "add", destination, "via", gateway)
    give("lan", "lan", lan)
    give("router", "eth0", router)
    give("router", "far", outside)
    for name in ("lan", "one", "two"):
        if name in hosts:
            give(name, "eth0", hosts[name])
        route(name, far, router)
    give("three", "eth0", hosts["three"])
    anything = "::/0" if ":" in lan else "0.0.0.0/0"
    for name, gateway in (("one", lan), ("two", lan), ("three", outside), ("router", lan)):
        route(name, anything, gateway)


class Agent:
    def __init__(self, nodes, name):
        self.nodes, self.name = nodes, name
        self.folder = nodes.folder / name
        self.data = self.folder / "data"
        self.data.mkdir(parents=True)
        self.log = self.folder / "agent.log"
        self.cgroup_root = f"{nodes.cgroup_root}-{name}"
        self.process = None

    def arguments(self, *more):
        return ["agent", "--server", self.nodes.url, "--data-dir", str(self.data), "--hostname-override", self.name,
                "--bridge-name", self.nodes.bridge, "--cgroup-root", self.cgroup_root, "--config", str(self.nodes.config),
                "--proxy-mode", PROXY_MODES.get(self.name, "nftables"), *more]

    def start(self, *more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.nodes.spaces.enter(self.name), TIPHYS, *self.arguments(*more)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        return self.process and self.process.returncode

    def lose(self):
        """The machine's end, as others see it: no process of it is left, nothing is said."""
        self.stop(signal.SIGKILL)
        inode = os.stat(f"/run/netns/{self.nodes.spaces.prefix}{self.name}").st_ino
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                ours = os.stat(f"/proc/{pid}/ns/net").st_ino == inode
                if ours or str(self.data) in pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass

    def tail(self, lines=40):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.name}\n" + "\n".join(text.splitlines()[-lines:])

    def purge(self):
        self.stop()
        run(*self.nodes.spaces.enter(self.name), TIPHYS, "purge", "--data-dir", self.data, "--bridge-name",
            self.nodes.bridge, "--cgroup-root", self.cgroup_root, timeout=120)
        left = self.nodes.run_on(self.name, "ip", "route", "show", "proto", "84")
        left += self.nodes.run_on(self.name, "ip", "-6", "route", "show", "proto", "84")
        left += self.nodes.run_on(self.name, "ip", "-br", "link", "show", "type", "vxlan")
        left += self.nodes.run_on(self.name, "ip", "-br", "link", "show", "type", "bridge")
        assert not left, f"purge left of {self.name}: {left}"
        shutil.rmtree(self.data, ignore_errors=True)


class Nodes(Cluster):
    """The methods of Cluster are the server's, node "one". Agents are told nothing but how to join; words and config
    are more flags and fields of a KubeletConfiguration of the server alone."""

    def __init__(self, folder, images=(), number=4, words=(), config=None):
        super().__init__(folder, number)
        self.words = list(words)
        self.images = list(images)
        self.spaces = Namespaces(f"{self.bridge}-")
        self.prefix = self.spaces.enter("lan")
        self.url = f"https://{self.host()}:{self.port}"
        self.config = self.folder / "kubelet.json"
        self.config.write_text(json.dumps(QUICK_LEASES))
        self.server_config = self.folder / "server.json"
        self.server_config.write_text(json.dumps(dict(QUICK_LEASES, **(config or {}))))
        self.agents = {name: Agent(self, name) for name in ADDRESSES if name != "one"}

    def host(self):
        """That others reach the server by: of the first family of its ranges."""
        return f"[{ADDRESSES6['one']}]" if any(word.startswith("fd") for word in self.words) else ADDRESSES["one"]

    def arguments(self):
        return ["server", "--data-dir", str(self.data), "--secure-port", str(self.port), "--bridge-name", self.bridge,
                "--cgroup-root", self.cgroup_root, "--node-name", "one", "--write-kubeconfig", str(self.kubeconfig),
                "--kubelet-config", str(self.server_config), "--node-monitor-grace-period=10s", *self.words]

    def command(self):
        return [*self.spaces.enter("one"), TIPHYS, *self.arguments()]

    def start(self, ready=True):
        make_lan(self.spaces)
        for data in (self.data, *(agent.data for agent in self.agents.values())):
            (data / "images").mkdir(exist_ok=True)
            for image in self.images:
                (data / "images" / pathlib.Path(image).name).symlink_to(image)
        super().start(ready=False)
        wait_for(self.kubeconfig.exists, 30, "kubeconfig")
        words = self.join_words()
        for agent in self.agents.values():
            agent.start(*words)
        if ready:
            self.wait_nodes()
        return self

    def token(self, *arguments):
        return run(*self.prefix, TIPHYS, "token", *arguments, "--kubeconfig", self.kubeconfig, check=False)

    def join_words(self):
        """What a node that joins is told, as --print-join-command says it."""
        line = wait_for(lambda: self.token("create", "--print-join-command").stdout.split(), 30, "token")
        assert line[:4] == ["tiphys", "agent", "--server", self.url], line
        return line[4:]

    def ready(self):
        return {node["metadata"]["name"] for node in self.get("nodes")["items"]
                if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))}

    def wait_nodes(self, seconds=60):
        try:
            wait_for(lambda: self.ready() == set(ADDRESSES), seconds, "three ready nodes")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), self.tail(), *(a.tail() for a in self.agents.values())])) \
                from None

    def curl(self, node, url, seconds=5):
        """What the URL answers there; None: nothing."""
        done = self.spaces.run(node, "curl", "-g", "-s", "-S", "--max-time", seconds, url, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def exec(self, pod, *command, **named):
        return self.out("exec", pod, "--", *command, **named)

    def run_on(self, node, *command, **named):
        return self.spaces.run(node, *command, **named).stdout

    def routes(self, node, family="-4"):
        """destination -> route, of the node's table."""
        text = self.run_on(node, "ip", family, "-j", "route")
        return {route["dst"]: route for route in json.loads(text)}

    def pod_cidr(self, node):
        return self.out("get", "node", node, "-o", "jsonpath={.spec.podCIDR}")

    def purge(self):
        failures = []
        for part in (*self.agents.values(), super()):
            try:
                part.purge()
            except (AssertionError, subprocess.SubprocessError) as error:
                failures.append(str(error))
        self.spaces.remove()
        assert not failures, failures


def leftovers(prefix):
    return [name for name in os.listdir("/run/netns") if name.startswith(prefix)]
