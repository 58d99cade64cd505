// A web server for the specs with several containers in a pod: busybox's httpd, on port 80, which says its name in the log.
import { type ConformanceImage, endToEnd, file, type LayerEntry } from "./model.ts";

export function httpdImages(base: LayerEntry[]): ConformanceImage[] {
  return [
    {
      names: [endToEnd("httpd:2.4.39-4")],
      layers: [
        base,
        [file("var/www/index.html", "<!DOCTYPE html>\n<title>httpd</title>\n<p>It works.</p>\n")],
      ],
      settings: {
        Cmd: ["sh", "-c", "echo httpd is serving /var/www on port 80; exec httpd -f -v -p 80 -h /var/www"],
        ExposedPorts: { "80/tcp": {} },
      },
    },
  ];
}
