# SPDX-License-Identifier: Apache-2.0
"""An OpenAPI 3.1 document as a judge of answers, that remembers which of its parts were seen."""
import re

import jsonschema

METHODS = ("get", "post")


class Contract:
    def __init__(self, document):
        self.document = document
        self._resolver = jsonschema.RefResolver("", document)
        self.seen = set()  # (path, method, key of the response)

    def follow(self, node):
        while "$ref" in node:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        """(path, method, operation)"""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def parameters(self, operation, place):
        """{name: parameter} of those in "path", "query" or "header"."""
        found = [self.follow(item) for item in operation.get("parameters", ())]
        return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}

    def problems(self, value, schema):
        """What is wrong with a value, one line each."""
        judge = jsonschema.Draft202012Validator(schema, resolver=self._resolver)
        return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:500]}" for error in judge.iter_errors(value)]

    def schema(self, name):
        return {"$ref": "#/components/schemas/" + name}

    def parameter_problems(self, parameter, text):
        """What is wrong with a parameter's text, as it stands in a query."""
        kind = parameter["schema"]["type"]
        value = text
        if kind == "array":
            value = text.split(",")
        elif kind == "integer" and re.fullmatch("-?[0-9]+", text):
            value = int(text)
        return self.problems(value, parameter["schema"])

    def judge(self, path, method, answer, head=False):
        """What is wrong with an answer of the route `path` (as the contract writes it) to that method; notes it as seen."""
        responses = self.document["paths"][path][method]["responses"]
        key = next((key for key in (str(answer.status), f"{answer.status // 100}XX") if key in responses), None)
        if key is None:
            return [f"status {answer.status} is not documented: {answer.text[:300]}"]
        self.seen.add((path, method, key))
        return self.judge_as(self.follow(responses[key]), answer, head)

    def judge_as(self, response, answer, head=False):
        found = self._judge_headers(response.get("headers", {}), answer)
        media_type = (answer.headers.get("Content-Type") or "").split(";")[0]
        content = response.get("content", {})
        if media_type not in content:
            return found + [f"Content-Type {media_type!r} is not documented"]
        if head:
            return found + (["HEAD has a body"] if answer.body else [])
        body = answer.json if media_type == "application/json" else answer.text
        return found + self.problems(body, content[media_type]["schema"])

    def _judge_headers(self, headers, answer):
        found = []
        for name, header in headers.items():
            header = self.follow(header)
            value = answer.headers.get(name)
            if value is None:
                found += [f"{name} is missing"] if header.get("required") else []
                continue
            if header["schema"]["type"] == "integer" and value.isdigit():
                value = int(value)
            found += [f"{name}: {problem}" for problem in self.problems(value, header["schema"])]
        return found

    def unseen(self):
        """Documented (path, method, key of the response) that no answer had."""
        documented = {(path, method, key) for path, method, operation in self.operations() for key in operation["responses"]}
        return documented - self.seen
