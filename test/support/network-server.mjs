// Runs inside a pod: tells every client the address that it is seen with, then echoes what it sends.
//   node network-server.mjs TCP-PORT UDP-PORT
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const [tcpPort, udpPort] = process.argv.slice(2).map(Number);
const plain = (address) => address.replace(/^::ffff:/, "");

createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.write(`${plain(socket.remoteAddress ?? "")} ${socket.remotePort}\n`);
  socket.pipe(socket);
}).listen(tcpPort, "::");

const udp = createSocket("udp6");
udp.on("message", (bytes, { address, port }) => udp.send(`${plain(address)} ${bytes}`, port, address));
udp.bind(udpPort, "::");
