#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds ensureBridge, masquerade, removeTable, removeLink and links (core/links.h, core/nftables.h).
void add_network(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
