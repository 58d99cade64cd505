// The process that serves a node's host ports, and how the daemon tells it what to do.
//
// It is started by the daemon when a pod publishes its first port, and outlives daemon and launcher:
// connections go on, and new ones are served, whatever happens to them. Each pod's monitor is watched: with
// it the pod's ports end. With no port left and no daemon connected the process ends.
//
// Control: SOCK_SEQPACKET, one JSON object a packet, as in the monitor's protocol; on descriptor 3 and on
// R/ports.sock.
//
//   {"id":1,"op":"hello"}  -> {"id":1,"ok":{"version":1,"pid":n,"published":[{"pod","name","clients":n}]}}
//   {"id":2,"op":"publish","pod":id,"monitor":pid,"name":"8080/tcp on the host","protocol":"tcp"|"udp",
//    "targets":["10.210.0.5","fd00::5"],"port":80,"keepClient":true,"podNetworks":["10.210.0.0/16"]}
//      -> {"id":2,"ok":{}}
//      with the socket as descriptor: of whichever network namespace, listening, or bound for datagrams
//   {"id":3,"op":"unpublish","pod":id} -> {"id":3,"ok":{"left":n}}      every port of the pod; fine without
//   any failures -> {"id":n,"error":{operation,object,cause,code,errno}}
#pragma once

#include "core/fd.h"

namespace lichen::ports {

// Serves until there is nothing to serve. `directory` is the node's runtime directory, where ports.sock and
// ports.pid are made.
Status serve_ports(Fd first_connection, Fd directory);

}  // namespace lichen::ports
