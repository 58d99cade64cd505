// Makes what the VM is made of, in the checkout and as its owner:  prepare.ts qemu | image
import { makeImage } from "./machine/image.ts";
import { findQemu } from "./machine/qemu.ts";

const parts: Record<string, () => Promise<unknown>> = { qemu: findQemu, image: makeImage };

try {
  const part = parts[process.argv[2] ?? ""];
  if (!part) throw new Error(`usage: prepare.ts ${Object.keys(parts).join(" | ")}`);
  await part();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
