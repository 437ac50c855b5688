# SPDX-License-Identifier: Apache-2.0
"""./deploy for clusters: what it would do, what it calls, and what it says when that fails.

A stand-in for kubectl notes how it is called (test_cluster deploys to a real API server). The images go over a real sshd into a
real containerd.
"""
import glob
import os
import re
import shutil

import yaml

from harness import images, manifests, own_image, procs, session
from harness.case import Case
from harness.ssh_server import SSHD, SshServer

GOLDEN = os.path.join(procs.REPOSITORY, "tests/golden")
DRY_RUNS = {
    "apply": ["--dry-run"],
    "apply_overlay": ["apply", "--dry-run", "--overlay=rbac-proxy", "--timeout=30s"],
    "apply_namespace": ["--dry-run", "--namespace=observability"],
    "delete": ["delete", "--dry-run"],
    "delete_namespace": ["delete", "--dry-run", "--namespace=observability", "--overlay=cri"],
    "build_docker": ["build", "--dry-run", "--engine=docker"],
    "build_buildah": ["build", "--dry-run", "--engine=buildah", "--base=registry.example/debian:12"],
    "images": ["images", "--dry-run", "-p", "2222", "-i", "/keys/id", "--ctr=k3s ctr", "root@node-a", "admin@node-b"],
}
WRONG = {  # words: what is said about them
    ("aply",): "unknown: aply",
    ("apply", "--replicas=2"): "unknown: --replicas=2",
    ("--namespace=",): "unknown: --namespace=",
    ("--overlay=cry",): "there is no manifests/overlays/cry; overlays: cri ",
    ("delete", "everything"): "unknown: everything",
    ("build", "--engine=make"): "unknown: --engine=make",
    ("images",): "which workers?",
    ("images", "node-a", "-p"): "-p wants a value",
    ("images", "-x", "node-a"): "unknown: -x",
    ("local", "--prot=1"): "unknown: --prot=1",
}
# Notes each call; what `kubectl apply -f -` is given goes to a file. $FAIL names the call that fails.
STAND_IN = """#!/bin/bash
name=$(basename "$0")
echo "$name $*" >>"$CALLS"
case "$name $*" in
  "kubectl kustomize "*) exec {kubectl} "$@" ;;
  *" -f - "* | *" -f -") cat >"$CALLS.stdin" ;;
esac
if [ -n "${{FAIL:-}}" ] && [[ "$name $*" == *$FAIL* ]]; then echo "$name: no" >&2; exit 1; fi
"""


