// What the tests of this folder share: a loop that runs a task with a bound on time, certificates,
// a handler with a few routes, and raw sockets.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "async/channel.h"
#include "async/epoll_loop.h"
#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "net/client.h"
#include "net/server.h"
#include "net/socket.h"

namespace tiphys::net {

inline constexpr Duration kTestLimit = std::chrono::seconds(60);

template <class T>
Task<void> store(EpollLoop& loop, Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
  loop.stop();
}
inline Task<void> stop_after(EpollLoop& loop, Task<void> task, bool* done) {
  co_await std::move(task);
  *done = true;
  loop.stop();
}

// Runs the loop until the task is done; aborts the test after kTestLimit.
template <class T>
T run_task(EpollLoop& loop, Task<T> task) {
  auto timer = loop.call_after(kTestLimit, [] {
    ADD_FAILURE() << "the task did not end in time";
    std::abort();
  });
  if constexpr (std::is_void_v<T>) {
    bool done = false;
    loop.post([&] { spawn(stop_after(loop, std::move(task), &done)); });
    while (!done) loop.run();
    loop.cancel(timer);
  } else {
    std::optional<T> value;
    loop.post([&] { spawn(store<T>(loop, std::move(task), &value)); });
    while (!value) loop.run();
    loop.cancel(timer);
    return std::move(*value);
  }
}

inline Bytes text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

// A body of what is pushed into a channel, with trailers.
class ChannelBody : public BodyStream {
 public:
  explicit ChannelBody(std::shared_ptr<Channel<std::string>> channel)
      : channel_(std::move(channel)) {}
  ~ChannelBody() override { channel_->close(); }
  Task<Result<Bytes>> next(StopToken stop) override {
    std::optional<std::string> value = co_await channel_->pop(stop);
    if (stop.stop_requested()) co_return ApiStatus::stopped();
    if (!value) co_return Bytes();
    if (*value == "BREAK") co_return ApiStatus::internal("broken");
    co_return text(std::move(*value));
  }
  const Headers* trailers() const override { return fields.entries().empty() ? nullptr : &fields; }
  Headers fields;

 private:
  std::shared_ptr<Channel<std::string>> channel_;
};

struct TestPki {
  static TestPki make() {
    TestPki pki;
    auto ca_key = *crypto::PrivateKey::generate();
    crypto::CertificateTemplate ca;
    ca.subject.common_name = "ca";
    ca.ca = true;
    ca.not_before = SystemClock().wall() - 3600 * kMicrosPerSecond;
    ca.not_after = ca.not_before + 86400 * kMicrosPerSecond;
    auto ca_certificate = *crypto::sign_certificate(ca, ca_key, nullptr, ca_key);
    pki.ca = ca_certificate.to_pem();
    for (bool server : {true, false}) {
      auto key = *crypto::PrivateKey::generate();
      crypto::CertificateTemplate leaf = ca;
      leaf.ca = false;
      leaf.subject.common_name = server ? "server" : "alice";
      leaf.server_auth = server;
      leaf.client_auth = !server;
      if (server) leaf.ip_addresses = {"127.0.0.1"};
      auto made = *crypto::sign_certificate(leaf, key, &ca_certificate, ca_key);
      (server ? pki.server_certificate : pki.client_certificate) = made.to_pem();
      (server ? pki.server_key : pki.client_key) = key.to_pem();
    }
    return pki;
  }
  std::shared_ptr<crypto::ServerTls> server_tls() const {
    return *crypto::ServerTls::create(server_certificate, server_key, ca);
  }
  std::shared_ptr<crypto::ClientTls> client_tls(bool with_certificate = true) const {
    crypto::ClientTls::Options options;
    options.ca_pem = ca;
    if (with_certificate) {
      options.certificate_pem = client_certificate;
      options.key_pem = client_key;
    }
    return *crypto::ClientTls::create(options);
  }
  std::string ca, server_certificate, server_key, client_certificate, client_key;
};

inline Request make_get(std::string path) {
  Request request;
  request.method = "GET";
  request.path = std::move(path);
  return request;
}

}  // namespace tiphys::net
