# SPDX-License-Identifier: Apache-2.0
"""A name server that a test plays: A, AAAA and SRV records over UDP and TCP, and faults."""
import ipaddress
import os
import socket
import socketserver
import struct
import tempfile
import threading

A, AAAA, SRV = 1, 28, 33
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
MOST_UDP_BYTES = 512


def _name(text):
    labels = [label.encode() for label in text.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _question(packet):
    """(name, type, its bytes)"""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack("!H", packet[at + 1:at + 3])[0], packet[12:at + 5]


def _record(kind, data):
    return struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(data)) + data  # 0xC00C: the question's name


class DnsServer:
    """On port 53 of an address of 127.0.0.0/8; needs root. Tests set what it knows and how it fails."""

    ADDRESS = "127.77.53.1"

    def __init__(self):
        self.addresses = {}  # name: its addresses, IPv4 and IPv6; a name without any exists all the same
        self.services = {}   # name: [(host, port)]
        self.fails = set()   # types answered with SERVFAIL
        self.is_silent = False
        self.asked = []      # (name, type, "udp" or "tcp")
        server = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                answer = server.answer(packet, "udp", MOST_UDP_BYTES)
                if answer:
                    sock.sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while head := self.rfile.read(2):
                    answer = server.answer(self.rfile.read(struct.unpack("!H", head)[0]), "tcp", 65535)
                    if answer:
                        self.wfile.write(struct.pack("!H", len(answer)) + answer)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._servers = [socketserver.ThreadingUDPServer((self.ADDRESS, 53), Udp),
                         socketserver.ThreadingTCPServer((self.ADDRESS, 53), Tcp)]
        for one in self._servers:
            one.daemon_threads = True
            threading.Thread(target=one.serve_forever, daemon=True).start()
        self._files = tempfile.TemporaryDirectory(prefix="cloud-monitor-e2e-dns.")

    def answer(self, packet, transport, most_bytes):
        name, kind, question = _question(packet)
        self.asked.append((name, kind, transport))
        if self.is_silent:
            return None
        known = name in self.addresses or name in self.services
        code = SERVFAIL if kind in self.fails else NOERROR if known else NXDOMAIN
        records = self._records(name, kind) if code == NOERROR else []
        for is_cut in (False, True):
            kept = [] if is_cut else records
            flags = 0x8180 | code | (0x0200 if is_cut else 0)
            head = packet[:2] + struct.pack("!HHHHH", flags, 1, len(kept), 0, 0)
            answer = head + question + b"".join(kept)
            if len(answer) <= most_bytes:
                return answer
        raise AssertionError("a question of 512 bytes")

    def _records(self, name, kind):
        if kind == SRV:
            return [_record(SRV, struct.pack("!HHH", 0, 1, port) + _name(host))
                    for host, port in self.services.get(name, ())]
        addresses = [ipaddress.ip_address(text) for text in self.addresses.get(name, ())]
        version = {A: 4, AAAA: 6}.get(kind)
        return [_record(kind, address.packed) for address in addresses if address.version == version]

    def prefix(self, search="", ndots=5):
        """Goes before a command, which then asks this server and no other: it gets a resolv.conf of its own."""
        path = os.path.join(self._files.name, "resolv.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"nameserver {self.ADDRESS}\noptions ndots:{ndots}\n" + (f"search {search}\n" if search else ""))
        return ["unshare", "--mount", "sh", "-c", f"mount --bind {path} /etc/resolv.conf && exec \"$@\"", "sh"]

    def stop(self):
        for one in self._servers:
            one.shutdown()
            one.server_close()
        self._files.cleanup()


def obstacle():
    """Why this machine cannot have such a server, or None."""
    if os.geteuid() != 0:
        return "port 53 and a resolv.conf of one's own need root"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((DnsServer.ADDRESS, 53))
    except OSError as e:
        return f"port 53 is not free: {e}"
    return None
