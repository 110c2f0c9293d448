"""Both ends of a Service's connection, run by the machine's own Python in containers (chroot to the mounted machine)
and in network namespaces.

echo.py serve NAME [PORT]   on TCP PORT (8080), UDP 5300 and SCTP 13868: tells each who comes NAME and the address that
                            it sees; then says what it is told
echo.py ask          a line of JSON, a list of questions (see ask()) -> a line of JSON, the list of answers
echo.py load ADDRESS PORT   until standard input ends, connects again and again, while one connection stays open
                     -> a line when that is so, and a line of JSON: {"good": number of connections, "bad": errors}
echo.py idle         waits
"""
import concurrent.futures
import json
import random
import select
import signal
import socket
import struct
import sys
import threading

SCTP, INIT, INIT_ACK = 132, 1, 2


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def sctp_packet(source, destination, tag, kind, text=b""):
    """An SCTP packet with one INIT or INIT ACK; text stands in a parameter that nobody knows."""
    extra = struct.pack("!HH", 0x8999, 4 + len(text)) + text + bytes(-len(text) % 4) if text else b""
    chunk = struct.pack("!BBHIIHHI", kind, 0, 20 + len(extra), 7, 1 << 16, 1, 1, 1) + extra
    head = struct.pack("!HHI", source, destination, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def shown(address):
    return address.removeprefix("::ffff:")


def serve_tcp(name, port):
    def talk(connection, peer):
        connection.sendall(f"{name} {shown(peer[0])}\n".encode())
        while data := connection.recv(64):
            connection.sendall(data)
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True)
    while True:
        threading.Thread(target=talk, args=listener.accept(), daemon=True).start()


def serve_udp(name, _):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", 5300))
    while True:
        _, peer = server.recvfrom(64)
        server.sendto(f"{name} {shown(peer[0])}".encode(), peer)


class Sctp:
    """The kernel's own SCTP is seldom there: the first two packets of an association, by hand."""

    def __init__(self, family):
        self.socket = socket.socket(family, socket.SOCK_RAW, SCTP)
        self.header = 20 if family == socket.AF_INET else 0

    def receive(self):
        """Ports, kind of the chunk, its tag and text, the sender."""
        packet, peer = self.socket.recvfrom(256)
        packet = packet[self.header:].ljust(32, b"\0")
        return struct.unpack_from("!HH", packet), packet[12], packet[16:20], packet[36:].rstrip(b"\0"), peer


def serve_sctp(name, family):
    server = Sctp(family)
    while True:
        (source, destination), kind, tag, _, peer = server.receive()
        if destination == 13868 and kind == INIT:
            text = f"{name} {peer[0]}".encode()
            server.socket.sendto(sctp_packet(destination, source, int.from_bytes(tag, "big"), INIT_ACK, text), peer)


def ask_sctp(family, address, port, source, seconds):
    asker = Sctp(family)
    asker.socket.settimeout(seconds)
    asker.socket.sendto(sctp_packet(source, port, 0, INIT), (address, 0))
    while True:
        ports, kind, _, text, peer = asker.receive()
        if peer[0] == address and ports == (port, source) and kind == INIT_ACK:
            return text.decode()


def ask(protocol, address, port, source=0, seconds=2):
    """What the other end said, or "refused", "timeout", another error's name."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        if protocol == "SCTP":
            return ask_sctp(family, address, port, source or random.randrange(40000, 60000), seconds)
        with socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM) as asker:
            asker.settimeout(seconds)
            if family == socket.AF_INET6:
                asker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            asker.bind(("", source))
            asker.connect((address, port))
            if protocol == "UDP":
                asker.send(b"?")
            return asker.recv(64).decode().strip()
    except (ConnectionRefusedError, PermissionError):  # a datagram that this very machine rejects
        return "refused"
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return error.strerror


def load(address, port):
    good, bad = 0, []
    with socket.create_connection((address, port), 5) as held:
        held.recv(64)
        print("holding", flush=True)
        while not select.select([sys.stdin], [], [], 0.02)[0]:
            answer = ask("TCP", address, port)
            held.sendall(b"still there?")
            good += " " in answer and held.recv(64) == b"still there?"
            if " " not in answer:
                bad.append(answer)
    print(json.dumps({"good": good, "bad": bad}))


def main(mode, name="", port="8080"):
    if mode == "load":
        return load(name, int(port))
    if mode == "ask":
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            for line in sys.stdin:
                print(json.dumps(list(pool.map(lambda question: ask(*question), json.loads(line)))), flush=True)
        return None
    # The first process of a container gets only signals that it handles: this one stays for its time of grace.
    servers = ((serve_tcp, port), (serve_udp, None), (serve_sctp, socket.AF_INET), (serve_sctp, socket.AF_INET6))
    for server, what in servers if mode == "serve" else ():
        threading.Thread(target=server, args=(name, what), daemon=True).start()
    return signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
