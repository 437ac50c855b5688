# SPDX-License-Identifier: Apache-2.0
"""What happens to the pods of a Deployed cluster. Each change ends once the API server says that it has happened."""
import os
import signal

from harness import pods
from harness.identities import controller, running
from harness.wait import until

STATIC = ("pod", "kube-proxy-worker-1", "--namespace=kube-system")


class PodChanges:
    def __init__(self, kubernetes):
        self._kubernetes = kubernetes
        self._orphan = None

    def all(self):
        """In the order in which they are possible."""
        return (self.rollout, self.scale, self.a_container_is_killed, self.a_pod_is_made_again_under_its_name, self.an_orphan,
                self.the_orphan_is_deleted, self.a_debugger, self.a_job_is_complete, self.the_next_cron_job, self.a_daemon_set,
                self.another_static_pod, self.no_static_pod, self.a_static_pod_again, self.deleted_workloads, self.workloads_again)

    def rollout(self):
        self._shop("rollout", "restart", "deployment/web")
        self._kubernetes.rolled_out("deployment/web")

    def scale(self):
        for replicas in (4, 2):
            self._shop("scale", "deployment/web", f"--replicas={replicas}")
            self._kubernetes.rolled_out("deployment/web")

    def a_container_is_killed(self):
        before = self._first("db")
        self._end(before, "db", signal.SIGKILL)
        until(lambda: running(self._first("db")).get("db") not in (None, running(before)["db"]), 60, "the container runs again")

    def a_pod_is_made_again_under_its_name(self):
        self._shop("delete", "pod", "db-0")
        until(lambda: running(self._first("db")), 60, "it runs")

    def an_orphan(self):
        """Its ReplicaSet lets it go and makes another."""
        self._orphan = self._first("cart")["metadata"]["name"]
        self._shop("label", "pod", self._orphan, "app-")
        until(lambda: controller(self._kubernetes.objects("pod", self._orphan, "--namespace=shop")) is None, 20, "it has no owner")
        self._kubernetes.rolled_out("deployment/cart-5d4f8c7b9")

    def the_orphan_is_deleted(self):
        self._shop("delete", "pod", self._orphan)

    def a_debugger(self):
        self._shop("debug", "debug-shell", f"--image={pods.LOAD_IMAGE}", "--container=debugger", "--arguments-only", "--", "idle")
        until(lambda: "debugger" in running(self._kubernetes.objects("pod", "debug-shell", "--namespace=shop")), 20, "it runs")

    def a_job_is_complete(self):
        for pod in self._jobs_pods("import-"):
            self._end(pod, "import", signal.SIGTERM)
        self._kubernetes.kubectl("wait", "--for=condition=Complete", "job/import", "--namespace=batch-jobs", "--timeout=60s")

    def the_next_cron_job(self):
        before = self._jobs_pods("report-")
        for pod in before:  # as long as one runs there is no next
            self._end(pod, "report", signal.SIGTERM)
        names = {pod["metadata"]["name"] for pod in before}
        until(lambda: {pod["metadata"]["name"] for pod in self._jobs_pods("report-")} - names, 90, "the next minute's runs")

    def a_daemon_set(self):
        self._kubernetes.kubectl("rollout", "restart", "daemonset/log-agent", "--namespace=kube-system")
        self._kubernetes.rolled_out("daemonset/log-agent", namespace="kube-system")

    def another_static_pod(self):
        self._kubernetes.write_static_pod("other")
        until(lambda: self._kubernetes.objects(*STATIC)["metadata"]["labels"]["tier"] == "other", 60, "its mirror pod")

    def no_static_pod(self):
        os.remove(self._kubernetes.static_pod)
        until(lambda: STATIC[1] not in self._kubernetes.kubectl("get", "pods", STATIC[2], "--output=name"), 60, "its mirror is gone")

    def a_static_pod_again(self):
        self._kubernetes.write_static_pod()
        until(lambda: running(self._kubernetes.objects(*STATIC)), 60, "it runs")

    def deleted_workloads(self):
        self._shop("delete", "deployment", "without-image")
        self._kubernetes.kubectl("delete", "job", "import", "--namespace=batch-jobs")
        until(lambda: not self._kubernetes.objects("pods", "--namespace=shop", "--selector=app=without-image"), 60, "its pod is gone")

    def workloads_again(self):
        self._kubernetes.apply_workloads()
        until(lambda: self._jobs_pods("import-"), 60, "the job runs")

    def _shop(self, *words):
        self._kubernetes.kubectl("--namespace=shop", *words)

    def _first(self, app):
        return self._kubernetes.objects("pods", "--namespace=shop", f"--selector=app={app}")[0]

    def _jobs_pods(self, prefix):
        """Those that run."""
        return [pod for pod in self._kubernetes.objects("pods", "--namespace=batch-jobs")
                if pod["metadata"]["name"].startswith(prefix) and running(pod)]

    def _end(self, pod, container, number):
        os.kill(self._kubernetes.process_of(pod, container), number)
