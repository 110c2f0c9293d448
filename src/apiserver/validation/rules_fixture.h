// For tests of validation: objects from JSON, and their field errors as lines of text.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "apiserver/validation/rules.h"
#include "codec/codec.h"

namespace tiphys::apiserver {

inline ObjectPtr object_of(std::string_view json) {
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, json, nullptr, nullptr);
  EXPECT_TRUE(draft) << json;
  return draft ? draft->freeze() : nullptr;
}

// "field: message" lines.
inline std::string lines_of(const FieldErrors& errors) {
  std::string lines;
  for (const StatusCause& cause : errors.causes()) {
    lines += cause.field + ": " + cause.message + "\n";
  }
  return lines;
}

// The errors of the rows of the object's kind; old_json empty: a creation.
inline std::string rule_errors(std::string_view json, std::string_view old_json = {},
                               bool status = false) {
  ObjectPtr object = object_of(json);
  ObjectPtr old = old_json.empty() ? nullptr : object_of(old_json);
  FieldErrors errors;
  if (object) validate_rules({*object, old.get()}, status, errors);
  return lines_of(errors);
}

}  // namespace tiphys::apiserver
