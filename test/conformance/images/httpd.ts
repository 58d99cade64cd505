// A web server for the specs with several containers in a pod: busybox's httpd, on port 80, which says its name in the log.
import { type BuiltLayer, buildLayer } from "../../fixtures/image-layer.ts";
import { type ConformanceImage, endToEnd } from "./model.ts";

const page = "<!DOCTYPE html>\n<title>httpd</title>\n<p>It works.</p>\n";

export async function httpdImages(base: BuiltLayer): Promise<ConformanceImage[]> {
  return [
    {
      names: [endToEnd("httpd:2.4.39-4")],
      layers: [base, await buildLayer([{ name: "var/www/index.html", content: page }])],
      settings: {
        Cmd: ["sh", "-c", "echo httpd is serving /var/www on port 80; exec httpd -f -v -p 80 -h /var/www"],
        ExposedPorts: { "80/tcp": {} },
      },
    },
  ];
}
