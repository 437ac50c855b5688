# SPDX-License-Identifier: Apache-2.0
"""The suite's pods: declared here, run the way a kubelet runs them."""
import dataclasses
import hashlib
import os
import uuid

from harness import containerd, cri, kernel
from harness.kernel import Cgroup

MIB = 1 << 20
# One program under two names, as a registry's images would be called.
WEB_IMAGE = "registry.example:5000/shop/web:1.4.2"
LOAD_IMAGE = "registry.example:5000/tools/load:2.0"
HTTP_PORT = 8080
HTTP_BODY_BYTES = 16384


@dataclasses.dataclass
class ContainerSpec:
    name: str
    args: list
    image: str = LOAD_IMAGE
    cpu_quota_us: int = 0  # of each 100 ms
    cpu_shares: int = 2
    memory_limit_bytes: int = 0
    data: bool = False  # a directory of a real file system at /data


@dataclasses.dataclass
class PodSpec:
    namespace: str
    name: str
    containers: list
    workload_type: str
    workload: str
    deployment: str = ""
    qos: str = "burstable"  # burstable, besteffort, guaranteed
    labels: dict = dataclasses.field(default_factory=dict)
    host_network: bool = False
    stable: bool = True  # lives through the whole suite

    @property
    def key(self):
        return f"{self.namespace}/{self.name}"


def deployment_pod(namespace, deployment, template_hash, suffix, containers, **more):
    return PodSpec(namespace, f"{deployment}-{template_hash}-{suffix}", containers, "deployment", deployment, deployment,
                   labels={"app": deployment, "pod-template-hash": template_hash}, **more)


class RunningContainer:
    def __init__(self, pod, spec, container_id, pid):
        self.pod, self.spec, self.id, self.pid = pod, spec, container_id, pid
        self.cgroup = Cgroup(f"{pod.cgroup.path}/{container_id}")


class RunningPod:
    """A pod and its containers. `runtime` runs it; logs and the kubelet's own files go below `directory`."""

    def __init__(self, spec, runtime, directory):
        self.spec, self.runtime, self.directory = spec, runtime, directory
        self.uid = containerd.UID_PREFIX + str(uuid.uuid4())[8:]
        if spec.workload_type == "static":
            self.uid = self.uid.replace("-", "")  # a static pod's is a hash of its file
        level = "" if spec.qos == "guaranteed" else "/" + spec.qos
        self.cgroup = Cgroup(f"/kubepods{level}/pod{self.uid}")
        self.log_directory = f"{directory}/pods/{spec.namespace}_{spec.name}_{self.uid}"
        self.attempts = {}
        self.containers = {}  # name -> RunningContainer
        self.sandbox_id = runtime.run_sandbox(self._sandbox_config())
        self.pause_pid = runtime.sandbox_pid(self.sandbox_id)
        self.ip = runtime.sandbox_ip(self.sandbox_id)
        for container in spec.containers:
            self.start(container)

    def _names(self):
        return {"io.kubernetes.pod.name": self.spec.name, "io.kubernetes.pod.namespace": self.spec.namespace,
                "io.kubernetes.pod.uid": self.uid}

    def _sandbox_config(self):
        source = "file" if self.spec.workload_type == "static" else "api"
        annotations = {"kubernetes.io/config.source": source, "kubernetes.io/config.seen": "2026-01-01T00:00:00Z"}
        if source == "file":
            annotations["kubernetes.io/config.hash"] = self.uid
        os.makedirs(self.log_directory, exist_ok=True)
        return cri.sandbox_config(
            name=self.spec.name, namespace=self.spec.namespace, uid=self.uid, labels={**self.spec.labels, **self._names()},
            annotations=annotations, log_directory=self.log_directory, cgroup_parent=self.cgroup.path,
            host_network=self.spec.host_network)

    def _termination_log(self, container, attempt):
        name = hashlib.sha256(f"{self.uid}{container}{attempt}".encode()).hexdigest()[:8]
        path = f"{self.directory}/kubelet/pods/{self.uid}/containers/{container}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w", encoding="utf-8").close()
        return path

    def _container_config(self, spec, attempt, mounts):
        return cri.container_config(
            name=spec.name, attempt=attempt, image_id=self.runtime.image_id(spec.image), args=spec.args, mounts=mounts,
            labels={"io.kubernetes.container.name": spec.name, **self._names()},
            annotations={"io.kubernetes.container.restartCount": str(attempt),
                         "io.kubernetes.container.terminationMessagePath": "/dev/termination-log"},
            host_network=self.spec.host_network, cpu_quota_us=spec.cpu_quota_us, cpu_shares=spec.cpu_shares,
            memory_limit_bytes=spec.memory_limit_bytes)

    def start(self, spec):
        """Starts a container, or starts it again after it ended."""
        attempt = self.attempts.get(spec.name, -1) + 1
        self.attempts[spec.name] = attempt
        os.makedirs(f"{self.log_directory}/{spec.name}", exist_ok=True)
        mounts = [("/dev/termination-log", self._termination_log(spec.name, attempt))]
        if spec.data:
            data = f"{self.directory}/data/{self.uid}"
            os.makedirs(data, exist_ok=True)
            mounts.append(("/data", data))
        config = self._container_config(spec, attempt, mounts)
        container_id = self.runtime.create_container(self.sandbox_id, config, self._sandbox_config())
        self.runtime.start_container(container_id)
        running = RunningContainer(self, spec, container_id, self.runtime.container_pid(container_id))
        self.containers[spec.name] = running
        return running

    def restart(self, name):
        """Kills a container and starts its next attempt, as the kubelet does; the dead one is kept."""
        self.runtime.stop_container(self.containers[name].id)
        return self.start(self.containers[name].spec)

    def container(self, name=None):
        """The container of that name, or the only one."""
        return self.containers[name] if name else next(iter(self.containers.values()))

    def delete(self):
        """Ends the pod and removes its cgroup, as the kubelet does. Its logs go too."""
        self.runtime.remove_sandbox(self.sandbox_id)
        for mount in kernel.hierarchies():
            containerd.remove_cgroup(mount + self.cgroup.path)
        for directory, _, files in os.walk(self.log_directory, topdown=False):
            for name in files:
                os.unlink(os.path.join(directory, name))
            os.rmdir(directory)


