// lichen-monitor: command.h knows what it can be asked to do.
#include "monitor/command.h"

int main(int argc, char** argv) { return lichen::monitor::run_command(argc, argv); }
