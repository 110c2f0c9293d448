#include "apiserver/response/encode.h"

#include "apiserver/registry/meta.h"
#include "apiserver/response/partial_object.h"
#include "apiserver/response/status_object.h"
#include "apiserver/response/table_answer.h"
#include "apiserver/response/wire.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

net::Bytes bytes_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

std::string encode_plain(codec::Format format, const Object& object) {
  std::string text;
  if (format == codec::Format::kYaml) {
    codec::encode_object(format, object.type(), object.root(), object.gvk(), text);
    return text;
  }
  Bytes shared = codec::encode_shared(format, object);
  text.reserve(shared->size() + 1);
  text = *shared;
  if (format == codec::Format::kJson) text += '\n';
  return text;
}

std::string finish(const MediaType& media, std::string text) {
  if (!media.pretty || media.format != codec::Format::kJson) return text;
  return indent_json(text);
}

// The YAML form of a typed object's JSON.
Result<std::string> yaml_of(std::string_view json) {
  auto draft = codec::decode_object(codec::Format::kJson, json, nullptr, nullptr);
  if (!draft) return draft.error();
  std::string text;
  codec::encode_object(codec::Format::kYaml, draft->type(), draft->root(), draft->gvk(), text);
  return text;
}

// Go's name of an object's internal type, as upstream's messages have it: "*core.Pod".
std::string internal_type(const GroupVersionKind& gvk) {
  std::string_view group = gvk.group.substr(0, gvk.group.find('.'));
  return "*" + std::string(group.empty() ? std::string_view("core") : group) + "." +
         std::string(gvk.kind);
}

std::string list_api_version(const schema::Resource& resource) {
  return resource.type->gvk.api_version();
}

std::string list_meta_json(const ListAnswer& list) {
  if (list.resource_version.empty()) return "{}";  // of a list that is computed
  std::string text = "{\"resourceVersion\":\"" + list.resource_version + "\"";
  if (!list.continue_token.empty()) text += ",\"continue\":\"" + list.continue_token + "\"";
  if (list.remaining > 0 && !list.continue_token.empty()) {
    text += ",\"remainingItemCount\":" + std::to_string(list.remaining);
  }
  return text + "}";
}

// The item's JSON without kind and apiVersion: items of typed lists carry none.
void append_item(const Object& item, bool typed, std::string& out) {
  Bytes shared = codec::encode_shared(codec::Format::kJson, item);
  std::string_view text = *shared;
  const GroupVersionKind* gvk = item.gvk();
  if (gvk && !typed) {
    std::string head = "{\"kind\":\"" + std::string(gvk->kind) + "\",\"apiVersion\":\"" +
                       gvk->api_version() + "\"";
    if (text.starts_with(head)) {
      text.remove_prefix(head.size());
      if (text.starts_with(',')) text.remove_prefix(1);
      out += '{';
    }
  }
  out += text;
}

std::string list_json(std::string_view kind, std::string_view api_version, const ListAnswer& list) {
  std::string text = "{\"kind\":\"" + std::string(kind) + "\",\"apiVersion\":\"" +
                     std::string(api_version) + "\",\"metadata\":" + list_meta_json(list) +
                     ",\"items\":[";
  bool first = true;
  for (const ObjectPtr& item : list.items) {
    if (!first) text += ',';
    append_item(*item, kind == "PartialObjectMetadataList", text);
    first = false;
  }
  return text + "]}\n";
}

// List kinds on the wire: ListMeta metadata = 1, repeated items = 2.
std::string list_protobuf(std::string_view kind, std::string_view api_version,
                          const ListAnswer& list) {
  std::string meta;  // ListMeta: selfLink 1, resourceVersion 2, continue 3, remainingItemCount 4
  append_field(1, "", meta);
  append_field(2, list.resource_version, meta);
  append_field(3, list.continue_token, meta);
  if (list.remaining > 0 && !list.continue_token.empty()) {
    append_varint(4 << 3, meta);
    append_varint(static_cast<uint64_t>(list.remaining), meta);
  }
  std::string raw;
  append_field(1, meta, raw);
  for (const ObjectPtr& item : list.items) {
    Bytes shared = codec::encode_shared(codec::Format::kProtobuf, *item);
    auto envelope = codec::decode_envelope(*shared);
    if (envelope) append_field(2, envelope->raw, raw);
  }
  std::string text;
  codec::encode_envelope(api_version, kind, raw, text);
  return text;
}

Result<std::string> encode_items(const RequestContext& context, std::string_view kind,
                                 std::string_view api_version, const ListAnswer& list) {
  if (context.media.format == codec::Format::kProtobuf) {
    return list_protobuf(kind, api_version, list);
  }
  std::string json = list_json(kind, api_version, list);
  if (context.media.format == codec::Format::kJson) return json;
  return yaml_of(json);
}

Result<net::Bytes> encode_table(const RequestContext& context, const ListAnswer& list,
                                bool is_list) {
  auto text = table_text(context, list, is_list, true);
  if (!text) return text.error();
  if (context.media.format == codec::Format::kYaml) {
    auto yaml = yaml_of(*text);
    if (!yaml) return yaml.error();
    return bytes_of(std::move(*yaml));
  }
  *text += '\n';
  return bytes_of(finish(context.media, std::move(*text)));
}

}  // namespace