def specs(server_ip=None):
    """The pods. Those that talk to the web server need its address and come in the second half."""
    web = [ContainerSpec("server", ["serve", str(HTTP_PORT), str(HTTP_BODY_BYTES)], WEB_IMAGE, cpu_shares=102,
                         memory_limit_bytes=64 * MIB)]
    idle = [ContainerSpec("app", ["idle"])]
    if server_ip is None:
        return [deployment_pod("shop", "web-frontend", "7d9c6b8f5", "auej7", web),
                deployment_pod("shop", "web-frontend", "7d9c6b8f5", "zk2lp", web)]
    return [
        deployment_pod("shop", "api", "5f", "q9x2d", [ContainerSpec("client", ["get", server_ip, str(HTTP_PORT), "50"])]),
        deployment_pod("shop", "api", "5f", "w4b7n", [ContainerSpec("client", ["burn", "1", "50"])]),
        deployment_pod("shop", "checkout-v2-canary", "85b7d4f6c9", "t5h8m",
                       [ContainerSpec("app", ["burn", "1", "100"], WEB_IMAGE),
                        ContainerSpec("log-sidecar", ["burn", "1", "30"])]),
        deployment_pod("batch-jobs", "cruncher", "6d4cf56db6", "x8r2k",
                       [ContainerSpec("cruncher", ["burn", "2", "1000"], cpu_quota_us=20000, cpu_shares=204,
                                      memory_limit_bytes=32 * MIB)], qos="guaranteed"),
        deployment_pod("batch-jobs", "worker", "bc8d", "f6v9c", [ContainerSpec("worker", ["burn", "1", "250"])]),
        PodSpec("batch-jobs", "db-0", [ContainerSpec("db", ["mem", "64"], memory_limit_bytes=128 * MIB)],
                "statefulset", "db", labels={"app": "db", "controller-revision-hash": "db-6c8f7d4b9",
                                             "statefulset.kubernetes.io/pod-name": "db-0"}),
        PodSpec("batch-jobs", "db-1", [ContainerSpec("db", ["write", "/data/file", str(2 * MIB)], data=True)],
                "statefulset", "db", labels={"app": "db", "controller-revision-hash": "db-6c8f7d4b9",
                                             "statefulset.kubernetes.io/pod-name": "db-1"}),
        PodSpec("batch-jobs", "nightly-report-28731-q5w8z", idle, "job", "nightly-report-28731",
                labels={"job-name": "nightly-report-28731", "batch.kubernetes.io/job-name": "nightly-report-28731",
                        "controller-uid": "0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d"}),
        PodSpec("kube-system", "log-agent-x7k2p", [ContainerSpec("agent", ["burn", "1", "40"])], "daemonset", "log-agent",
                qos="besteffort", labels={"name": "log-agent", "controller-revision-hash": "6f7d9c5b8",
                                          "pod-template-generation": "1"}),
        PodSpec("kube-system", "kube-scheduler-node-e2e", [ContainerSpec("kube-scheduler", ["burn", "1", "20"])],
                "static", "kube-scheduler-node-e2e", host_network=True,
                labels={"component": "kube-scheduler", "tier": "control-plane"}),
        PodSpec("shop", "debug-shell", idle, "pod", "debug-shell", qos="besteffort"),
        deployment_pod("shop", "leaky", "79c5d8", "h3j4k",
                       [ContainerSpec("app", ["oom", "64"], memory_limit_bytes=24 * MIB)]),
    ]
