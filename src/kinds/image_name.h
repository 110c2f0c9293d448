// Image references ("registry:5000/name:tag@sha256:..."), as docker's reference package splits
// them. Pure.
#pragma once
#include <string_view>

namespace tiphys {

struct ImageName {
  std::string_view repository;  // with the registry, as written
  std::string_view tag;         // "latest" if neither tag nor digest is there; else as written
  std::string_view digest;      // "sha256:..." or empty
};
// All empty for what is no reference.
ImageName parse_image_name(std::string_view image);

}  // namespace tiphys
