# SPDX-License-Identifier: Apache-2.0
"""Targets with https that ask for a token, as kube-rbac-proxy does."""
import os

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.tls import Authority
from harness.wait import until


class Guarded:
    """A target that answers who presents the token."""

    def __init__(self, token, tls=None):
        self.token = token
        self.presented = []  # Authorization headers as they came
        self._target = FakeTarget(self._answer, tls=tls)
        self.url = f"{'https' if tls else 'http'}://{self._target.address}/metrics"
        self.stop = self._target.stop

    def _answer(self, handler):
        self.presented.append(handler.headers["Authorization"])
        if self.token and self.presented[-1] != f"Bearer {self.token}":
            handler.send_error(401)
        else:
            counting_page(pod="guarded-1", node="node-tls")(handler)


class ScrapeTls(Case):
    @classmethod
    def setUpClass(cls):
        session.need_tools("openssl")

    def setUp(self):
        self.directory = self.temp_dir()
        self.authority = Authority(self.directory)

    def target(self, token="", tls=True):
        target = Guarded(token, self.authority.server_context() if tls else None)
        self.addCleanup(target.stop)
        return target

    def token_file(self, token):
        path = os.path.join(self.directory, "token")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(token)
        os.rename(path + ".new", path)
        return path

    def start(self, target, *flags):
        return self.started(procs.aggregator(self.temp_dir(), *flags, targets=[target.url], interval="1s"))

    def up(self, aggregator):
        until(lambda: aggregator.get("/api/targets").json[0]["up"], 20, "the target is up")

    def error(self, aggregator, *parts):
        def said():
            error = aggregator.get("/api/targets").json[0]["last_error"]
            return error if all(part in error for part in parts) else None
        until(said, 20, f"an error with {parts}")

    def test_a_token_that_is_renewed(self):
        target = self.target(token="first")
        file = self.token_file("first\n")
        aggregator = self.start(target, f"--scrape.ca-file={self.authority.certificate}",
                                f"--scrape.bearer-token-file={file}")
        self.up(aggregator)
        target.token = "second"
        self.error(aggregator, "401", "scrape.bearer-token-file")
        self.token_file("second")
        self.up(aggregator)
        os.unlink(file)
        self.error(aggregator, "scrape.bearer-token-file", file, "No such file")
        self.token_file("sec\x01ond")
        self.error(aggregator, "scrape.bearer-token-file", file, "expected a token")
        self.assertNotIn("ond", aggregator.get("/api/targets").json[0]["last_error"].replace(file, "").replace("second", ""))
        self.token_file("second")
        self.up(aggregator)

    def test_a_certificate_of_another_authority_and_a_reload(self):
        target = self.target()
        other = Authority(self.directory, "other")
        config = os.path.join(self.directory, "aggregator.yaml")

        def write(ca_file, skip="false"):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"scrape: {{ca-file: '{ca_file}', insecure-skip-verify: {skip}}}\n")
        write(other.certificate)
        aggregator = self.start(target, f"--config.file={config}")

        def reload(*settings):
            write(*settings)
            self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.error(aggregator, "certificate is not trusted", "scrape.ca-file")
        self.assertEqual(target.presented, [], "nothing was asked of it")
        reload(self.authority.certificate)
        self.up(aggregator)
        reload(self.directory + "/none.pem")
        self.error(aggregator, "scrape.ca-file", "none.pem")
        reload(other.certificate, "true")
        self.up(aggregator)
        reload("")
        self.error(aggregator, "certificate is not trusted")

    def test_a_certificate_of_another_name(self):
        target = Guarded("", self.authority.server_context("DNS:elsewhere.test"))
        self.addCleanup(target.stop)
        self.error(self.start(target, f"--scrape.ca-file={self.authority.certificate}"), "certificate is not trusted",
                   "127.0.0.1")

    def test_a_certificate_of_the_name_that_is_expected(self):
        """As of pods, which are addressed by IP and have one certificate for all."""
        target = Guarded("", self.authority.server_context("DNS:exporters.test"))
        self.addCleanup(target.stop)
        flags = [f"--scrape.ca-file={self.authority.certificate}", "--scrape.server-name=exporters.test"]
        aggregator = self.start(target, *flags)
        self.up(aggregator)
        self.assertEqual(aggregator.get("/api/targets").json[0]["url"], target.url)
        self.error(self.start(self.target(), *flags), "certificate is not trusted", "exporters.test")
        plain = self.target(tls=False)
        self.up(self.start(plain, *flags))

    def test_the_token_is_not_sent_over_http(self):
        target = self.target(tls=False)
        aggregator = self.start(target, f"--scrape.bearer-token-file={self.token_file('secret')}")
        self.up(aggregator)
        self.assertEqual(set(target.presented), {None})
