# SPDX-License-Identifier: Apache-2.0
"""A server that takes pushed documents, or other bodies, and answers as a test says."""
import dataclasses
import gzip
import http.server
import json
import socket
import threading
import time


@dataclasses.dataclass
class Received:
    seconds: float  # monotonic
    path: str
    headers: object
    document: object
    status: int


def gzipped_json(body):
    return json.loads(gzip.decompress(body))


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Receiver:
    """Answers each POST on 127.0.0.1 with answer(document), which gives (status, {header: value}, text), until stop().

    answer may block: each connection has a thread. decode makes documents of bodies; with https where `tls` is a context.
    """

    def __init__(self, answer=lambda document: (200, {}, '{"status": "ok", "accepted": 1}'), port=0, decode=gzipped_json,
                 tls=None):
        self.received = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                document = decode(body)
                arrived = time.monotonic()
                status, headers, text = answer(document)
                receiver.received.append(Received(arrived, self.path, self.headers, document, status))
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass  # a connection that the other side broke off

        self._server = Server(("127.0.0.1", port), Handler)
        if tls:  # each connection's thread shakes hands
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def documents(self, status=200):
        """What was answered so, in the order of its coming."""
        return [received.document for received in list(self.received) if received.status == status]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
