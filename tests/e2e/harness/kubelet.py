# SPDX-License-Identifier: Apache-2.0
"""A kubelet that tells its pods to who has the token, over TLS."""
import http.server
import json
import ssl
import threading


class Kubelet:
    """Answers GET /pods with `pods` on https://127.0.0.1 until stop(). `tls`: its certificate and key. `allowed`: the token's
    owner may get nodes/pods."""

    def __init__(self, tls, token, pods):
        self.token, self.pods, self.allowed = token, pods, True
        kubelet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = kubelet.answer(self.path, self.headers.get("Authorization"))
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that does not trust the certificate

        self._server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        # The handshake is for the connection's thread, so that one client cannot hold up the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path, authorization):
        if authorization != f"Bearer {self.token}":
            return 401, "Unauthorized"
        if not self.allowed:
            return 403, 'Forbidden (user=system:serviceaccount:monitoring:exporter, verb=get, resource=nodes, subresource=pods)'
        if path != "/pods":
            return 404, "404 page not found"
        return 200, json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self.pods})

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
