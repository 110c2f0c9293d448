"""exec, attach, cp, port-forward, run and debug with real kubectl, over WebSockets and SPDY, and what hostile
clients and commands do to them."""
import concurrent.futures
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import termios
import time
import urllib.request

import pytest

from cluster import KUBECTL, ROOT, wait_for
from rest import Rest

OLD_KUBECTL = str(ROOT / "build/bin/kubectl-1.27")
SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}
# Each way a client may take.
CLIENTS = [pytest.param(KUBECTL, {}, id="websocket"), pytest.param(KUBECTL, SPDY, id="spdy"),
           pytest.param(OLD_KUBECTL, {}, id="v1.27")]
PODS = [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"},
     "spec": {"terminationGracePeriodSeconds": 0, "containers": [
         {"name": "main", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
          "command": ["sh", "-c", "while true; do sleep 1; done"]},
         {"name": "echo", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "stdin": True,
          "command": ["sh", "-c", "while read line; do echo got $line; done; sleep 3600"]}]}},
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
     "spec": {"terminationGracePeriodSeconds": 0, "containers": [
         {"name": "nginx", "image": "nginx:1.9.1", "imagePullPolicy": "IfNotPresent"}]}},
]


@pytest.fixture(scope="module")
def pods(cluster):
    """The namespace of two running pods: box (containers main and echo) and web (nginx)."""
    name = "t-streams"
    cluster.kubectl("create", "namespace", name)
    for pod in PODS:
        cluster.kubectl("create", "-n", name, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "-n", name, "pod/box", "pod/web", "--for=condition=Ready", "--timeout=60s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


def command(cluster, namespace, *arguments, program=KUBECTL):
    return [program, "--kubeconfig", str(cluster.kubeconfig), "--cache-dir", str(cluster.folder / "cache"),
            "-n", namespace, *arguments]


def run(cluster, namespace, *arguments, program=KUBECTL, stdin=b"", env=None, timeout=60):
    return subprocess.run(command(cluster, namespace, *arguments, program=program), input=stdin, check=False,
                          capture_output=True, timeout=timeout, env={**os.environ, **(env or {})})


def counts(cluster, family):
    text = cluster.out("get", "--raw", "/metrics")
    return {code: int(n) for code, n in re.findall(rf'^{family}{{code="(\d+)"}} (\d+)$', text, re.M)}


# ---- exec ----

@pytest.mark.parametrize("program, env", CLIENTS)
def test_exec(cluster, pods, program, env):
    def execute(*arguments, **named):
        return run(cluster, pods, "exec", *arguments, program=program, env=env, **named)

    done = execute("box", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.stderr == b"err\ncommand terminated with exit code 3\n"
    assert execute("box", "-c", "main", "--", "true").returncode == 0
    done = execute("box", "-c", "main", "-i", "--", "sh", "-c", "cat; echo end", stdin=b"a\nb\n")
    assert (done.returncode, done.stdout) == (0, b"a\nb\nend\n")
    # Words arrive as they were.
    done = execute("box", "-c", "main", "--", "printf", "%s|", "a b", "", "$HOME", "*", "é&=?;+%")
    assert done.stdout.decode() == "a b||$HOME|*|é&=?;+%|"
    done = execute("box", "-c", "main", "--", "no-such-program")
    assert done.returncode != 0 and b"no such file or directory" in done.stderr + done.stdout or \
        b"executable file not found" in done.stderr


@pytest.mark.parametrize("program, env", CLIENTS)
def test_exec_of_50_mb_both_ways(cluster, pods, program, env):
    data = os.urandom(1 << 20) * 50
    done = run(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "cat", program=program, env=env, stdin=data)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()
    done = run(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "sha256sum", program=program, env=env, stdin=data)
    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, arguments, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(arguments[0], arguments, {**os.environ, **(env or {})})
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=20):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.text!r}"
            if not select.select([self.fd], [], [], left)[0]:
                continue
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            assert part, f"no {pattern!r} in {self.text!r}, which ended"
            self.text += part.decode(errors="replace")
        self.text = self.text[re.search(pattern, self.text).end():]

    def exit_code(self):
        with contextlib.suppress(OSError):
            while os.read(self.fd, 65536):
                pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("program, env", CLIENTS)
