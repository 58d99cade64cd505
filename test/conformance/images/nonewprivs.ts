// A setuid-root program, which the no_new_privs specs start as another user.
import { type ConformanceImage, endToEnd, file, type LayerEntry } from "./model.ts";
import { program } from "./program.ts";

export async function noNewPrivsImages(base: LayerEntry[]): Promise<ConformanceImage[]> {
  return [
    {
      names: [endToEnd("nonewprivs:1.3")],
      layers: [base, [file("nonewprivs", await program("nonewprivs"), 0o4755)]],
      settings: { Entrypoint: ["/nonewprivs"] },
    },
  ];
}