class DeployCase(Case):
    def setUp(self):
        self.directory = self.temp_dir()
        self.calls_file = self.directory + "/calls"
        self.path = self.directory + "/programs"
        os.mkdir(self.path)

    def stand_in(self, *names):
        for name in names:
            file = os.path.join(self.path, name)
            with open(file, "w", encoding="utf-8") as script:
                script.write(STAND_IN.format(kubectl=shutil.which("kubectl")))
            os.chmod(file, 0o755)

    def deploy(self, *words, script=os.path.join(procs.REPOSITORY, "deploy"), **env):
        env = {**os.environ, "PATH": f"{self.path}:{os.environ['PATH']}", "CALLS": self.calls_file, **env}
        return procs.run([script, *words], timeout=120, env=env)

    def calls(self):
        try:
            with open(self.calls_file, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []


class Words(DeployCase):
    def test_dry_runs(self):
        """They show each step and make none: the programs that they name are not even there."""
        for name, words in DRY_RUNS.items():
            with self.subTest(name):
                done = self.deploy(*words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                shown = re.sub(r"(/var/tmp/cloud-monitor)\.\d+", r"\1.PID", done.stdout)
                golden = f"{GOLDEN}/deploy_{name}.txt"
                if os.environ.get("UPDATE_GOLDEN") == "1":
                    with open(golden, "w", encoding="utf-8") as file:
                        file.write(shown)
                with open(golden, encoding="utf-8") as file:
                    self.assertEqual(shown, file.read())

    def test_wrong_words(self):
        for words, said in WRONG.items():
            with self.subTest(words):
                done = self.deploy(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith(said), done.stderr)
                self.assertIn("usage: ./deploy", done.stderr)

    def test_help(self):
        for words in (["--help"], ["build", "--help"], ["local", "--help"]):
            done = self.deploy(*words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("usage: ./deploy", done.stdout)

    def test_what_is_missing_is_named(self):
        for needed in ("dirname", "sed", "bash", "cat"):
            os.symlink(shutil.which(needed), os.path.join(self.path, needed))
        for words, said in (([], "kubectl is not installed"), (["build"], "none of docker, podman and buildah"),
                            (["build", "--engine=podman"], "podman is not installed"),
                            (["images", "node-a"], "ssh is not installed")):
            done = self.deploy(*words, PATH=self.path)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(said, done.stderr)


class Apply(DeployCase):
    ROLLOUTS = ["kubectl --namespace={0} rollout status daemonset/cloud-monitor-exporter --timeout=5m",
                "kubectl --namespace={0} rollout status statefulset/cloud-monitor-aggregator --timeout=5m"]

    def setUp(self):
        super().setUp()
        session.need_tools("kubectl")
        self.stand_in("kubectl")

    def rollouts(self, namespace="cloud-monitor"):
        return [line.format(namespace) for line in self.ROLLOUTS]

    def test_applies_and_waits_for_both(self):
        done = self.deploy()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.calls(), ["kubectl apply -k manifests", *self.rollouts()])
        self.assertIn("kubectl --namespace=cloud-monitor port-forward service/cloud-monitor-api 8082\n", done.stdout)

    def test_what_it_waits_for_and_forwards_to_is_there(self):
        for directory in [".", *manifests.overlays()]:
            built = manifests.build(directory)
            built.one("DaemonSet", "cloud-monitor-exporter")
            built.one("StatefulSet", "cloud-monitor-aggregator")
            (port,) = built.one("Service", "cloud-monitor-api")["spec"]["ports"]
            self.assertEqual(port["port"], 8082)

    def test_what_is_not_applied_is_not_waited_for(self):
        done = self.deploy(FAIL="apply")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.calls(), ["kubectl apply -k manifests"])
        self.assertIn("kubectl: no\nkubectl could not apply all of manifests\n", done.stderr)
        self.assertNotIn("port-forward", done.stdout)

    def test_a_rollout_that_fails(self):
        done = self.deploy("--timeout=7s", FAIL="daemonset/")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.calls()[1:], [
            "kubectl --namespace=cloud-monitor rollout status daemonset/cloud-monitor-exporter --timeout=7s",
            "kubectl --namespace=cloud-monitor get pods --selector=app.kubernetes.io/part-of=cloud-monitor --output=wide"])
        self.assertIn("daemonset/cloud-monitor-exporter is not ready within 7s", done.stderr)
        self.assertIn("./deploy images USER@NODE", done.stderr)
        self.assertNotIn("port-forward", done.stdout)

    def test_the_pods_have_the_label_that_they_are_shown_by(self):
        for item in manifests.build(".").of(*manifests.WORKLOADS):
            self.assertEqual(item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"], "cloud-monitor")

    def test_delete(self):
        self.assertEqual(self.deploy("delete", "--overlay=push").returncode, 0)
        self.assertEqual(self.calls(), ["kubectl delete -k manifests/overlays/push --ignore-not-found"])
        self.assertEqual(self.deploy("delete", FAIL="delete").returncode, 1)

    def check_moved(self, with_namespace):
        """What kubectl was given: all of it in the other namespace, which nothing calls by its usual name."""
        with open(self.calls_file + ".stdin", encoding="utf-8") as file:
            text = file.read()
        objects = list(yaml.safe_load_all(text))
        self.assertEqual([item["metadata"]["name"] for item in objects if item["kind"] == "Namespace"],
                         ["observability"] if with_namespace else [])
        self.assertLessEqual({item["metadata"].get("namespace") for item in objects}, {"observability", None})
        for binding in (item for item in objects if item["kind"].endswith("RoleBinding")):
            self.assertEqual({subject["namespace"] for subject in binding["subjects"]}, {"observability"})
        self.assertNotRegex(text, r"\.cloud-monitor\.svc|namespace: cloud-monitor\b")
        return len(objects)

    def test_another_namespace(self):
        for overlay in manifests.overlays():
            with self.subTest(overlay):
                words = ["--namespace=observability", "--overlay=" + os.path.basename(overlay)]
                done = self.deploy(*words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(self.calls()[-3:], ["kubectl apply -f -", *self.rollouts("observability")])
                applied = self.check_moved(with_namespace=True)
                self.assertEqual(self.deploy("delete", *words).returncode, 0)
                self.assertEqual(self.calls()[-1], "kubectl delete -f - --ignore-not-found")
                self.assertEqual(self.check_moved(with_namespace=False), applied - 1)

    def test_manifests_that_do_not_build_are_not_applied(self):
        checkout = own_image.checkout(self.directory)
        os.unlink(checkout + "/manifests/base/monitor.yaml")
        done = self.deploy("--namespace=observability", script=checkout + "/deploy")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([call.split()[1] for call in self.calls()], ["kustomize"])


class Build(DeployCase):
    def test_the_first_engine_that_works(self):
        """Docker's client without its daemon does not."""
        self.stand_in("docker", "podman", "buildah")
        done = self.deploy("build", script=own_image.checkout(self.directory) + "/deploy", FAIL="docker info")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual({call.split()[0] for call in self.calls()[2:]}, {"podman"})

    def test_a_build_that_fails(self):
        self.stand_in("docker")
        done = self.deploy("build", "--engine=docker", script=own_image.checkout(self.directory) + "/deploy",
                           FAIL="--target aggregator")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([call.split()[1] for call in self.calls()], ["build", "save", "build"])


class Images(DeployCase):
    """Onto workers that are this machine's sshd, into the suite's containerd."""

    NAMES = ("cloud-monitor-exporter:deploy", "cloud-monitor-aggregator:deploy")

    @classmethod
    def setUpClass(cls):
        cls.machine = session.machine()
        session.need_tools("ssh", "scp", "ssh-keygen", SSHD)

    def setUp(self):
        super().setUp()
        self.server = SshServer(self.directory + "/ssh")
        self.addCleanup(self.server.stop)
        self.checkout = own_image.checkout(self.directory)
        program = images.compile_static("pause", self.directory)
        for name, archive in zip(self.NAMES, ("monitor.tar", "monitor-api.tar")):
            images.pack(os.path.join(self.checkout, archive), program, name)
        self.ctr = f"--ctr=ctr --address {self.machine.socket}"
        self.addCleanup(self.forget)

    def forget(self):
        """Takes the images away again."""
        procs.run(["ctr", "--address", self.machine.socket, "-n", "k8s.io", "images", "rm", "--sync",
                   *[f"docker.io/library/{name}" for name in self.NAMES]]).check_returncode()

    def images(self, *words):
        """The end of the command, which may not leave anything of itself on the worker."""
        done = self.deploy("images", *words, script=self.checkout + "/deploy")
        self.assertEqual(glob.glob("/var/tmp/cloud-monitor.*"), [])
        return done

    def check_imported(self):
        """Under the names that the manifests' images are looked for: the kubelet asks the runtime as this does."""
        for name in self.NAMES:
            self.machine.containerd.runtime.image_id(name)

    def test_a_worker_that_is_down_does_not_stop_the_others(self):
        done = self.images("-F", self.server.config, self.ctr, "worker-a", "down-b", "worker-c")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.splitlines()[-1], "not done, for the reasons above: down-b")
        self.assertEqual(re.findall(r"^\[\d/3\] .*$", done.stdout, re.M), ["[1/3] worker-a", "[2/3] down-b", "[3/3] worker-c"])
        self.assertEqual(len(re.findall(r"^unpacking docker.io/library/cloud-monitor-", done.stdout, re.M)), 4, done.stdout)
        self.check_imported()

    def test_options_of_ssh(self):
        options = ["-p", str(self.server.port), "-i", self.server.directory + "/client_key", "-o", "BatchMode=yes",
                   "-o", f"UserKnownHostsFile={self.server.directory}/known_hosts"]
        done = self.images(*options, self.ctr, "root@127.0.0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_imported()

    def test_an_import_that_fails(self):
        done = self.images("-F", self.server.config, "--ctr=false", "worker-a")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[-1], "not done, for the reasons above: worker-a")

    def test_who_is_not_root_takes_sudo(self):
        """As a session sees it whose user is another: only there `id` and `sudo` are stand-ins."""
        for name, text in (("id", "echo 1000"), ("sudo", f'echo "sudo $*" >>{self.calls_file}; exec "$@"')):
            file = f"{self.server.directory}/bin/{name}"
            with open(file, "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\n{text}\n")
            os.chmod(file, 0o755)
        done = self.images("-F", self.server.config, self.ctr, "worker-a")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.calls(), [f"sudo ctr --address {self.machine.socket} -n k8s.io images import {archive}"
                                        for archive in ("monitor.tar", "monitor-api.tar")])
        self.check_imported()

    def test_without_archives(self):
        os.unlink(self.checkout + "/monitor-api.tar")
        done = self.images("worker-a")
        self.assertEqual((done.returncode, done.stderr), (1, "monitor-api.tar is not there: ./deploy build makes it\n"))
