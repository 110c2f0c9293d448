// For tests: an API server over a memory store on virtual time, asked over handle().
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/api_server.h"
#include "async/sim_loop.h"
#include "codec/codec.h"
#include "storage/memory/memory_store.h"

namespace tiphys::apiserver {

class AlwaysAdmin : public Authenticator {
 public:
  Result<std::optional<Authenticated>> authenticate(const net::Request&) override {
    return std::optional<Authenticated>(admin());
  }
  Result<std::optional<Authenticated>> authenticate_token(
      std::string_view, const std::vector<std::string>&) override {
    return std::optional<Authenticated>(admin());
  }

 private:
  static Authenticated admin() {
    Authenticated found;
    found.user.name = "admin";
    found.user.groups = {std::string(kSystemMasters), std::string(kAllAuthenticated)};
    return found;
  }
};

class ApiServerTest : public testing::Test {
 protected:
  struct Reply {
    int status = 0;
    std::string body;
    std::string type;
    net::Headers headers;
  };

  ApiServerTest()
      : store_(storage::make_memory_store(loop_)),
        pool_(1),
        random_(7),
        server_(loop_, pool_, *store_, random_, ApiServerOptions{}) {
    server_.set_authenticator(std::make_unique<AlwaysAdmin>());
    auto started = loop_.run(server_.start());
    EXPECT_TRUE(started) << started.error().message();
  }
  ~ApiServerTest() override {
    loop_.run(server_.stop());
    loop_.run(store_->stop());
  }

  net::Response send(std::string method, std::string target, std::string body = "",
                     std::string content_type = "application/json", std::string accept = "") {
    net::Request request;
    request.method = std::move(method);
    size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.body = std::move(body);
    request.headers.set("content-type", content_type);
    request.headers.set("user-agent", "test/1.0");
    if (!accept.empty()) request.headers.set("accept", accept);
    return loop_.run(server_.handle(std::move(request)));
  }
  Reply ask(std::string method, std::string target, std::string body = "",
            std::string content_type = "application/json", std::string accept = "") {
    net::Response response = send(std::move(method), std::move(target), std::move(body),
                                  std::move(content_type), std::move(accept));
    Reply reply;
    reply.status = response.status;
    if (response.body) reply.body = *response.body;
    reply.type = response.headers.get("content-type");
    reply.headers = response.headers;
    return reply;
  }
  // The text or number at a path of a JSON body ("metadata", "name").
  static std::string at(const std::string& json, std::initializer_list<std::string_view> path) {
    Arena arena;
    auto any = codec::decode_json_any(json, arena);
    if (!any) return "<no JSON: " + json + ">";
    const Value* value = &*any;
    for (std::string_view name : path) value = &value->as_node().find(name);
    std::string text;
    if (value->type == ValueType::kString) return std::string(value->as_text());
    if (value->is_null()) return "<none>";
    codec::encode_json_any(*value, text);
    return text;
  }

  SimLoop loop_;
  std::unique_ptr<storage::Store> store_;
  WorkerPool pool_;
  SeededRandom random_;
  ApiServer server_;
};

}  // namespace tiphys::apiserver
