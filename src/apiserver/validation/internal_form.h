// The internal types of upstream's core group as Go's json.MarshalIndent prints them. They have no
// JSON tags: every field is there, under its Go name and in Go's order. Errors of updates show the
// difference of two such texts (apimachinery's util/diff, v0.35). Pure.
#pragma once
#include <span>
#include <string>

#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// More lines than this are not compared: matching them takes too long.
inline constexpr size_t kMaxDiffLines = 2000;

// A text without end if it has more than kMaxDiffLines lines.
std::string internal_form(const schema::Message& type, const Node& node);

// Unified; empty if one of the two has more than kMaxDiffLines lines.
std::string internal_diff(const schema::Message& type, const Node& before, const Node& after);
// Of lists of `type`.
std::string internal_diff(const schema::Message& type, std::span<const Node* const> before,
                          std::span<const Node* const> after);

}  // namespace tiphys::apiserver
