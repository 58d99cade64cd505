// A setuid-root program, which the no_new_privs specs start as another user.
import { type BuiltLayer, buildLayer } from "../../fixtures/image-layer.ts";
import { type ConformanceImage, endToEnd } from "./model.ts";
import { program } from "./program.ts";

export async function noNewPrivsImages(base: BuiltLayer): Promise<ConformanceImage[]> {
  const content = await program("nonewprivs");
  return [
    {
      names: [endToEnd("nonewprivs:1.3")],
      layers: [base, await buildLayer([{ name: "nonewprivs", content, mode: 0o4755 }])],
      settings: { Entrypoint: ["/nonewprivs"] },
    },
  ];
}
