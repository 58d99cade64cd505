#include "core/executable.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

struct Directory {
  std::string path = scratch_pattern("lichen-executable-XXXXXX");
  std::vector<std::string> files;
  Directory() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Directory() {
    for (const std::string& file : files) unlink(file.c_str());
    rmdir(path.c_str());
  }
  std::string file(const char* name, const char* text, unsigned mode) {
    files.push_back(path + "/" + name);
    int fd = open(files.back().c_str(), O_CREAT | O_WRONLY, 0600);
    REQUIRE(write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text)));
    fchmod(fd, mode);
    close(fd);
    return files.back();
  }
};

}  // namespace

TEST_CASE("the last definition of a variable counts") {
  CHECK(environment_value({"PATHS=x", "PATH=/a", "PATH=/b"}, "PATH", "d") == "/b");
  CHECK(environment_value({"PATH"}, "PATH", "d") == "d");
}

TEST_CASE("a command is found along PATH") {
  Directory bin;
  std::string tool = bin.file("tool", "x", 0755);
  CHECK(find_executable("tool", {"PATH=/nonexistent:" + bin.path}).value() == tool);
  CHECK(find_executable("./tool", {}).value() == "./tool");
  CHECK(find_executable("sh", {}).ok());
}

TEST_CASE("what is not found, and what may not be run, are told apart") {
  Directory bin;
  bin.file("data", "x", 0644);
  auto missing = find_executable("nothing", {"PATH=" + bin.path});
  REQUIRE(!missing.ok());
  CHECK(missing.error().text() ==
        "find command \"nothing\": command not found in PATH " + bin.path + " (ENOENT)");
  CHECK(exit_code_of(missing.error()) == 127);
  CHECK(!find_executable("", {}).ok());
  // access(2) lets root run a file only if somebody may.
  auto forbidden = find_executable("data", {"PATH=" + bin.path});
  REQUIRE(!forbidden.ok());
  CHECK(forbidden.error().code == "EACCES");
  CHECK(exit_code_of(forbidden.error()) == 126);
}

TEST_CASE("a failed execve says what is wrong with the file") {
  Directory bin;
  std::string script = bin.file("script", "#!/nonexistent/interpreter\n", 0755);
  CHECK(run_program(script, {"script"}, {}).cause.find("interpreter") != std::string::npos);
  std::string text = bin.file("text", "hello\n", 0755);
  Error format = run_program(text, {"text"}, {});
  CHECK(format.code == "ENOEXEC");
  CHECK(exit_code_of(format) == 126);
  CHECK(run_program(bin.path, {"d"}, {}).cause.find("directory") != std::string::npos);
}
