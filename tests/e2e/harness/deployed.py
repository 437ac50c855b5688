# SPDX-License-Identifier: Apache-2.0
"""A real cluster with this repository's system in it, put there by ./deploy, and workloads of each kind."""
import os
import subprocess

from harness import cluster, identities, manifests, own_image, pods, procs, session

DIRECTORY = session.CLUSTER_DIRECTORY
SOURCES = os.path.join(procs.REPOSITORY, "tests/e2e/kubernetes")
NAMESPACE = "cloud-monitor"
IMAGES = {manifests.EXPORTER: (procs.EXPORTER, "exporter"), manifests.AGGREGATOR: (procs.AGGREGATOR, "aggregator")}


def read(name):
    with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
        return file.read()


class Deployed(cluster.Cluster):
    def __init__(self):
        super().__init__(DIRECTORY)
        self.static_pod = os.path.join(DIRECTORY, "static/kube-proxy.yaml")
        self.said = None  # by ./deploy

    def start(self):
        cluster.sweep(DIRECTORY)
        os.makedirs(DIRECTORY)
        super().start()
        self.containerd.import_images("load", pods.WEB_IMAGE, pods.LOAD_IMAGE)
        self._import_own_images()
        self.make_volume()
        self.said = self.deploy("--timeout=60s")
        self.write_static_pod()
        self.apply_workloads()

    def _import_own_images(self):
        work = os.path.join(DIRECTORY, "own-image")
        os.makedirs(work)
        builder = own_image.Builder(work)
        for name, (program, target) in IMAGES.items():
            (image,) = {container["image"] for container in manifests.build(".").pods()[name]["containers"]}
            self.containerd.import_archive(builder.build_around(program, target, image))

    def make_volume(self):
        """Where the aggregator keeps its history, with what an earlier one left there."""
        path = os.path.join(DIRECTORY, "history")
        os.makedirs(path, exist_ok=True)
        os.chown(path, 65534, 65534)
        self.kubectl("apply", "--filename=-", stdin=read("volume.yaml").replace("{path}", path))

    def deploy(self, *words):
        """What ./deploy said."""
        done = subprocess.run(cluster.inside(procs.REPOSITORY + "/deploy", *words), capture_output=True, text=True, check=False,
                              env={**os.environ, "KUBECONFIG": self.kubeconfig}, timeout=180)
        if done.returncode != 0:
            described = self.kubectl("describe", "pods", f"--namespace={NAMESPACE}")
            raise AssertionError(f"./deploy {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{described}")
        return done.stdout

    def apply_workloads(self):
        self.kubectl("apply", "--filename=" + os.path.join(SOURCES, "workloads.yaml"))
        self.rolled_out("deployment/web", "deployment/cart-5d4f8c7b9", "statefulset/db")

    def write_static_pod(self, tier="node"):
        with open(self.static_pod, "w", encoding="utf-8") as file:
            file.write(read("static.yaml").replace("{tier}", tier))

    def rolled_out(self, *names, namespace="shop"):
        for name in names:
            self.kubectl("rollout", "status", f"--namespace={namespace}", "--timeout=60s", name)

    def pod_of(self, name):
        """The pod of the exporter or the aggregator."""
        (pod,) = self.objects("pods", f"--namespace={NAMESPACE}", f"--selector=app.kubernetes.io/name={name}")
        return pod

    def process_of(self, pod, container):
        """The PID of its first process."""
        return self.containerd.runtime.container_pid(identities.running(pod)[container])

    def owners(self):
        return identities.owners_of(self.objects("replicasets,jobs", "--all-namespaces"))

    def wanted(self, uid_of=identities.uid_of_api):
        return identities.wanted(self.objects("pods", "--all-namespaces"), self.owners(), uid_of)
