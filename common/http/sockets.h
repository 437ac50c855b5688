// SPDX-License-Identifier: Apache-2.0
// civetweb does not give out its descriptors. They are found here by what they are connected to, to end a connection or
// stop listening without waiting for civetweb's timeouts.
#pragma once

#include <cstdint>
#include <string_view>

namespace cloudmon::http {

// Ends the connection of this process' `local_port` with that peer: its reader sees the end of the stream. The caller
// makes sure that the connection is not closed meanwhile. False when there is none such. Thread-safe.
bool EndConnection(std::uint16_t local_port, std::string_view peer_address, std::uint16_t peer_port);

// The same by a reset: its reader sees an error, not the end of the stream.
bool ResetConnection(std::uint16_t local_port, std::string_view peer_address, std::uint16_t peer_port);

// Ends this process' listening socket of that port: who polls it wakes, and new connections are refused. False
// when there is none such. Thread-safe.
bool EndListening(std::uint16_t port);

}  // namespace cloudmon::http
