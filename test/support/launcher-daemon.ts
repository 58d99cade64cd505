// A daemon for tests of the launcher: asks for a listening socket on the host side and greets whoever connects to it.
import { closeSync } from "node:fs";
import { createServer } from "node:net";
import { Launcher } from "../../src/native/launcher.ts";

const launcher = Launcher.inherited();
const { socket, port } = await launcher.listen("127.0.0.1", 0);
const server = createServer((connection) => connection.end("hello from inside"));
// Released: a lost Fd closes its descriptor when it is collected.
server.listen({ fd: socket.release() }, () => console.log(`listening on ${port}`));
const failure = await launcher.listen("not an address", 0).catch((error: Error) => error.message);
console.log(`refused: ${failure}`);
process.once("SIGTERM", () => {
  closeSync(1);
  process.exit(0);
});
