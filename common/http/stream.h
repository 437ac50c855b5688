// SPDX-License-Identifier: Apache-2.0
// The body of a streamed answer (Response::stream) on its way to the client.
#pragma once

#include <functional>

#include "common/http/http.h"

namespace cloudmon::http {

// How the body is sent.
struct StreamForm {
  bool chunked = true;  // HTTP/1.1's chunks; else as it is, and the end of the connection is its end
  bool gzip = false;
};

// Runs response.stream; what it gives is gathered to pieces of 64 KiB, compressed, framed and handed to `write`, whose
// false means that the client takes no more. `stopping` is asked with each piece: true ends the stream likewise. True
// when the whole body was written. False: the connection is to be cut. Where the stream itself failed that is logged
// with what `request` was for. Exceptions of the stream do not leave it. Constant memory.
bool SendStream(const Request& request, const Response& response, const StreamForm& form, const BodySink& write,
                const std::function<bool()>& stopping);

}  // namespace cloudmon::http
