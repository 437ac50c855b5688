# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server's lists and watches, over objects that a test puts there.

What clients rely on is as the real one does it: resourceVersions, pages with continue tokens of one snapshot (but all at once where
version 0 is asked for: what it has in memory), chunked watches that go on from any version not compacted, ADDED and DELETED for
objects that come under a selector or leave it, bookmarks, 410 Gone, tokens.
"""
import base64
import copy
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse


def make_certificates(directory):
    """(CA, certificate for 127.0.0.1, its key): paths of PEM files."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    with open(os.path.join(directory, "server.ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "server.ext", "-out", "server.crt")
    return tuple(os.path.join(directory, name) for name in ("ca.crt", "server.crt", "server.key"))


def _field(metadata_or_object, path):
    value = metadata_or_object
    for key in path.split("."):
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return value


class Selector:
    """Which objects a request is about: its path and query."""

    def __init__(self, path, query):
        parts = path.strip("/").split("/")
        self.kind = parts[-1]
        self.namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-1] else None
        self.fields = self._pairs(query.get("fieldSelector"))
        self.labels = self._pairs(query.get("labelSelector"))

    @staticmethod
    def _pairs(text):
        return [part.split("=", 1) for part in text.replace("==", "=").split(",")] if text else []

    def matches(self, thing):
        if thing is None:
            return False
        metadata = thing["metadata"]
        return ((self.namespace is None or metadata.get("namespace") == self.namespace)
                and all(_field(thing, path) == value for path, value in self.fields)
                and all(metadata.get("labels", {}).get(key) == value for key, value in self.labels))


