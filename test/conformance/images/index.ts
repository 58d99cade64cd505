// Every image that critest v1.36.0 pulls, by family.
import { baseLayer, busyboxImages } from "./busybox.ts";
import { httpdImages } from "./httpd.ts";
import type { ConformanceImage } from "./model.ts";
import { nginxImages } from "./nginx.ts";
import { noNewPrivsImages } from "./nonewprivs.ts";
import { pauseImages } from "./pause.ts";
import { referenceImages } from "./references.ts";
import { userImages } from "./users.ts";

/** Builds what is not built yet (a minute, the first time) and gives all images. */
export async function conformanceImages(): Promise<ConformanceImage[]> {
  const base = await baseLayer();
  const families = [
    busyboxImages(base),
    pauseImages(),
    nginxImages(base),
    httpdImages(base),
    noNewPrivsImages(base),
    userImages(base),
    referenceImages(base),
  ];
  return (await Promise.all(families)).flat();
}
