"""Pods that tell who asks, and their name: small web servers on each node."""
import json
import subprocess
import sys

# Plain addresses: httpd says [fd00::1], and [::ffff:10.0.0.1] for IPv4.
WHO = r"""mkdir -p /www/cgi-bin
cat >/www/cgi-bin/who <<END
#!/bin/sh
printf '\r\n'
echo \$REMOTE_ADDR $NAME | sed 's/[][]//g;s/::ffff://'
END
chmod +x /www/cgi-bin/who
echo serving
exec httpd -f -p {port} -h /www
"""
# busybox built without a resolver has no wget; the answer is all after the empty line.
GET = "printf 'GET /cgi-bin/who HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} {port} | sed '1,/^.\\?$/d'"


def web(name, node, port=8080, **spec):
    container = {"name": "web", "image": "busybox", "imagePullPolicy": "IfNotPresent",
                 "command": ["sh", "-c", WHO.format(port=port)], "env": [{"name": "NAME", "value": name}],
                 "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
                 "ports": [spec.pop("exposed", {"containerPort": port})]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web", "on": node}},
            "spec": dict({"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]}, **spec)}


def service(name, selector, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": dict({"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}, **spec)}


def create(nodes, *items):
    nodes.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    names = [item["metadata"]["name"] for item in items if item["kind"] == "Pod"]
    if names:
        nodes.kubectl("wait", "--for=condition=Ready", "pod", *names, "--timeout=60s")


def who(address, port=8080):
    """The URL that asks it."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/cgi-bin/who"


def asked_by(nodes, pod, address, port=8080):
    return nodes.exec(pod, "sh", "-c", GET.format(address=address, port=port)).strip()


OUTSIDE_SERVER = """
import socket
listener = socket.create_server(("::", 8090), family=socket.AF_INET6, dualstack_ipv6=True)
print("listening")
while True:
    connection, (address, *_) = listener.accept()
    connection.close()
    print(address.removeprefix("::ffff:"))
"""


def sources_outside(nodes, webs, address):
    """node -> the address that its web pod has for a server outside of the cluster, which is at `address`."""
    server = subprocess.Popen([*nodes.spaces.enter("lan"), sys.executable, "-uc", OUTSIDE_SERVER],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "listening\n"
        found = {}
        for node in webs:
            nodes.exec(f"web-{node}", "nc", "-w", "5", address, "8090")
            found[node] = server.stdout.readline().strip()
        return found
    finally:
        server.kill()
        server.wait()
