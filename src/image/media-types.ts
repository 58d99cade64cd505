/** Media types of OCI image-spec (media-types.md) and of Docker's image manifest version 2, schema 2. */
export const mediaType = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
} as const;

/** What is asked for when a manifest is fetched. */
export const manifestAccept: readonly string[] = [
  mediaType.ociIndex,
  mediaType.ociManifest,
  mediaType.dockerList,
  mediaType.dockerManifest,
];

// "Non-distributable" layers (deprecated in image-spec 1.1) are ordinary archives; registries may serve them or not.
const layerTypes: ReadonlySet<string> = new Set([
  mediaType.ociLayer,
  mediaType.ociLayerGzip,
  mediaType.ociLayerZstd,
  mediaType.dockerLayer,
  mediaType.dockerLayerGzip,
  mediaType.dockerLayerZstd,
  "application/vnd.oci.image.layer.nondistributable.v1.tar",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.foreign.diff.tar",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
]);

/** Whether a layer of this type is a tar archive that can be unpacked; how it is compressed its first bytes say. */
export function isLayerType(type: string): boolean {
  return layerTypes.has(type);
}

export function isIndexType(type: string): boolean {
  return type === mediaType.ociIndex || type === mediaType.dockerList;
}
