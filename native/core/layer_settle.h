// What of a layer depends on the layers below it, done when those are complete.
//
// Layers are unpacked at the same time, each by itself. Two things cannot be known then: how a directory
// looks that the layer's entries lie in but that none describes, and which whiteouts hide anything. overlayfs
// shows the attributes of the topmost layer that has a directory, and shows a whiteout as a character device
// where there is nothing to merge with, so neither may be left to chance.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace lichen {

struct LayerSettlement {
  std::string directory;           // the layer
  std::vector<std::string> lower;  // the directories of the layers below, topmost first
  // As LayerSummary has them.
  std::vector<std::string> implied;
  std::vector<std::string> whiteouts;
  std::vector<std::string> opaque;
  bool single_owner = false;  // as for LayerWriter
};

// Gives implied directories the attributes they have in the layers below (the default 0755 root:root where
// there is none), marks opaque directories with user.overlay.opaque, and makes whiteouts (character device
// 0:0) for what is there to hide: none inside an opaque directory, none for a name that the layer itself has
// (image-spec, layer.md: whiteouts apply to lower layers only; a directory of the layer becomes opaque
// instead). Code SYMLINK_BELOW: an implied directory is a symbolic link in the layers below, and would hide
// it.
Status settle_layer(const LayerSettlement& settlement);

}  // namespace lichen
