# SPDX-License-Identifier: Apache-2.0
"""Targets that a test invents: an HTTP server whose answer to /metrics is a function of the test's own."""
import http.server
import socket
import threading
import time


class FakeTarget:
    """Serves answer(handler) for each GET on a free port of `host` until stop(); with https where `tls` is a context."""

    def __init__(self, answer, host="127.0.0.1", port=0, tls=None):
        self.requests = 0
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                target.requests += 1
                try:
                    answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the scraper has had enough

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_):
                pass  # a connection that the other side broke off

        self._server = Server((host, port), Handler)
        if tls:  # each connection's thread shakes hands, so that a client that does not holds nobody up
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def send(handler, body, content_type="text/plain; version=0.0.4", **headers):
    """A whole answer with status 200."""
    data = body if isinstance(body, bytes) else body.encode()
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(data)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def counting_page(pod="web-1", namespace="shop", cores=0.5, memory_bytes=1 << 20, node=None):
    """An answer with cAdvisor's names: one pod of two containers that uses `cores` since the epoch."""
    def answer(handler):
        seconds = time.time() * cores / 2 % 1e7
        lines = ["# TYPE container_cpu_usage_seconds_total counter", "# TYPE container_memory_usage_bytes gauge",
                 "# TYPE container_memory_working_set_bytes gauge", "# TYPE container_network_receive_bytes_total counter"]
        for container in ("app", "sidecar"):
            labels = (f'container="{container}",id="/kubepods/pod1/{container}",image="img",name="x",'
                      f'namespace="{namespace}",pod="{pod}"')
            lines += [f"container_cpu_usage_seconds_total{{{labels},cpu=\"total\"}} {seconds:.6f}",
                      f"container_memory_usage_bytes{{{labels}}} {memory_bytes // 2}",
                      f"container_memory_working_set_bytes{{{labels}}} {memory_bytes // 2}"]
        lines.append(f'container_network_receive_bytes_total{{id="/kubepods/pod1",image="pause",interface="eth0",name="x",'
                     f'namespace="{namespace}",pod="{pod}"}} {int(time.time() % 1e6 * 1000)}')
        if node:
            lines += ["# TYPE cloudmon_node_info gauge", f'cloudmon_node_info{{node="{node}"}} 1']
        send(handler, "\n".join(lines) + "\n")
    return answer