Result<net::Bytes> encode_object(const RequestContext& context, const Object& object) {
  bool is_status = object.gvk() && object.gvk()->kind == "Status" && context.resource;
  switch (is_status ? Transform::kNone : context.media.transform) {
    case Transform::kTable: {
      ListAnswer list;
      list.resource = context.resource;
      list.items.push_back(std::const_pointer_cast<const Object>(
          std::shared_ptr<const Object>(std::shared_ptr<void>(), &object)));
      return encode_table(context, list, false);
    }
    case Transform::kPartialObject: {
      ObjectPtr partial = partial_object(object, context.media.meta_version, true);
      return bytes_of(finish(context.media, encode_plain(context.media.format, *partial)));
    }
    case Transform::kPartialObjectList:
      return ApiStatus::not_acceptable(
          "you requested PartialObjectMetadataList, but the requested object is not a list (" +
          internal_type(*object.gvk()) + ")");
    case Transform::kNone:
      break;
  }
  return bytes_of(finish(context.media, encode_plain(context.media.format, object)));
}

Result<net::Bytes> encode_list(const RequestContext& context, const ListAnswer& list) {
  if (context.media.transform == Transform::kTable) return encode_table(context, list, true);
  if (context.media.transform == Transform::kPartialObjectList) {
    ListAnswer partial;
    partial.resource = list.resource;
    partial.resource_version = list.resource_version;
    partial.continue_token = list.continue_token;
    partial.remaining = list.remaining;
    for (const ObjectPtr& item : list.items) {
      partial.items.push_back(partial_object(*item, context.media.meta_version, true));
    }
    std::string version = "meta.k8s.io/" + std::string(context.media.meta_version);
    auto text = encode_items(context, "PartialObjectMetadataList", version, partial);
    if (!text) return text.error();
    return bytes_of(finish(context.media, std::move(*text)));
  }
  if (context.media.transform == Transform::kPartialObject) {
    return ApiStatus::not_acceptable(
        "you requested PartialObjectMetadata, but the requested object is a list (" +
        internal_type(list.resource->type->gvk) + "List)");
  }
  std::string kind(list.resource->list_type ? list.resource->list_type->gvk.kind
                                            : std::string_view("List"));
  auto text = encode_items(context, kind, list_api_version(*list.resource), list);
  if (!text) return text.error();
  return bytes_of(finish(context.media, std::move(*text)));
}

Result<std::string> encode_event(const RequestContext& context, std::string_view type,
                                 const Object& object, bool first_table) {
  bool is_status = object.gvk() && object.gvk()->kind == "Status";
  ObjectPtr transformed;
  const Object* shown = &object;
  std::string table;
  if (!is_status && (context.media.transform == Transform::kPartialObject)) {
    transformed = partial_object(object, context.media.meta_version, true);
    shown = transformed.get();
  } else if (!is_status && context.media.transform == Transform::kTable) {
    ListAnswer list;
    list.resource = context.resource;
    list.items.push_back(ObjectPtr(std::shared_ptr<void>(), &object));
    auto text = table_text(context, list, false, first_table);
    if (!text) return text.error();
    table = std::move(*text);
  }
  std::string out;
  if (context.media.format == codec::Format::kProtobuf) {
    // WatchEvent: type = 1, object (RawExtension raw = 1) = 2. The event itself has no envelope
    // (apimachinery's raw serializer), its object has.
    Bytes shared = codec::encode_shared(codec::Format::kProtobuf, *shown);
    std::string raw_extension;
    append_field(1, *shared, raw_extension);
    std::string event;
    append_field(1, type, event);
    append_field(2, raw_extension, event);
    for (int shift = 24; shift >= 0; shift -= 8) {
      out += static_cast<char>(event.size() >> shift & 0xff);
    }
    return out + event;
  }
  out = "{\"type\":\"" + std::string(type) + "\",\"object\":";
  if (table.empty()) {
    out += *codec::encode_shared(codec::Format::kJson, *shown);
  } else {
    out += table;
  }
  return out + "}\n";
}

net::Bytes encode_failure(const MediaType& media, const ApiStatus& failure) {
  return bytes_of(finish(media, encode_plain(media.format, *status_object(failure))));
}

Result<void> check_table_options(const RequestContext& context) {
  if (context.media.transform != Transform::kTable) return {};
  return check_include_object(context.query);
}

std::string indent_json(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() * 2);
  int depth = 0;
  bool in_string = false;
  auto line = [&] {
    out += '\n';
    out.append(static_cast<size_t>(depth) * 2, ' ');
  };
  for (size_t i = 0; i < compact.size(); ++i) {
    char c = compact[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < compact.size()) {
        out += compact[++i];
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') {
      out += c;
      bool empty = i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']');
      if (empty) {
        out += compact[++i];
      } else {
        ++depth;
        line();
      }
      continue;
    }
    if (c == '}' || c == ']') {
      --depth;
      line();
    }
    if (c == '\n') continue;
    out += c;
    if (c == ',') line();
    if (c == ':') out += ' ';
  }
  return out;
}

}  // namespace tiphys::apiserver
