# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes cluster of one node: the real API server, controllers, scheduler and kubelet on a containerd of its own.

All of it, its pods too, lives in a network namespace of its own, and ends with stop(). There is no kube-proxy: the one service
that pods reach by its address is the API server's, which listens there.
"""
import json
import os
import subprocess
import threading
import time

from harness import containerd, kernel, procs
from harness.tls import Authority
from harness.wait import until

PROGRAM = os.path.join(procs.REPOSITORY, "build/tools/kubernetes")  # kubernetes/build
NETWORK = "cme2ek8s"
SERVICE_IP, NODE_IP, NODE = "10.96.0.1", "192.0.2.10", "worker-1"
CGROUP = "/cme2ek8s"  # the kubelet's root, below which it makes kubepods
API_URL = f"https://{SERVICE_IP}:443"
# user -> groups, as kubeadm's certificates name them
USERS = {"admin": "system:masters", f"system:node:{NODE}": "system:nodes", "system:kube-controller-manager": "",
         "system:kube-scheduler": ""}

KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "cgroupDriver": "cgroupfs",
    "failCgroupV1": False, "failSwapOn": False, "cgroupRoot": CGROUP, "makeIPTablesUtilChains": False, "localStorageCapacityIsolation": False,
    "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
    "featureGates": {"KubeletInUserNamespace": True},  # the kernel's settings are not the test's to change
    "authorization": {"mode": "Webhook"}, "volumeStatsAggPeriod": "0s", "syncFrequency": "10s",
    "nodeStatusReportFrequency": "10s", "containerLogMonitorInterval": "10s",
}


def inside(*command, mounts=None):
    """The command, in the cluster's network; `mounts`: a process whose mounts it is to see."""
    return ["nsenter", f"--net=/run/netns/{NETWORK}", *([f"--mount=/proc/{mounts.pid}/ns/mnt"] if mounts else ()), *command]


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.containerd = None
        self.kubeconfig = self._path("admin.kubeconfig")
        self.authority = None
        self._daemons = {}
        self._mounts = None  # a process with mounts as on a node: new ones are seen by pods

    def _path(self, name):
        return os.path.join(self.directory, name)

    def start(self):
        _make_network()
        _make_cgroups()
        self._mounts = subprocess.Popen(["unshare", "--mount", "--propagation=shared", "sleep", "infinity"],
                                        preexec_fn=procs.end_with_parent)
        self.containerd = containerd.Containerd(self.directory, prefix=inside(mounts=self._mounts), gateway=True, cgroups=cgroups)
        os.makedirs(self._path("pki"))
        self.authority = Authority(self._path("pki"))
        self._write_credentials()
        self.containerd.start()
        self._run("etcd", ["etcd", "--data-dir", self._path("etcd"), "--unsafe-no-fsync", "--log-level=error",
                           "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379"])
        self._start_api_server()
        self._run_component("kube-controller-manager", [
            f"--kubeconfig={self._kubeconfig('system:kube-controller-manager')}", "--use-service-account-credentials",
            f"--service-account-private-key-file={self._path('pki/server.key')}", f"--root-ca-file={self.authority.certificate}",
            "--leader-elect=false", "--secure-port=0"])
        self._run_component("kube-scheduler", [f"--kubeconfig={self._kubeconfig('system:kube-scheduler')}",
                                               "--leader-elect=false", "--secure-port=0"])
        self._start_kubelet()

    def _start_api_server(self):
        self._run_component("kube-apiserver", [
            "--etcd-servers=http://127.0.0.1:2379", f"--bind-address={SERVICE_IP}", "--secure-port=443",
            f"--advertise-address={NODE_IP}", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", f"--token-auth-file={self._path('tokens.csv')}",
            f"--tls-cert-file={self._path('pki/server.pem')}", f"--tls-private-key-file={self._path('pki/server.key')}",
            f"--service-account-key-file={self._path('pki/server.pub')}", "--endpoint-reconciler-type=none",
            f"--service-account-signing-key-file={self._path('pki/server.key')}", f"--service-account-issuer={API_URL}",
            f"--kubelet-certificate-authority={self.authority.certificate}", "--allow-privileged=true",
            f"--kubelet-client-certificate={self._path('pki/server.pem')}", f"--kubelet-client-key={self._path('pki/server.key')}",
            "--kubelet-preferred-address-types=InternalIP", f"--cert-dir={self._path('pki')}"])
        self._wait_for("kube-apiserver", "get", "--raw=/readyz")

    def restart_api_server(self):
        """As when its machine lost power."""
        process = self._daemons.pop("kube-apiserver")
        process.kill()
        process.wait()
        self._start_api_server()

    def _start_kubelet(self):
        authentication = {"anonymous": {"enabled": False}, "webhook": {"enabled": True, "cacheTTL": "1s"},
                          "x509": {"clientCAFile": self.authority.certificate}}
        config = {**KUBELET, "authentication": authentication, "staticPodPath": self._path("static"), "podLogsDir": self._path("pods"),
                  "containerRuntimeEndpoint": f"unix://{self.containerd.socket}", "address": NODE_IP,
                  "tlsCertFile": self._path("pki/server.pem"), "tlsPrivateKeyFile": self._path("pki/server.key")}
        os.makedirs(self._path("static"))
        os.makedirs("/var/log/pods", exist_ok=True)  # the manifests mount it; on a node it is the kubelet's own
        with open(self._path("kubelet.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self._run_component("kubelet", [
            f"--config={self._path('kubelet.json')}", f"--kubeconfig={self._kubeconfig(f'system:node:{NODE}')}",
            f"--hostname-override={NODE}", f"--node-ip={NODE_IP}", f"--root-dir={self._path('kubelet')}",
            f"--cert-dir={self._path('pki')}"], mounts=self._mounts)
        self._wait_for("kubelet", "wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=1s")

    def _wait_for(self, name, *words):
        """Until kubectl succeeds, or the component has ended."""
        process = self._daemons[name]
        try:
            until(lambda: process.poll() is not None or self.kubectl(*words), 90, f"{name}: {' '.join(words)}")
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with {process.returncode}")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log_tail(name)}") from e

    def _write_credentials(self):
        self.authority.server_context(f"IP:{SERVICE_IP},IP:{NODE_IP},IP:127.0.0.1,DNS:kubernetes.default.svc",
                                      "/O=system:masters/CN=kube-apiserver")
        subprocess.run(["openssl", "pkey", "-pubout", "-in", self._path("pki/server.key"), "-out", self._path("pki/server.pub")],
                       check=True)
        with open(self._path("tokens.csv"), "w", encoding="utf-8") as file:
            for number, (user, groups) in enumerate(USERS.items()):
                file.write(f'token-of-{user},{user},{number},"{groups}"\n')
        for user in USERS:
            config = {"apiVersion": "v1", "kind": "Config", "current-context": "e2e",
                      "clusters": [{"name": "e2e", "cluster": {"server": API_URL, "certificate-authority": self.authority.certificate}}],
                      "users": [{"name": "e2e", "user": {"token": f"token-of-{user}"}}],
                      "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}]}
            with open(self._kubeconfig(user), "w", encoding="utf-8") as file:
                json.dump(config, file)

    def _kubeconfig(self, user):
        return self._path(user.replace(":", "-") + ".kubeconfig")

    def _run_component(self, name, flags, mounts=None):
        self._run(name, [PROGRAM, name, *flags], mounts)

    def _run(self, name, command, mounts=None):
        with open(self._path(name + ".log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen(inside(*command, mounts=mounts), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       preexec_fn=procs.end_with_parent)
        self._daemons[name] = process

    def log_tail(self, name, lines=15):
        return "".join(kernel.read(self._path(name + ".log")).splitlines(keepends=True)[-lines:])

    def kubectl(self, *words, stdin=None, timeout=120):
        """What it printed; AssertionError where it failed."""
        done = subprocess.run(inside("kubectl", f"--kubeconfig={self.kubeconfig}", *words), input=stdin, capture_output=True,
                              text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stderr}")
        return done.stdout

    def fetch(self, url, *flags):
        """The text that a server in the cluster's network answers."""
        return subprocess.run(inside("curl", "--silent", "--show-error", "--fail", "--max-time", "10", *flags, url),
                              capture_output=True, text=True, check=True).stdout

    def objects(self, *words):
        """The items of a list, or the one object."""
        got = json.loads(self.kubectl("get", "--output=json", *words))
        return got.get("items", got)

    def stop(self):
        for process in reversed(self._daemons.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.containerd is not None and self.containerd.process is not None:
            self.containerd.stop()
        if self._mounts is not None:
            self._mounts.kill()
            self._mounts.wait()
        sweep(self.directory)


def cgroups():
    return [path for path in (mount + CGROUP for mount in kernel.hierarchies()) if os.path.isdir(path)]


def sweep(directory):
    """Removes what a cluster in this directory has left, even one that was killed."""
    containerd.sweep(directory, cgroups)
    subprocess.run(["ip", "netns", "del", NETWORK], stderr=subprocess.DEVNULL, check=False)


def _make_cgroups():
    """The kubelet wants its root to be there, and cpuset's files filled in."""
    for mount in kernel.hierarchies():
        os.makedirs(mount + CGROUP, exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(f"{mount}/{name}") and os.path.exists(f"{mount}{CGROUP}/{name}"):
                with open(f"{mount}{CGROUP}/{name}", "w", encoding="ascii") as file:
                    file.write(kernel.read(f"{mount}/{name}"))


def _make_network():
    for command in (["ip", "netns", "add", NETWORK], inside("ip", "link", "set", "lo", "up"),
                    inside("ip", "address", "add", SERVICE_IP + "/32", "dev", "lo"),
                    inside("ip", "address", "add", NODE_IP + "/32", "dev", "lo")):
        subprocess.run(command, check=True)


class PodWatch:
    """What the API server says of the node's pods, as one client that watches hears it.

    events: [(monotonic seconds, {"type": ..., "object": Pod})], in the order in which they came; `listed` is the PodList before.
    """

    def __init__(self, cluster):
        self.events = []
        path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}"
        self.listed = json.loads(cluster.kubectl("get", "--raw=" + path))
        path += "&watch=1&allowWatchBookmarks=true&resourceVersion=" + self.listed["metadata"]["resourceVersion"]
        self._process = subprocess.Popen(inside("kubectl", f"--kubeconfig={cluster.kubeconfig}", "get", "--raw=" + path),
                                         stdout=subprocess.PIPE, text=True, preexec_fn=procs.end_with_parent)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            self.events.append((time.monotonic(), json.loads(line)))

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._thread.join()
