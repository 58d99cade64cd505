#include "addon/fd_object.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "addon/environment.h"
#include "core/scm.h"
#include "core/stream_pipe.h"

namespace lichen::addon {

namespace {

constexpr napi_type_tag kTypeTag = {0x6c69636865e4f0d1, 0x5b0c97d24f1a4e83};

const Fd kNone;

// pipe(account?): [read, write], counted for that id or for one of its own
Napi::Value pipe(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "pipe");
  bool given = !info[0].IsUndefined();
  auto account = given ? static_cast<uid_t>(arguments.number(info[0], "account", 0, UINT32_MAX - 1)) : 0;
  if (!arguments.ok()) return info.Env().Undefined();
  auto made = given ? make_stream_pipe_for(account) : make_stream_pipe();
  if (!made) return throw_error(info.Env(), made.error());
  Napi::Array ends = Napi::Array::New(info.Env(), 2);
  ends.Set(0u, FdObject::wrap(info.Env(), std::move(made->read)));
  ends.Set(1u, FdObject::wrap(info.Env(), std::move(made->write)));
  return ends;
}

// socketPair(): [first, second], of type SOCK_SEQPACKET
Napi::Value socket_pair(const Napi::CallbackInfo& info) {
  auto made = make_packet_pair();
  if (!made) return throw_error(info.Env(), made.error());
  Napi::Array ends = Napi::Array::New(info.Env(), 2);
  ends.Set(0u, FdObject::wrap(info.Env(), std::move(made->first)));
  ends.Set(1u, FdObject::wrap(info.Env(), std::move(made->second)));
  return ends;
}

// memfd(name, bytes): Fd, sealed against every change, positioned at its beginning
Napi::Value memfd(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "memfd");
  std::string name = arguments.string(info[0], "name");
  if (arguments.ok() && !info[1].IsBuffer()) arguments.refuse("bytes", "a Buffer");
  if (!arguments.ok()) return info.Env().Undefined();
  auto bytes = info[1].As<Napi::Uint8Array>();
  Fd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return throw_error(info.Env(), sys_error("memfd_create", "\"" + name + "\""));
  auto written = write_all(fd, bytes.Data(), bytes.ByteLength());
  if (!written) return throw_error(info.Env(), written.error());
  if (lseek(fd.get(), 0, SEEK_SET) < 0 ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return throw_error(info.Env(), sys_error("seal memfd", "\"" + name + "\""));
  return FdObject::wrap(info.Env(), std::move(fd));
}

// open(path, flags, mode?): Fd
Napi::Value open(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "open");
  std::string path = arguments.string(info[0], "path");
  auto flags = static_cast<int>(arguments.number(info[1], "flags", 0, INT32_MAX));
  auto mode =
      info[2].IsUndefined() ? 0600 : static_cast<unsigned>(arguments.number(info[2], "mode", 0, 07777));
  if (!arguments.ok()) return info.Env().Undefined();
  auto opened = open_at({}, path, flags, mode);
  if (!opened) return throw_error(info.Env(), opened.error());
  return FdObject::wrap(info.Env(), std::move(opened).value());
}

// connect(path): Fd of a SOCK_SEQPACKET socket. Never waits: EAGAIN when the listener's queue is full.
Napi::Value connect(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "connect");
  std::string path = arguments.string(info[0], "path");
  if (!arguments.ok()) return info.Env().Undefined();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return throw_error(info.Env(), sys_error("connect", "\"" + path + "\"", ENAMETOOLONG));
  memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return throw_error(info.Env(), sys_error("socket(AF_UNIX)"));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return throw_error(info.Env(), sys_error("connect", "\"" + path + "\""));
  return FdObject::wrap(info.Env(), std::move(socket));
}

}  // namespace

void FdObject::define(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(
      env, "Fd",
      {InstanceAccessor<&FdObject::number>("number"), InstanceAccessor<&FdObject::closed>("closed"),
       InstanceMethod<&FdObject::duplicate>("duplicate"), InstanceMethod<&FdObject::release>("release"),
       InstanceMethod<&FdObject::close>("close"), InstanceMethod<&FdObject::set_pipe_size>("setPipeSize"),
       InstanceMethod<&FdObject::close>(Napi::Symbol::WellKnown(env, "dispose"))});
  environment(env).fd_class = Napi::Persistent(constructor);
  exports.Set("Fd", constructor);
}

// new Fd(number): takes an inherited descriptor over and makes it close-on-exec.
FdObject::FdObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FdObject>(info) {
  Arguments arguments(info, "Fd");
  auto number = static_cast<int>(arguments.number(info[0], "number", 0, INT32_MAX));
  if (!arguments.ok()) return;
  if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
    throw_error(info.Env(), sys_error("take over descriptor", std::to_string(number)));
    return;
  }
  fd_ = Fd(number);
  Value().TypeTag(&kTypeTag);
}

Napi::Value FdObject::wrap(Napi::Env env, Fd fd) {
  int number = fd.release();
  Napi::Object object = environment(env).fd_class.New({Napi::Number::New(env, number)});
  if (object.IsEmpty()) Fd(number).reset();  // the environment is ending
  return object;
}

FdObject* FdObject::unwrap(Arguments& arguments, const Napi::Value& value, const char* name) {
  if (!arguments.ok()) return nullptr;
  if (value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&kTypeTag)) {
    FdObject* object = Unwrap(value.As<Napi::Object>());
    if (object->fd_) return object;
  }
  arguments.refuse(name, "an open Fd");
  return nullptr;
}

const Fd& FdObject::from(Arguments& arguments, const Napi::Value& value, const char* name) {
  FdObject* object = unwrap(arguments, value, name);
  return object ? object->fd_ : kNone;
}

Fd FdObject::take(Arguments& arguments, const Napi::Value& value, const char* name) {
  FdObject* object = unwrap(arguments, value, name);
  return object ? std::move(object->fd_) : Fd();
}

Napi::Value FdObject::number(const Napi::CallbackInfo& info) {
  if (fd_) return Napi::Number::New(info.Env(), fd_.get());
  return throw_error(info.Env(), sys_error("use descriptor", "(closed)", EBADF));
}

Napi::Value FdObject::closed(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !fd_); }

Napi::Value FdObject::duplicate(const Napi::CallbackInfo& info) {
  auto copy = fd_.duplicate();
  if (!copy) return throw_error(info.Env(), copy.error());
  return wrap(info.Env(), std::move(copy).value());
}

Napi::Value FdObject::release(const Napi::CallbackInfo& info) {
  Napi::Value value = number(info);
  (void)fd_.release();
  return value;
}

// setPipeSize(bytes): whether the pipe holds that much now (fcntl(2), F_SETPIPE_SZ).
Napi::Value FdObject::set_pipe_size(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "setPipeSize");
  auto bytes = static_cast<int>(arguments.number(info[0], "bytes", 1, INT32_MAX));
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), fcntl(fd_.get(), F_SETPIPE_SZ, bytes) >= bytes);
}

void FdObject::close(const Napi::CallbackInfo&) { fd_.reset(); }

void add_fd(Napi::Env env, Napi::Object exports) {
  FdObject::define(env, exports);
  exports.Set("pipe", Napi::Function::New<pipe>(env, "pipe"));
  exports.Set("socketPair", Napi::Function::New<socket_pair>(env, "socketPair"));
  exports.Set("memfd", Napi::Function::New<memfd>(env, "memfd"));
  exports.Set("open", Napi::Function::New<open>(env, "open"));
  exports.Set("connect", Napi::Function::New<connect>(env, "connect"));
}

}  // namespace lichen::addon
