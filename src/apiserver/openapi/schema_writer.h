// SchemaWriter: the schema tables as OpenAPI v3 components. Pure.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "schema/message.h"

namespace tiphys::apiserver {

// "io.k8s.api.core.v1.Pod"
std::string openapi_name(const schema::Message& message);

class SchemaWriter {
 public:
  // The message and all that it refers to.
  void add(const schema::Message& message);
  // {"name":{...},...} of all that was added.
  std::string json() const;

 private:
  void write_message(const schema::Message& message, std::string& out) const;
  std::vector<const schema::Message*> messages_;
  std::set<const schema::Message*> seen_;
};

}  // namespace tiphys::apiserver
