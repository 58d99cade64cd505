// Builds what the conformance tests and benchmarks need, in the checkout and as its owner:  prepare.ts tools | images | floor
import { conformanceImages } from "./images/index.ts";
import { conformanceTools, floorServer } from "./tools.ts";

const parts: Record<string, () => Promise<unknown>> = {
  tools: conformanceTools,
  images: conformanceImages,
  floor: floorServer,
};

try {
  const part = parts[process.argv[2] ?? ""];
  if (!part) throw new Error(`usage: prepare.ts ${Object.keys(parts).join(" | ")}`);
  await part();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
