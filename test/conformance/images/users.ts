// Images that say whom they run as, in each of the forms that an image configuration's User may have.
import { type BuiltLayer, buildLayer, type LayerEntry } from "../../fixtures/image-layer.ts";
import { type ConformanceImage, staging } from "./model.ts";

const users: Record<string, string> = {
  "test-image-user-uid": "1002",
  "test-image-user-username": "www-data",
  "test-image-user-uid-group": "1003:1004",
  "test-image-user-username-group": "www-data:1004",
};

/** The user of the image belongs to a group by the image's own /etc/group: specs about supplemental groups look for it. */
const predefined: LayerEntry[] = [
  {
    name: "etc/passwd",
    content: "root:x:0:0:root:/root:/bin/sh\ndefault-user:x:1000:1000::/home/default-user:/bin/sh\n",
  },
  {
    name: "etc/group",
    content: "root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n",
  },
];

export async function userImages(base: BuiltLayer): Promise<ConformanceImage[]> {
  const named = Object.entries(users).map(([name, user]) => ({
    names: [staging(`${name}:latest`)],
    layers: [base],
    settings: { Cmd: ["sh"], User: user },
  }));
  return [
    ...named,
    {
      names: [staging("test-image-predefined-group:latest")],
      layers: [base, await buildLayer(predefined)],
      settings: { Cmd: ["sh"], User: "1000" },
    },
  ];
}
