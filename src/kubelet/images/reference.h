// Image names (github.com/distribution/reference): "nginx" -> "docker.io/library/nginx:latest".
// Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace tiphys::kubelet {

struct ImageReference {
  std::string domain;  // "docker.io"
  std::string path;    // "library/nginx"
  std::string tag;     // "latest" if neither tag nor digest was given
  std::string digest;  // "sha256:..." or ""
  std::string text() const;
};
// Errors: `couldn't parse image name "X": invalid reference format` and alike.
Result<ImageReference> parse_image_reference(std::string_view name);

}  // namespace tiphys::kubelet
