// What to wait for on a socket, or what happened to it.
#pragma once

namespace kpi {

struct SocketEvent {
    int socket = -1;
    bool readable = false, writable = false;
};

}  // namespace kpi
