import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fuzzBytes, fuzzEntries } from "../../fuzz/layer.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { tmpfs } from "./node.ts";

// A short form of `npm run fuzz`, which goes on for as long as one likes.
if (inNamespaces("all"))
  for (const [what, fuzz] of [
    ["entries of any names, kinds and order stay within the layer", fuzzEntries],
    ["archives with damaged bytes are unpacked or refused, nothing else", fuzzBytes],
  ] as const)
    test(what, async (t) => {
      const scratch = join(tmpfs(t), "scratch");
      mkdirSync(scratch);
      const seed = Math.floor(Math.random() * 2 ** 31);
      t.diagnostic(`seed ${seed}`);
      await fuzz({ scratch, seed, runs: 300 });
    });
