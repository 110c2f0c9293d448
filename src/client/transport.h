// Transport: how a component reaches an API server: TLS (http_transport.h), or a function call in
// the same process (src/main) that passes the same authentication, authorization and admission.
//
// Loop thread only. Requests carry decoded objects; a transport encodes them if it must (TLS:
// protobuf), and an in-process one shares the object itself.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "base/result.h"
#include "object/object.h"

namespace tiphys::client {

struct Request {
  std::string method;        // GET, POST, PUT, PATCH, DELETE
  std::string path;          // "/api/v1/namespaces/default/pods/a/status"
  std::string query;         // encoded, without '?'
  ObjectPtr object;          // body of create, update, delete options; may be null
  std::string body;          // raw body (patches), if object is null
  std::string content_type;  // of `body`
  // The answer is wanted as JSON text, of whatever type (Client::get_json); of `accept`, if set.
  bool as_text = false;
  std::string accept;
  // Of kinds that the schema doesn't know: `object` is sent as JSON, and answers are wanted as
  // PartialObjectMetadata (or its list). A transport that shares objects may give whole ones.
  enum class As : uint8_t { kObject, kMetadata, kMetadataList };
  As as = As::kObject;
  bool json_body = false;
  StopToken stop;
};

// A list's answer where the transport has the items as objects of their own (in-process: the very
// objects that the server keeps).
struct ListAnswer {
  std::vector<ObjectPtr> items;
  std::string resource_version;
  std::string continue_token;
};

struct Response {
  int code = 200;
  ObjectPtr object;                // the answer; a failure is the Result's ApiStatus
  std::string body;                // raw, where it is no object (logs)
  std::optional<ListAnswer> list;  // a list is this, or one list object
};

struct WatchEvent {
  enum class Type : uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kAdded;
  ObjectPtr object;                // a bookmark's object carries only resourceVersion
  std::optional<ApiStatus> error;  // kError
};

class WatchStream {
 public:
  virtual ~WatchStream() = default;
  // The next event; nullopt when the server ended the watch (or stop). Errors: the connection
  // broke.
  virtual Task<Result<std::optional<WatchEvent>>> next(StopToken stop) = 0;
};

// A request that a transport has sent, and what came of it.
struct Sent {
  std::string method;
  std::string host;  // "": this process
  int code = 0;      // 0: no answer
  Duration took{};
};

class Transport {
 public:
  using Observer = std::function<void(const Sent&)>;
  virtual ~Transport() = default;
  // A non-2xx answer is the error, as the server's own Status.
  virtual Task<Result<Response>> send(Request request) = 0;
  // GET with watch=true.
  virtual Task<Result<std::unique_ptr<WatchStream>>> watch(Request request) = 0;
  // Told of each request that is answered from now on, watches too; null: nobody. Only transports
  // that send by themselves tell, not those before them.
  void observe(Observer observer) { observer_ = std::move(observer); }

 protected:
  void tell(const Sent& sent) const {
    if (observer_) observer_(sent);
  }

 private:
  Observer observer_;
};

}  // namespace tiphys::client
