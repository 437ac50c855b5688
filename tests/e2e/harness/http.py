# SPDX-License-Identifier: Apache-2.0
"""HTTP requests as a client would make them, without raising on error answers."""
import dataclasses
import gzip
import http.client
import json as json_module
import urllib.error
import urllib.request


@dataclasses.dataclass
class Answer:
    status: int
    headers: object  # case-insensitive
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json_module.loads(self.body)


def get(url, headers=None, method="GET", body=None, timeout=10):
    """One request. The body is unpacked when it came gzipped; the header says whether it did."""
    request = urllib.request.Request(url, headers=headers or {}, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            answer = Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        answer = Answer(error.code, error.headers, error.read())
    if answer.headers.get("Content-Encoding") == "gzip":
        answer.body = gzip.decompress(answer.body)
    return answer


def read(connection):
    """The answer that comes on a socket."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, response.headers, response.read())