class KubeApi:
    """Serves on 127.0.0.1 until stop(). Objects are plain dicts with metadata.name; kinds are "pods", "endpointslices" ...

    tls: what make_certificates() returned; None: plain HTTP.
    """

    def __init__(self, tls=None, port=0, bookmark_seconds=1.0):
        self.bookmark_seconds = bookmark_seconds
        self.delay_seconds = 0.0      # before each answer
        self.tokens = None            # those accepted; None: whoever asks
        self.forbidden = set()        # kinds
        self.gone_as_status = False   # 410 as the answer's status; else as an event of the watch
        self.lists = self.watches = 0  # begun
        self._changed = threading.Condition()
        self._version = 1000
        self._compacted = 1000
        self._objects = {}            # (kind, namespace, name) -> object
        self._log = []                # (version, kind, before, after)
        self._pages = {}              # continue token -> (version, the rest of the list)
        self._cached = None           # (version, objects) that lists from memory show; None: what is
        self._cuts = 0
        self._stopped = False
        self._server = self._serve(tls, port)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def put(self, kind, thing):
        """Adds or changes it; the time at which that was (monotonic seconds)."""
        thing = copy.deepcopy(thing)
        metadata = thing["metadata"]
        metadata.setdefault("managedFields", [{"manager": "test", "operation": "Update"}])
        return self._change(kind, metadata.get("namespace"), metadata["name"], thing)

    def delete(self, kind, name, namespace=None):
        return self._change(kind, namespace, name, None)

    def _change(self, kind, namespace, name, after):
        with self._changed:
            self._version += 1
            before = self._objects.pop((kind, namespace, name), None)
            if after is not None:
                after["metadata"]["resourceVersion"] = str(self._version)
                self._objects[kind, namespace, name] = after
            self._log.append((self._version, kind, before, after))
            self._changed.notify_all()
            return time.monotonic()

    def compact(self):
        """Forgets all that happened: lists that are under way and watches from before get 410."""
        with self._changed:
            self._version += 1
            self._compacted = self._version
            self._log.clear()
            self._pages.clear()
            self._changed.notify_all()

    def lag(self):
        """From now on what it has in memory is what there was now."""
        with self._changed:
            self._cached = (self._version, dict(self._objects))

    def cut_watches(self):
        """Breaks off their connections."""
        with self._changed:
            self._cuts += 1
            self._changed.notify_all()

    def stop(self):
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # Everything below runs on the connections' threads.

    def _serve(self, tls, port):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if api._stopped:  # and the connection was open before
                    self.close_connection = True
                    return
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                try:
                    api._answer(self, url.path, query)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a connection that the other side broke off

            def finish_request(self, request, client_address):
                if tls:  # in the connection's thread: a client may take its time
                    request = context.wrap_socket(request, server_side=True)
                super().finish_request(request, client_address)

        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls[-2:])
        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _answer(self, handler, path, query):
        time.sleep(self.delay_seconds)
        selector = Selector(path, query)
        verb = "watch" if query.get("watch") else "list"
        sent = handler.headers.get("Authorization", "")
        if self.tokens is not None and sent.removeprefix("Bearer ") not in self.tokens:
            self._send_status(handler, 401, "Unauthorized")
        elif selector.kind in self.forbidden:
            self._send_status(handler, 403, f'{selector.kind} is forbidden: User "system:serviceaccount:test:test" cannot {verb} '
                                            f'resource "{selector.kind}" in API group "" at the cluster scope')
        elif verb == "watch":
            self._watch(handler, selector, query)
        else:
            self._list(handler, selector, query)

    @staticmethod
    def _send(handler, status, document):
        data = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    @staticmethod
    def _status(code, message):
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code}

    def _send_status(self, handler, code, message):
        self._send(handler, code, self._status(code, message))

    def _list(self, handler, selector, query):
        with self._changed:
            self.lists += "continue" not in query
            cached = query.get("resourceVersion") == "0"
            if "continue" in query:
                version, rest = self._pages.pop(query["continue"], (None, None))
            else:
                version, objects = self._cached if cached and self._cached else (self._version, self._objects)
                rest = [thing for (kind, _, _), thing in sorted(objects.items(), key=lambda item: str(item[0]))
                        if kind == selector.kind and selector.matches(thing)]
            token = None
            if version is not None:
                limit = 0 if cached else int(query.get("limit", 0))
                limit = limit or len(rest) or 1
                page, rest = rest[:limit], rest[limit:]
                if rest:
                    token = base64.urlsafe_b64encode(f"{version}/{len(rest)}/{time.monotonic_ns()}".encode()).decode() + "+/="
                    self._pages[token] = (version, rest)
        if version is None:
            self._send_status(handler, 410, "The provided continue parameter is too old to display a consistent list result.")
            return
        metadata = {"resourceVersion": str(version)}
        if token:
            metadata["continue"] = token
        self._send(handler, 200, {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page})

    def _event(self, selector, entry):
        """The event that a watcher sees of a change; None: nothing."""
        version, kind, before, after = entry
        if kind != selector.kind:
            return None
        was, is_now = selector.matches(before), selector.matches(after)
        if is_now:
            return {"type": "MODIFIED" if was else "ADDED", "object": after}
        if not was:
            return None
        last = copy.deepcopy(before)
        last["metadata"]["resourceVersion"] = str(version)
        return {"type": "DELETED", "object": last}

    def _watch(self, handler, selector, query):
        seen = int(query["resourceVersion"])
        end = time.monotonic() + int(query.get("timeoutSeconds", 1800))
        gone = self._status(410, f"too old resource version: {seen} ({self._compacted})")
        with self._changed:
            self.watches += 1
            cuts = self._cuts
            too_old = seen < self._compacted
        if too_old and self.gone_as_status:
            self._send(handler, 410, gone)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def send(event):
            data = json.dumps(event).encode() + b"\n"
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()

        bookmark = time.monotonic() + self.bookmark_seconds
        while time.monotonic() < end:
            with self._changed:
                if not self._stopped and cuts == self._cuts and seen >= self._compacted and seen == self._version:
                    self._changed.wait(max(0.0, min(bookmark, end) - time.monotonic()))
                news = [entry for entry in self._log if entry[0] > seen]
                too_old, version = seen < self._compacted, self._version
                cut = self._stopped or cuts != self._cuts
            if cut:
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            if too_old:
                send({"type": "ERROR", "object": gone})
                break
            for entry in news:
                event = self._event(selector, entry)
                if event:
                    send(event)
            seen = version
            if time.monotonic() >= bookmark:
                bookmark = time.monotonic() + self.bookmark_seconds
                if query.get("allowWatchBookmarks"):
                    send({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1",
                                                         "metadata": {"resourceVersion": str(seen)}}})
        handler.wfile.write(b"0\r\n\r\n")
