# SPDX-License-Identifier: Apache-2.0
"""config/prometheus*.yml and config/rules: promtool accepts and tests them, and a real Prometheus runs them on real series."""
import os
import re
import shutil
import subprocess
import textwrap

import yaml

from harness import manifests, procs, session
from harness.case import Case
from harness.manifests import AGGREGATOR, EXPORTER
from harness.stack_case import StackCase
from harness.wait import until

ALERTS, RECORDING = "config/rules/alerts.yml", "config/rules/recording.yml"
CASES = {ALERTS: "tests/rules/alerts.yml", RECORDING: "tests/rules/recording.yml"}
PROMETHEUS_RULE = "manifests/components/prometheus-operator/rules.yaml"
# For the operator: the alerts alone. Where it runs, kubernetes-mixin's own recording rules mostly do too.
PROMETHEUS_RULE_HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# Made from config/rules/alerts.yml: UPDATE_GOLDEN=1 tests/e2e/run test_rules
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: cloud-monitor
  namespace: cloud-monitor
spec:
"""
# What an expression consists of beside metrics.
WORDS = {"absent", "and", "avg", "by", "count", "increase", "irate", "label_replace", "max", "on",
         "or", "rate", "sum", "time", "unless", "without"}
# Shown where remote_write is on.
REMOTE_WRITE = {"cloudmon_remote_write_lag_seconds", "cloudmon_remote_write_samples_dropped_total"}


def read(path):
    with open(os.path.join(procs.REPOSITORY, path), encoding="utf-8") as file:
        return file.read()


def rules(path):
    return [rule for group in yaml.safe_load(read(path))["groups"] for rule in group["rules"]]


def metrics_of(expression):
    """The names of metrics in an expression."""
    text = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    text = re.sub(r"\{[^}]*\}", "", text)
    text = re.sub(r"\b(by|on|without) \([^)]*\)", "", text)
    return set(re.findall(r"[A-Za-z_:][A-Za-z_:0-9]+", text)) - WORDS


class Files(Case):
    """Without any program under test."""

    def promtool(self, *arguments):
        session.need_tools("promtool")
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, cwd=procs.REPOSITORY)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_promtool_accepts_the_configuration(self):
        said = self.promtool("check", "config", "config/prometheus.yml")
        self.assertIn("2 rule files found", said)

    def test_promtool_accepts_the_configuration_for_kubernetes(self):
        """All but kubernetes_sd_configs itself, which Debian's Prometheus is built without: that part is checked here."""
        directory = self.temp_dir()
        shutil.copytree(procs.REPOSITORY + "/config/rules", directory + "/rules")
        text = read("config/prometheus-kubernetes.yml")
        config = yaml.safe_load(text)
        ports = {EXPORTER: "metrics", AGGREGATOR: "http"}
        built = manifests.build(".")
        for job in config["scrape_configs"]:
            name = job["job_name"]
            (sd,) = job.pop("kubernetes_sd_configs")
            label = "app.kubernetes.io/name=" + name
            self.assertEqual(sd, {"role": "pod", "namespaces": {"names": ["cloud-monitor"]},
                                  "selectors": [{"role": "pod", "label": label}]})
            self.assertEqual(built.templates_selected_by(dict([label.split("=")])), [name])
            port = {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": ports[name], "action": "keep"}
            self.assertIn(port, job["relabel_configs"])
            self.assertIn(ports[name], [port["name"] for container in built.pods()[name]["containers"]
                                        for port in container.get("ports", [])])
            job["static_configs"] = [{"targets": ["127.0.0.1:1"]}]
        path = directory + "/prometheus.yml"
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file)
        self.promtool("check", "config", path)

    def test_both_configurations_name_the_same_jobs(self):
        jobs = [{job["job_name"]: job["honor_labels"] for job in yaml.safe_load(read(path))["scrape_configs"]}
                for path in ("config/prometheus.yml", "config/prometheus-kubernetes.yml")]
        self.assertEqual(jobs, [{EXPORTER: True, AGGREGATOR: True}] * 2)

    def test_rules_do_what_their_cases_say(self):
        self.promtool("test", "rules", *CASES.values())

    def test_each_alert_has_a_case_that_fires_and_one_that_does_not(self):
        fires, is_quiet = set(), set()
        for test in yaml.safe_load(read(CASES[ALERTS]))["tests"]:
            for case in test["promql_expr_test"]:
                (alert,) = re.findall(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', case["expr"])
                (fires if case["exp_samples"] else is_quiet).add(alert)
        names = [rule["alert"] for rule in rules(ALERTS)]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(fires, set(names))
        self.assertEqual(is_quiet, set(names))

    def test_each_recording_rule_has_a_case(self):
        asked = {name for test in yaml.safe_load(read(CASES[RECORDING]))["tests"] for case in test["promql_expr_test"]
                 if case["exp_samples"] for name in re.findall(r"[\w:]*:[\w:]*|kube_pod_info", case["expr"])}
        self.assertEqual(asked, {rule["record"] for rule in rules(RECORDING)})

    def test_rules_are_about_metrics_that_there_are(self):
        known = set(re.findall(r"^\| `([a-z_A-Z0-9]+)` \| ", read("docs/metrics.md"), re.MULTILINE)) | {"up"}
        recorded = {rule["record"] for rule in rules(RECORDING)}
        for rule in rules(ALERTS) + rules(RECORDING):
            with self.subTest(rule.get("alert") or rule["record"]):
                jobs = set(re.findall(r'job="([^"]*)"', rule["expr"])) | {
                    job for jobs in re.findall(r'job=~"([^"]*)"', rule["expr"]) for job in jobs.split("|")}
                self.assertLessEqual(jobs, {EXPORTER, AGGREGATOR, "cadvisor", "node-exporter"})
                names = metrics_of(rule["expr"])
                self.assertTrue(names)
                # Alerts stand alone: with Prometheus' operator the recording rules may be others.
                self.assertEqual(names - (known if "alert" in rule else known | recorded), set())

    def test_each_alert_says_what_it_is_and_what_to_do(self):
        headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                    for line in re.findall(r"^#+ (.*)$", read("docs/operations.md"), re.MULTILINE)}
        for rule in rules(ALERTS):
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("info", "warning", "critical"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"})
                self.assertEqual(rule["annotations"]["runbook"], "docs/operations.md#" + rule["alert"].lower())
                self.assertIn(rule["alert"].lower(), headings)

    def test_the_operators_rules_are_the_alerts(self):
        text = read(ALERTS)
        made = PROMETHEUS_RULE_HEAD + textwrap.indent(text[text.index("groups:"):], "  ")
        if os.environ.get("UPDATE_GOLDEN") == "1":
            with open(os.path.join(procs.REPOSITORY, PROMETHEUS_RULE), "w", encoding="utf-8") as file:
                file.write(made)
        self.assertEqual(read(PROMETHEUS_RULE), made, "UPDATE_GOLDEN=1 tests/e2e/run test_rules makes it")
        self.assertEqual(yaml.safe_load(made)["spec"]["groups"], yaml.safe_load(text)["groups"])


class Running(StackCase):
    """In the stack's Prometheus."""

    def groups(self):
        return self.stack.prometheus.api("rules")["groups"]

    def test_none_is_in_error(self):
        until(lambda: all(rule["health"] == "ok" for group in self.groups() for rule in group["rules"]), 30, "all are evaluated")
        running = {rule["name"]: rule for group in self.groups() for rule in group["rules"]}
        self.assertEqual(set(running), {rule.get("alert") or rule["record"] for rule in rules(ALERTS) + rules(RECORDING)})
        self.assertEqual([name for name, rule in running.items() if rule.get("lastError")], [])

    def test_each_recording_rule_gives_series(self):
        for rule in rules(RECORDING):
            with self.subTest(rule["record"]):
                until(lambda r=rule: self.query(f'count({{__name__="{r["record"]}"}})'), 30, "series")

    def test_workloads_are_the_pods(self):
        types = {"pod": "barepod", "static": "staticpod"}
        expected = {(pod.spec.namespace, pod.spec.name, pod.spec.workload, types.get(pod.spec.workload_type, pod.spec.workload_type))
                    for pod in self.machine.pods if pod.spec.stable}
        def found():
            return {tuple(labels[key] for key in ("namespace", "pod", "workload", "workload_type"))
                    for labels, _ in self.query("namespace_workload_pod:kube_pod_owner:relabel")}
        until(lambda: found() >= expected, 30, "all pods")

    def test_alerts_ask_for_series_that_there_are(self):
        """Each metric of an alert is there, but for those of what the stack does not use."""
        unused = {
            "cloudmon_push_documents_total": "the stack's exporter does not push",
            **dict.fromkeys(REMOTE_WRITE, "the stack's aggregator has no receiver"),
        }
        for rule in rules(ALERTS):
            for name in metrics_of(rule["expr"]) - set(unused):
                with self.subTest(f"{rule['alert']}: {name}"):
                    selectors = re.findall(re.escape(name) + r"(?:\{[^}]*\})?", rule["expr"])
                    for selector in selectors:
                        until(lambda s=selector: self.query(f"count({s})"), 30, selector)

    def test_the_throttled_container_is_found(self):
        (rule,) = [rule for rule in rules(ALERTS) if rule["alert"] == "ContainerCPUThrottled"]
        until(lambda: [labels["container"] for labels, _ in self.query(rule["expr"])] == ["cruncher"], 30, "cruncher is throttled")
