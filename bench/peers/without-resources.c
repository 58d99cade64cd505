/* An OCI runtime for containerd on machines without cgroup controllers: takes "resources" out of the bundle's config.json before
 * `create` and becomes the real runtime (RUNTIME). containerd always asks for a CPU weight, and no runtime can give one there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Blanks the object that follows `"resources":`, and one comma beside it. Spaces keep the length, so the file is not truncated. */
static void blank_resources(char *json) {
  char *key = strstr(json, "\"resources\":{");
  if (key == NULL) return;
  char *end = strchr(key, '{');
  int depth = 0;
  do {
    depth += (*end == '{') - (*end == '}');
    end++;
  } while (depth > 0 && *end != '\0');
  if (*end == ',')
    end++;
  else if (key > json && key[-1] == ',')
    key--;
  memset(key, ' ', (size_t)(end - key));
}

static void edit(const char *bundle) {
  char path[4096];
  struct stat info;
  snprintf(path, sizeof path, "%s/config.json", bundle);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || fstat(file, &info) != 0) return;
  char *json = calloc(1, (size_t)info.st_size + 1);
  if (json != NULL && pread(file, json, (size_t)info.st_size, 0) == info.st_size) {
    blank_resources(json);
    if (pwrite(file, json, (size_t)info.st_size, 0) != info.st_size) perror(path);
  }
  free(json);
  close(file);
}

int main(int count, char **words) {
  const char *bundle = NULL;
  int creating = 0;
  for (int i = 1; i < count; i++) {
    if (strcmp(words[i], "create") == 0) creating = 1;
    if (strcmp(words[i], "--bundle") == 0 && i + 1 < count) bundle = words[i + 1];
  }
  if (creating && bundle != NULL) edit(bundle);
  words[0] = RUNTIME;
  execv(RUNTIME, words);
  perror(RUNTIME);
  return 127;
}
