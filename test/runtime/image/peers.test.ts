import { test } from "node:test";
import { debianPackages } from "../../support/debian-packages.ts";
import { inNamespaces } from "../../support/in-namespaces.ts";
import { peersMissing } from "../../support/peers.ts";
import { comparesWithUmoci, packageNames } from "./peer-trees.ts";

const packages = debianPackages(packageNames);
if (inNamespaces("all")) {
  const missing = "missing" in packages ? packages.missing : false;
  const skip = peersMissing("skopeo", "umoci", "docker-registry") || missing;
  for (const compression of ["gzip", "zstd"] as const)
    test(
      `packages of Debian as ${compression} layers, pulled from its registry, make the tree that umoci makes`,
      { skip },
      (t) =>
        comparesWithUmoci(t, {
          files: "files" in packages ? packages.files : [],
          compression,
          rootless: false,
        }),
    );
}