def test_terminal_with_resize(cluster, pods, program, env):
    terminal = Terminal(command(cluster, pods, "exec", "-it", "box", "-c", "main", "--", "sh", program=program), env)
    terminal.resize(30, 100)
    terminal.expect(r"# ")
    terminal.type("tty; echo te''st\n")
    terminal.expect(r"/dev/(pts/\d+|console)\s+test")
    for rows, columns in ((30, 100), (41, 132)):
        terminal.resize(rows, columns)

        def resized(rows=rows, columns=columns):
            terminal.type("stty size\n")
            terminal.expect(r"\d+ \d+\r\n.*# ")
            terminal.type("stty size\n")
            with contextlib.suppress(AssertionError):
                terminal.expect(rf"{rows} {columns}\r\n", 1)
                return True

        wait_for(resized, 20, f"size {rows} {columns}")
    terminal.type("\x03exit 7\n")
    assert terminal.exit_code() == 7


def test_exec_says_what_is_wrong(cluster, pods):
    def refused(*arguments, env=None):
        done = run(cluster, pods, "exec", *arguments, env=env)
        assert done.returncode == 1
        return done.stderr.decode()

    for env in ({}, SPDY):
        assert 'pods "none" not found' in refused("none", "--", "true", env=env)
        assert "container none is not valid for pod box" in refused("box", "-c", "none", "--", "true", env=env)
    cluster.kubectl("run", "-n", pods, "ended", "--image=busybox:1.36", "--image-pull-policy=IfNotPresent",
                    "--restart=Never", "--command", "--", "true")
    wait_for(lambda: cluster.get("pod", pods, "ended")["status"]["phase"] == "Succeeded", 30, "end")
    for env in ({}, SPDY):
        assert "cannot exec into a container in a completed pod" in refused("ended", "--", "true", env=env)
    # kubectl would not send these.
    base = f"/api/v1/namespaces/{pods}/pods"
    for query, wanted in (("box/exec?container=main&command=true", "you must specify at least 1 of stdin, stdout, stderr"),
                          ("ended/exec?stdout=true&command=true", 'container not found ("ended")'),
                          ("ended/attach?stdout=true", f"container ended not found in pod ended_{pods}"),
                          ("ended/portforward", f'pod not found ("ended_{pods}")')):
        answer = spdy_request(cluster, f"{base}/{query}")
        assert wanted in answer, answer
    refused_over_websocket = WebSocket(cluster, f"{base}/ended/exec?stdout=true&command=true")
    messages = list(refused_over_websocket.messages())
    assert messages[0] == b"\x01"
    assert json.loads(messages[1][1:])["message"] == \
        'Internal error occurred: unable to upgrade connection: container not found ("ended")'


# ---- raw clients ----

def tls(cluster):
    """A connection to the API server as the administrator."""
    plain = socket.create_connection(("127.0.0.1", cluster.port), timeout=20)
    return Rest(cluster).context.wrap_socket(plain, server_hostname="127.0.0.1")


