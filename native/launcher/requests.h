// What the daemon asks of the launcher over its descriptor 3: one JSON object a packet, as in the monitor's
// protocol.
//
//   {"id":1,"op":"listen","address":"127.0.0.1","port":0,"protocol":"tcp"|"udp"}  ->
//   {"id":1,"ok":{"port":40123}} + the socket: a listening one, or one that receives datagrams
//   {"id":2,"op":"dial","host":"registry","port":443,"timeoutMs":n}  -> {"id":2,"ok":{"address":"…"}} + the
//   socket failures                                                         ->
//   {"id":n,"error":{operation,object,cause,code,errno}}
#pragma once

#include <string_view>

#include "core/fd.h"

namespace lichen::launcher {

// Answers one request on `channel`. Code UNKNOWN_OP for other ops. An error means that the answer could not
// be sent: the channel is of no use any more.
Status answer_request(const Fd& channel, std::string_view request);

}  // namespace lichen::launcher
