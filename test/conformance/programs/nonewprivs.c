// Installed setuid root and started by another user: its effective uid is 0 exactly when no_new_privs is off.
#include <stdio.h>
#include <unistd.h>

int main(void) {
  printf("Effective uid: %d\n", (int)geteuid());
  return 0;
}
