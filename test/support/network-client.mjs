// Runs inside a pod: sends a datagram and prints the answer.
//   node network-client.mjs ADDRESS PORT TEXT
import { createSocket } from "node:dgram";

const [address = "", port = "0", text = ""] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
const timer = setTimeout(() => {
  console.log("no answer");
  socket.close();
}, 3000);
socket.once("message", (bytes) => {
  clearTimeout(timer);
  console.log(bytes.toString());
  socket.close();
});
socket.send(text, Number(port), address);
