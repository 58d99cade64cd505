// Every image that critest v1.36.0 pulls, by family.
import { busyboxImages, busyboxLayer } from "./busybox.ts";
import { httpdImages } from "./httpd.ts";
import type { ConformanceImage } from "./model.ts";
import { nginxImages } from "./nginx.ts";
import { noNewPrivsImages } from "./nonewprivs.ts";
import { pauseImages } from "./pause.ts";
import { referenceImages } from "./references.ts";
import { userImages } from "./users.ts";

/** Builds what is not built yet (minutes, the first time) and describes all images. */
export async function conformanceImages(): Promise<ConformanceImage[]> {
  const base = await busyboxLayer();
  return [
    ...busyboxImages(base),
    ...(await pauseImages()),
    ...(await nginxImages(base)),
    ...httpdImages(base),
    ...(await noNewPrivsImages(base)),
    ...userImages(base),
    ...referenceImages(base),
  ];
}
