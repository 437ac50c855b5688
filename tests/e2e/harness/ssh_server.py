# SPDX-License-Identifier: Apache-2.0
"""An sshd of a test's own on 127.0.0.1, with its own keys, and a client configuration that reaches it."""
import os
import socket
import subprocess

from harness.wait import until

SSHD = "/usr/sbin/sshd"

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/client_key.pub
PidFile none
PasswordAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
SetEnv PATH={dir}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
CLIENT = """
Host worker-*
  HostName 127.0.0.1
  Port {port}
  User root
  IdentityFile {dir}/client_key
  IdentitiesOnly yes
  UserKnownHostsFile {dir}/known_hosts
  StrictHostKeyChecking yes
  BatchMode yes
Host down-*
  HostName 127.0.0.1
  Port 1
  BatchMode yes
"""


class SshServer:
    """Its sessions look for programs in `directory`/bin first."""

    def __init__(self, directory):
        self.directory, self.config = directory, directory + "/ssh_config"
        os.makedirs(directory + "/bin", mode=0o755)
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd does not start without it
        for key in ("host_key", "client_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{directory}/{key}"], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(directory + "/host_key.pub", encoding="utf-8") as key:
            self._write("known_hosts", f"[127.0.0.1]:{self.port} {key.read()}")
        self._write("sshd_config", SERVER.format(dir=directory, port=self.port))
        self._write("ssh_config", CLIENT.format(dir=directory, port=self.port))
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", directory + "/sshd_config"], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=self._log())
        until(self._answers, 20, "sshd answers")

    def _log(self):
        return open(self.directory + "/sshd.log", "w", encoding="utf-8")

    def _write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _answers(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            return client.recv(4) == b"SSH-"

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
