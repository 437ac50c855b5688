# SPDX-License-Identifier: Apache-2.0
"""The few calls of the container runtime interface (CRI v1) that a kubelet makes to run pods.

gRPC without a gRPC library: curl speaks HTTP/2 to the unix socket, and a message is a dict {field number: value}.
Field numbers are those of k8s.io/cri-api runtime/v1.
"""
import json
import os
import struct
import subprocess
import tempfile
import urllib.parse


class CriError(Exception):
    pass


def _varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(message):
    """A dict {field: value} as protobuf. int and bool are varints, str and bytes are themselves, a dict is a message, a
    list a repeated field; None is left out."""
    out = b""
    for field, value in message.items():
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            if isinstance(item, int):
                out += _varint(field << 3) + _varint(int(item))
                continue
            data = encode(item) if isinstance(item, dict) else item.encode() if isinstance(item, str) else item
            out += _varint(field << 3 | 2) + _varint(len(data)) + data
    return out


def _read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def decode(data):
    """Protobuf bytes as a dict {field: [value, ...]}; length-delimited values stay bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = _read_varint(data, at)
        if key & 7 == 0:
            value, at = _read_varint(data, at)
        elif key & 7 == 2:
            size, at = _read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise CriError(f"unexpected wire type {key & 7}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _map(pairs):
    return [{1: key, 2: value} for key, value in pairs.items()]


def _text(fields, number):
    return fields[number][0].decode() if number in fields else ""


def _info(fields):
    """The JSON under "info" of a verbose status."""
    for entry in fields.get(2, []):
        pair = decode(entry)
        if _text(pair, 1) == "info":
            return json.loads(pair[2][0])
    return {}


class Runtime:
    """A CRI runtime behind a unix socket."""

    def __init__(self, socket):
        self.socket = socket

    def call(self, method, message, service="runtime.v1.RuntimeService"):
        body = encode(message)
        with tempfile.NamedTemporaryFile() as headers:
            done = subprocess.run(
                ["curl", "-sS", "--max-time", "60", "--unix-socket", self.socket, "--http2-prior-knowledge",
                 "-H", "content-type: application/grpc", "-H", "te: trailers", "-D", headers.name,
                 "--data-binary", "@-", f"http://localhost/{service}/{method}"],
                input=struct.pack(">BI", 0, len(body)) + body, capture_output=True, check=False)
            lines = headers.read().decode().splitlines()
        if done.returncode != 0:
            raise CriError(f"{method}: {done.stderr.decode().strip()}")
        trailers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if trailers.get("grpc-status") != "0":
            raise CriError(f"{method}: {urllib.parse.unquote(trailers.get('grpc-message', 'no status'))}")
        return decode(done.stdout[5:])

    def version(self):
        return _text(self.call("Version", {}), 3)

    def image_id(self, name):
        """The ID ("sha256:...") of an image, which is what the kubelet puts into a container's configuration."""
        status = self.call("ImageStatus", {1: {1: name}}, service="runtime.v1.ImageService")
        if 1 not in status:
            raise CriError(f"no image {name}")
        return _text(decode(status[1][0]), 1)

    def run_sandbox(self, config):
        return _text(self.call("RunPodSandbox", {1: config}), 1)

    def create_container(self, sandbox_id, container, sandbox):
        return _text(self.call("CreateContainer", {1: sandbox_id, 2: container, 3: sandbox}), 1)

    def start_container(self, container_id):
        self.call("StartContainer", {1: container_id})

    def stop_container(self, container_id):
        self.call("StopContainer", {1: container_id, 2: 0})

    def remove_sandbox(self, sandbox_id):
        self.call("StopPodSandbox", {1: sandbox_id})
        self.call("RemovePodSandbox", {1: sandbox_id})

    def sandboxes(self):
        return [_text(decode(item), 1) for item in self.call("ListPodSandbox", {}).get(1, [])]

    def sandbox_pid(self, sandbox_id):
        return _info(self.call("PodSandboxStatus", {1: sandbox_id, 2: True}))["pid"]

    def sandbox_ip(self, sandbox_id):
        status = decode(self.call("PodSandboxStatus", {1: sandbox_id})[1][0])
        return _text(decode(status[5][0]), 1) if 5 in status else ""

    def container_pid(self, container_id):
        return _info(self.call("ContainerStatus", {1: container_id, 2: True}))["pid"]


POD, CONTAINER, NODE = 0, 1, 2  # NamespaceMode


def _namespaces(host_network, host_pid=False):
    return {1: NODE if host_network else POD, 2: NODE if host_pid else CONTAINER, 3: POD}


def security(*, user, group, host_pid, drop=(), readonly_rootfs=False, no_new_privileges=False):
    """A container's LinuxContainerSecurityContext, on the pod's network, with the runtime's own seccomp profile."""
    return {1: {2: list(drop)}, 3: _namespaces(False, host_pid), 5: {1: user}, 7: readonly_rootfs, 11: no_new_privileges,
            12: {1: group}, 15: {1: 0}}


def sandbox_security(*, user, group, host_pid):
    """The same of its pod: LinuxSandboxSecurityContext."""
    return {1: _namespaces(False, host_pid), 3: {1: user}, 8: {1: group}, 9: {1: 0}}


def sandbox_config(*, name, namespace, uid, labels, annotations, log_directory, cgroup_parent, host_network):
    return {1: {1: name, 2: uid, 3: namespace, 4: 0},
            2: "" if host_network else name,
            3: log_directory,
            6: _map(labels),
            7: _map(annotations),
            8: {1: cgroup_parent, 2: {1: _namespaces(host_network)}}}


def container_config(*, name, attempt, image_id, args, mounts, labels, annotations, host_network, cpu_quota_us=0,
                     cpu_shares=2, memory_limit_bytes=0):
    """`mounts` are (container path, host path) pairs. A limit of 0 is none."""
    return {1: {1: name, 2: attempt},
            2: {1: image_id},
            4: args,
            7: [{1: inside, 2: outside} for inside, outside in mounts],
            9: _map(labels),
            10: _map(annotations),
            11: os.path.join(name, f"{attempt}.log"),
            15: {1: {1: 100000, 2: cpu_quota_us, 3: cpu_shares, 4: memory_limit_bytes, 5: 500},
                 2: {3: _namespaces(host_network)}}}
