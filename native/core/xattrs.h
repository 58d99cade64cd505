// Extended attributes as they are on a file.
#pragma once

#include <string>
#include <vector>

#include "core/layer_writer.h"
#include "core/result.h"

namespace lichen {

// All that may be read at `path`, sorted by name; a symbolic link is not followed (llistxattr(2),
// lgetxattr(2)). A file system without extended attributes has none.
Result<std::vector<ExtendedAttribute>> read_xattrs(const std::string& path);

}  // namespace lichen
