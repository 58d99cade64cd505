// What a conformance image is: names, layers, and the part of the OCI image configuration that critest looks at.
import type { BuiltLayer } from "../../fixtures/image-layer.ts";

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
  layers: BuiltLayer[];
  settings: ImageSettings;
}

/** Images that critest takes from the Kubernetes project's own registry. */
export const endToEnd = (name: string) => `registry.k8s.io/e2e-test-images/${name}`;
/** Images that the authors of critest publish beside it. */
export const staging = (name: string) => `gcr.io/k8s-staging-cri-tools/${name}`;
