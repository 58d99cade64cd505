import type { DatabaseSync } from "node:sqlite";
import type { DevicePolicy } from "./layer/entry.ts";
import type { LayerLimits } from "./layer/limits.ts";
import type { PolicyFiles } from "./policy/file.ts";
import type { Dial } from "./registry/dial.ts";

/** The part of an OCI image configuration that a container is made from (image-spec, config.md); field names as there. */
export interface OciImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  created?: string;
  config: {
    User?: string;
    Env?: string[];
    Entrypoint?: string[];
    Cmd?: string[];
    WorkingDir?: string;
    StopSignal?: string;
    Labels?: Record<string, string>;
    ExposedPorts?: Record<string, object>;
    Volumes?: Record<string, object>;
  };
}

/** Whom a container of the image runs as when its pod does not say: exactly one member is set. */
export interface ImageUser {
  uid?: number;
  name?: string;
}

export interface ImageRecord {
  /** "sha256:<digest of the configuration>" */
  id: string;
  /** Normalised "registry/repository:tag", sorted. */
  tags: string[];
  /** Normalised "registry/repository@sha256:…", sorted; what was pulled: the index where there is one. */
  digests: string[];
  /** Bytes the unpacked layers hold; shared layers are counted in every image. */
  size: number;
  user: ImageUser;
  config: OciImageConfig;
  pinned: boolean;
}

/** Credentials of one pull, the members of CRI's AuthConfig; empty strings count as absent. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** base64 of "username:password" */
  auth?: string;
  serverAddress?: string;
  identityToken?: string;
  registryToken?: string;
}

/** All that is known of an image. */
export interface ImageDetails {
  /** The image configuration as it was pulled, with what nothing here needs: history, rootfs, extensions. */
  imageSpec: object;
  /** Bottom first. Sizes are those of the unpacked files. */
  layers: { diffId: string; chainId: string; directory: string; bytes: number; inodes: number }[];
  /** Containers that keep it. */
  usedBy: string[];
}

/** How far a layer of a pull has come. */
export interface LayerProgress {
  digest: string;
  /** Compressed bytes: all of them, and those that came so far. They are unpacked as they come. */
  size: number;
  received: number;
  /** `present`: it was here before. */
  state: "present" | "coming" | "done";
}

export interface PruneOptions {
  /** Every image that no container uses, not only those without a tag. */
  all?: boolean;
  /** Only says what would be removed. */
  dryRun?: boolean;
}

export interface Pruned {
  images: { id: string; names: string[] }[];
  /** What the removed layers held. */
  bytes: number;
}

export interface PullOptions {
  auth?: RegistryAuth;
  signal?: AbortSignal;
  /** Hears of all layers, bottom first, when they are known and whenever one has come further; the array stays the same one. */
  onProgress?: (layers: readonly LayerProgress[]) => void;
}

export interface ImageConfig {
  /** Directories in containerd's certs.d form (`<directory>/<host>/hosts.toml`); the first that has the host wins. */
  certsDirectories?: readonly string[];
  /** Registries ("host" or "host:port") spoken to in plain HTTP; loopback hosts always are. */
  plainHttpHosts?: readonly string[];
  /** true on a node with a single mapped id: every file of a layer is owned by 0, whatever the archive says. */
  singleOwner?: boolean;
  /** What becomes of device nodes in layers; they are left out when absent. */
  devices?: DevicePolicy;
  /** What one layer may unpack to; sensible ones when absent. */
  layerLimits?: LayerLimits;
  /** How many layers are unpacked at the same time; the number of cores when absent. */
  workers?: number;
  /** Which images may come in; all when absent. */
  policy?: PolicyFiles;
  /** Images that are never removed unless somebody names them: references, a "*" at the end standing for any rest. */
  pinned?: readonly string[];
  /** Percentages of the disk in use at which unused images are removed, and down to which; never when absent. */
  gc?: { highPercent: number; lowPercent: number };
  /** How much is fetched from one registry at the same time; 0 for no limit, 6 when absent. */
  connectionsPerRegistry?: number;
  /** How long a registry may say nothing before it counts as gone. */
  stallMs?: number;
  /** The pause before a registry is asked again; it doubles each time. */
  retryMs?: number;
  /** The host's ids of whoever the daemon works for: credential helpers see them as their own. */
  helperUser?: { uid: number; gid: number };
}

export interface ImageLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ImageServiceOptions {
  /** A durable connection: what a pull promises survives power loss. */
  database: DatabaseSync;
  /** Layers go to `<dataDir>/layers/<chain id>`. */
  dataDir: string;
  config: ImageConfig;
  /** Told of pulls, and of what had to be left out of a layer; pino's form. */
  log?: ImageLog;
  /** Makes the connections to registries; without it they are made in the process's own network. */
  dial?: Dial;
}

export interface ImageFilesystemUsage {
  bytes: number;
  inodes: number;
  mountpoint: string;
}

/** What a root file system is made from. */
export interface RootSource {
  /** Layer directories, topmost first, as overlayfs wants them. */
  lower: string[];
  config: OciImageConfig;
}
