// What a conformance image is: names, layers of entries, and the part of the OCI image configuration that critest looks at.
import type { Buffer } from "node:buffer";

/** One entry of a layer; owner and group are 0. Parent directories that are not listed are made with mode 0755. */
export type LayerEntry =
  | { kind: "directory"; path: string; mode: number }
  | { kind: "file"; path: string; mode: number; content: Buffer }
  | { kind: "link"; path: string; target: string }
  | { kind: "symlink"; path: string; target: string };

/** Part of the OCI image configuration (image-spec, config.md); the member names are the specification's. */
export interface ImageSettings {
  Entrypoint?: string[];
  Cmd?: string[];
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
}

export interface ConformanceImage {
  /** Complete references, such as `registry.k8s.io/pause:3.9`; all of them name the same manifest. */
  names: string[];
  layers: LayerEntry[][];
  settings: ImageSettings;
}

export const directory = (path: string, mode = 0o755): LayerEntry => ({ kind: "directory", path, mode });

export const file = (path: string, content: string | Buffer, mode = 0o644): LayerEntry => ({
  kind: "file",
  path,
  mode,
  content: globalThis.Buffer.from(content),
});

export const link = (path: string, target: string): LayerEntry => ({ kind: "link", path, target });

export const symlink = (path: string, target: string): LayerEntry => ({ kind: "symlink", path, target });

/** Images that critest takes from the Kubernetes project's own registry. */
export const endToEnd = (name: string) => `registry.k8s.io/e2e-test-images/${name}`;
/** Images that the authors of critest publish beside it. */
export const staging = (name: string) => `gcr.io/k8s-staging-cri-tools/${name}`;
