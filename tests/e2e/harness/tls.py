# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities and servers' certificates, made with openssl."""
import ssl
import subprocess

_NEW_KEY = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]


class Authority:
    def __init__(self, directory, name="ca"):
        self._directory = directory
        self.certificate = f"{directory}/{name}.pem"
        self._key = f"{directory}/{name}.key"
        subprocess.run([*_NEW_KEY, "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.certificate], check=True,
                       capture_output=True)

    def server_context(self, names="IP:127.0.0.1", subject="/CN=server"):
        """For a server with a certificate (server.pem, server.key) of these names."""
        certificate, key = f"{self._directory}/server.pem", f"{self._directory}/server.key"
        subprocess.run([*_NEW_KEY, "-subj", subject, "-addext", f"subjectAltName={names}", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-CA", self.certificate, "-CAkey", self._key,
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