def head(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: api", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def spdy_head(path, protocol="v4.channel.k8s.io"):
    return head("POST", path, {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol})


def spdy_request(cluster, path):
    """What the server answers to a SPDY upgrade that it refuses."""
    with tls(cluster) as connection:
        connection.sendall(spdy_head(path))
        text = b""
        while b"\r\n\r\n" not in text or not text.split(b"\r\n\r\n", 1)[1]:
            part = connection.recv(65536)
            if not part:
                break
            text += part
        return text.decode()


class WebSocket:
    """A WebSocket of v5.channel.k8s.io that says what no decent client would."""

    def __init__(self, cluster, path, protocol="v5.channel.k8s.io"):
        self.connection = tls(cluster)
        self.connection.sendall(head("GET", path, {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": protocol}))
        self.rest = b""
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.connection.recv(1)
        assert b" 101 " in answer.splitlines()[0], answer

    def send(self, payload, opcode=2, final=True):
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        self.connection.sendall(bytes([(0x80 if final else 0) | opcode]) + length + bytes(4) + payload)

    def take(self, size):
        while len(self.rest) < size:
            part = self.connection.recv(65536)
            if not part:
                raise EOFError
            self.rest += part
        out, self.rest = self.rest[:size], self.rest[size:]
        return out

    def messages(self):
        """Until the server closes; the last is its close frame, as 'closed <status>'."""
        while True:
            try:
                first, length = self.take(2)
                if length == 126:
                    length = struct.unpack(">H", self.take(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", self.take(8))[0]
                payload = self.take(length)
            except (EOFError, ConnectionError, ssl.SSLError):
                return
            if first & 15 == 8:
                yield f"closed {struct.unpack('>H', payload[:2])[0]}"
                return
            yield payload

    def close(self):
        self.connection.close()


def exec_path(namespace, *words, **flags):
    query = "&".join([*(f"command={w}" for w in words), *(f"{k}={v}" for k, v in flags.items())])
    return f"/api/v1/namespaces/{namespace}/pods/box/exec?container=main&{query}"


def test_websocket_channels(cluster, pods):
    one = WebSocket(cluster, exec_path(pods, "cat", stdin="true", stdout="true", stderr="true"))
    one.send(b"\0he", final=False)
    one.send(b"ping", opcode=9)
    one.send(b"llo", opcode=0)
    one.send(b"\xff\0")
    messages = list(one.messages())
    assert messages[0] == b"\1"
    assert b"ping" in messages
    assert b"".join(m[1:] for m in messages if m[:1] == b"\1") == b"hello"
    status = [json.loads(m[1:]) for m in messages if m[:1] == b"\3"]
    assert status == [{"metadata": {}, "status": "Success"}]
    assert messages[-1] == "closed 1000"


def test_what_websocket_clients_may_not_say(cluster, pods):
    path = exec_path(pods, "sleep", "60", stdin="true", stdout="true")
    for bad in (b"\x82\x01x",                              # no mask
                b"\xf2\x80" + bytes(4),                    # reserved bits
                b"\x83\x80" + bytes(4),                    # unknown opcode
                b"\x89\xfe\x10\x00" + bytes(4),            # a long ping
                b"\x82\xff" + struct.pack(">Q", 1 << 62),  # a frame without end
                b"\x80\x80" + bytes(4),                    # continues nothing
                b"\x82\x83" + bytes(4) + b"\xff\x00\x01",  # closes two channels
                b"\x82\x82" + bytes(4) + b"\xff\x09"):     # closes a channel there is not
        one = WebSocket(cluster, path)
        one.connection.sendall(bad)
        if bad[1] == 0xff:
            one.connection.sendall(bytes(4))
        assert list(one.messages())[-1] == "closed 1002", bad
    # Channels that nobody reads, and sizes that are none, change nothing.
    one = WebSocket(cluster, exec_path(pods, "cat", stdin="true", stdout="true"))
    for message in (b"\1x", b"\3x", b"\x09x", b"\x04{", b"\x04" + b"x" * 5000, b"", b"\0ok", b"\xff\0"):
        one.send(message)
    assert b"".join(m[1:] for m in one.messages() if m[:1] == b"\1") == b"ok"


def test_what_spdy_clients_may_not_say(cluster, pods):
    runtime = int(subprocess.run(["pgrep", "-f", f"containerd --config {cluster.data}"], capture_output=True,
                                 text=True, check=True).stdout.split()[0])
    paths = {exec_path(pods, "sleep", "60", stdin="true", stdout="true"): "v4.channel.k8s.io",
             f"/api/v1/namespaces/{pods}/pods/web/portforward": "portforward.k8s.io"}
    for path, protocol in paths.items():
        for bad in (b"\x80\x02\x00\x01\x00\x00\x00\x00",                      # version 2
                    b"\x80\x03\x00\x01\x00\xff\xff\xff",                      # a control frame of 16 MiB
                    b"\x80\x03\x00\x01\x00\x00\x00\x0e" + bytes(3) + b"\1" + bytes(6) + b"junk",
                    b"\x00\x00\x00\x00\x00\x00\x00\x01x",                      # stream 0
                    b"\x80\x03\x00\x06\x00\x00\x00\x05" + bytes(5)):          # a long ping
            with tls(cluster) as connection:
                connection.sendall(spdy_head(path, protocol))
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(1)
                assert b" 101 " in answer.splitlines()[0], answer
                connection.sendall(bad)
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    assert connection.recv(65536) == b"", bad
    assert pathlib.Path(f"/proc/{runtime}").exists()
    assert run(cluster, pods, "exec", "box", "-c", "main", "--", "echo", "alive").stdout == b"alive\n"


def server_rss(cluster):
    for line in pathlib.Path(f"/proc/{cluster.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) >> 10
    return 0


def open_files(cluster):
    return len(list(pathlib.Path(f"/proc/{cluster.process.pid}/fd").iterdir()))


def processes(word):
    """Processes of pods whose command line has the word."""
    found = subprocess.run(["pgrep", "-f", "--", word], capture_output=True, text=True, check=False).stdout.split()
    return [pid for pid in found if pid != str(os.getpid())]


@pytest.mark.parametrize("env", [{}, SPDY], ids=["websocket", "spdy"])
def test_endless_output_that_nobody_reads(cluster, pods, env):
    before, files = server_rss(cluster), open_files(cluster)
    word = f"endless-{cluster.port}"
    readers = []
    try:
        for _ in range(5):
            readers.append(subprocess.Popen(
                command(cluster, pods, "exec", "box", "-c", "main", "--", "yes", word),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **env}))
        for reader in readers:
            assert reader.stdout.read(10)
            reader.send_signal(signal.SIGSTOP)
        # The server answers others meanwhile, and what it holds for these does not grow.
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            started = time.monotonic()
            assert cluster.out("get", "--raw", "/readyz") == "ok"
            done = run(cluster, pods, "exec", "box", "-c", "main", "--", "echo", "alive")
            assert done.stdout == b"alive\n" and time.monotonic() - started < 5
        assert server_rss(cluster) - before < 48
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
            reader.stdout.close()
    # The connections end with the clients. (The commands wait on: containerd ends no exec of its own accord.)
    wait_for(lambda: open_files(cluster) <= files + 5, 20, "closed connections")
    run(cluster, pods, "exec", "box", "-c", "main", "--", "sh", "-c", "kill -9 $(pidof yes)")
    wait_for(lambda: not processes(word), 20, "end of the commands")


def test_nothing_is_left_of_200_commands(cluster, pods):
    def execute(number):
        return run(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "sh", "-c", f"cat; exit {number % 3}",
                   stdin=b"x", env=SPDY if number % 2 else {}).returncode

    assert execute(0) == 0
    before = open_files(cluster)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert list(pool.map(execute, range(200))) == [n % 3 for n in range(200)]
    wait_for(lambda: open_files(cluster) <= before + 5, 20, "closed connections")
    assert not processes("cat; exit")


def test_a_client_that_leaves_ends_the_stream(cluster, pods):
    before = open_files(cluster)
    for env in ({}, SPDY):
        client = subprocess.Popen(
            command(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "sh", "-c", "echo on; cat; : left-alone"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env})
        assert client.stdout.read(3) == b"on\n"
        client.kill()
        client.communicate()
    wait_for(lambda: not processes("left-alone"), 20, "end of the commands")
    wait_for(lambda: open_files(cluster) <= before + 5, 20, "closed connections")


def test_a_command_may_outlive_its_client(cluster, pods):
    """Its input ends with the client, and so does all that the kubelet held for them. When the command ends is its own
    affair, as the CRI has no call for it."""
    before = open_files(cluster)
    word = f"outlives-{cluster.port}"
    script = f"echo on; cat; echo ended >>/tmp/{word}; while :; do sleep 1; done"
    clients = [subprocess.Popen(command(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "sh", "-c", script),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **env})
               for env in [{}, SPDY] * 5]
    for client in clients:
        assert client.stdout.read(3) == b"on\n"
    for client in clients:
        client.kill()
        client.communicate()
    left = []
    try:
        wait_for(lambda: run(cluster, pods, "exec", "box", "-c", "main", "--", "cat", f"/tmp/{word}").stdout ==
                 b"ended\n" * len(clients), 20, "end of each input")
        wait_for(lambda: open_files(cluster) <= before + 2, 20, "closed connections")
        left = processes(word)
        assert len(left) == len(clients), "they go on"
    finally:
        for pid in left or processes(word):
            os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: not processes(word), 20, "end of the commands")
    assert run(cluster, pods, "exec", "box", "-c", "main", "--", "echo", "alive").stdout == b"alive\n"
    wait_for(lambda: open_files(cluster) <= before + 2, 20, "nothing held for them")


# ---- attach, run, debug ----

@pytest.mark.parametrize("program, env", CLIENTS)
def test_attach(cluster, pods, program, env):
    client = subprocess.Popen(command(cluster, pods, "attach", "-i", "box", "-c", "echo", program=program),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, **env})
    client.stdin.write(b"hello\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"got hello\n"
    client.kill()
    client.communicate()


def test_run_interactively_and_remove(cluster, pods):
    arguments = ["run", "once", "-i", "--rm", "--restart=Never", "--image=busybox:1.36",
                 "--image-pull-policy=IfNotPresent", "--", "sh", "-c", "cat; echo done"]
    done = run(cluster, pods, *arguments, stdin=b"typed\n")
    assert done.returncode == 0, done.stderr
    assert b"typed\ndone\n" in done.stdout
    wait_for(lambda: cluster.kubectl("get", "pod", "once", "-n", pods, check=False).returncode == 1, 30, "removal")


def test_run_on_a_terminal(cluster, pods):
    terminal = Terminal(command(cluster, pods, "run", "tty", "-it", "--rm", "--restart=Never", "--image=busybox:1.36",
                                "--image-pull-policy=IfNotPresent", "--", "sh"))
    terminal.expect(r"# |enter\.", 40)
    terminal.type("echo he''llo; tty\n")
    terminal.expect(r"hello\s+/dev/")
    terminal.type("exit\n")
    assert terminal.exit_code() == 0


def test_debug(cluster, pods):
    """An ephemeral container, attached to, executed in and logged."""
    # Its input isn't closed with the client's (no stdinOnce): the client stays until the container ends.
    client = subprocess.Popen(
        command(cluster, pods, "debug", "box", "-i", "--image=busybox:1.36", "--image-pull-policy=IfNotPresent",
                "-c", "one", "--target=main", "--", "sh", "-c", "read x; echo got $x; ps | grep -c 'while tru[e]'"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    client.stdin.write(b"typed\n")
    client.stdin.flush()
    assert client.stdout.readline().startswith(b"Targeting container")
    assert client.stdout.read() == b"got typed\n1\n"
    client.communicate()
    run(cluster, pods, "debug", "box", "--image=busybox:1.36", "--image-pull-policy=IfNotPresent", "-c", "two", "--",
        "sh", "-c", "echo logged; sleep 3600")
    wait_for(lambda: run(cluster, pods, "exec", "box", "-c", "two", "--", "echo", "in").stdout == b"in\n", 30, "exec")
    assert run(cluster, pods, "logs", "box", "-c", "two").stdout == b"logged\n"
    terminal = Terminal(command(cluster, pods, "debug", "box", "-it", "--image=busybox:1.36", "-c", "three",
                                "--image-pull-policy=IfNotPresent", "--", "sh"))
    terminal.expect(r"# |enter\.", 40)
    terminal.type("echo he''llo; tty\n")
    terminal.expect(r"hello\s+/dev/")
    terminal.type("exit\n")
    assert terminal.exit_code() == 0


# ---- cp ----

@pytest.mark.parametrize("program, env", CLIENTS)
def test_cp_of_a_folder_both_ways(cluster, pods, program, env, tmp_path):
    source = tmp_path / "from"
    (source / "sub").mkdir(parents=True)
    (source / "a").write_text("one")
    (source / "sub/big").write_bytes(os.urandom(5 << 20))
    where = "/tmp/" + tmp_path.name
    done = run(cluster, pods, "cp", str(source), f"box:{where}", "-c", "main", program=program, env=env)
    assert done.returncode == 0, done.stderr
    done = run(cluster, pods, "cp", f"box:{where}", str(tmp_path / "back"), "-c", "main", program=program, env=env)
    assert done.returncode == 0, done.stderr
    for name in ("a", "sub/big"):
        assert (tmp_path / "back" / name).read_bytes() == (source / name).read_bytes()


# ---- port-forward ----

class Forward:
    """kubectl port-forward to the web pod; ports[i] is the local port of the i-th one."""

    def __init__(self, cluster, namespace, *remote, program=KUBECTL, env=None):
        self.process = subprocess.Popen(
            command(cluster, namespace, "port-forward", "pod/web", *(f":{p}" for p in remote), program=program),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})})
        self.ports = []
        while len(self.ports) < len(remote):
            line = self.process.stdout.readline()
            assert line, "port-forward ended"
            found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", line)
            if found:
                self.ports.append(int(found.group(1)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def fetch(port, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read()


@pytest.mark.parametrize("program, env", CLIENTS)
def test_port_forward(cluster, pods, program, env):
    run(cluster, pods, "exec", "web", "--", "sh", "-c", "[ -f /usr/share/nginx/html/big ] || "
        "dd if=/dev/urandom of=/tmp/big bs=1M count=100 && find / -xdev -name index.html -exec "
        "sh -c 'mv /tmp/big $(dirname {})/big' ';'")
    wanted = run(cluster, pods, "exec", "web", "--", "sh", "-c",
                 "sha256sum $(find / -xdev -name big)").stdout.split()[0].decode()
    with Forward(cluster, pods, 80, 80, program=program, env=env) as forward:
        assert all(b"nginx" in fetch(port).lower() for port in forward.ports)
        assert hashlib.sha256(fetch(forward.ports[0], "/big")).hexdigest() == wanted
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            pages = list(pool.map(lambda _: fetch(forward.ports[1]), range(100)))
        assert all(b"nginx" in page.lower() for page in pages)


@pytest.mark.parametrize("program, env", CLIENTS)
def test_port_that_nobody_listens_on(cluster, pods, program, env):
    with Forward(cluster, pods, 81, program=program, env=env) as forward:
        with socket.create_connection(("127.0.0.1", forward.ports[0]), timeout=20) as connection:
            assert connection.recv(10) == b""
        said = ""
        while "an error occurred forwarding" not in said:
            line = forward.process.stdout.readline()
            assert line, said
            said += line
    assert f"an error occurred forwarding {forward.ports[0]} -> 81: error forwarding port 81 to pod" in said
    assert "connection refused" in said


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
def test_client_node(cluster, pods, protocol):
    script = pathlib.Path(__file__).parent / "client_node_exec.js"
    done = subprocess.run(["node", str(script), str(cluster.kubeconfig), pods, protocol], capture_output=True,
                          text=True, timeout=60, check=False,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NODE_PATH": str(ROOT / "build/e2e/node_modules")})
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_way_was_taken(cluster, pods):
    """The tests above went through the translator and the tunnel where they said so."""
    assert counts(cluster, "apiserver_stream_translator_requests_total")["200"] > 20
    assert counts(cluster, "apiserver_stream_tunnel_requests_total")["101"] >= 2


# ---- the kubelet's own endpoints, and its end ----

def test_run_endpoint_of_the_kubelet(cluster, pods):
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    base = f"/api/v1/nodes/{node}/proxy/run/{pods}"

    def post(path):
        done = cluster.kubectl("create", "--raw", base + path, "-f", "/dev/null", check=False)
        return done.stdout + done.stderr

    assert post("/box/main?cmd=echo%20hello%20run") == "hello run\n"
    uid = cluster.get("pod", pods, "box")["metadata"]["uid"]
    assert post(f"/box/{uid}/main?cmd=echo%20uid") == "uid\n"
    assert "command 'false' exited with 1:" in post("/box/main?cmd=false")
    assert r'container not found (\"main\")' in post("/box/0000/main?cmd=true")
    assert "NotFound" in post("/none/main?cmd=true")


def test_stop_with_open_streams(cluster, pods):
    clients = [subprocess.Popen(command(cluster, pods, "exec", "-i", "box", "-c", "main", "--", "cat"),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env={**os.environ, **env}) for env in ({}, SPDY)]
    clients.append(subprocess.Popen(command(cluster, pods, "attach", "-i", "box", "-c", "echo"),
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    for client in clients:
        client.stdin.write(b"open\n")
        client.stdin.flush()
        assert b"open" in client.stdout.readline()
    with Forward(cluster, pods, 80) as forward:
        assert fetch(forward.ports[0])
        started = time.monotonic()
        assert cluster.stop() == 0
        assert time.monotonic() - started < 15
        for client in clients:
            client.communicate(timeout=20)
        assert clients[0].returncode != 0  # SPDY clients take a stream that breaks off for one that ends
    cluster.start()
    wait_for(lambda: run(cluster, pods, "exec", "box", "-c", "main", "--", "echo", "back").stdout == b"back\n", 20,
             "exec after the start")
