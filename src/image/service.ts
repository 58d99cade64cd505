import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { LichenError, within } from "../errors.ts";
import type { IdMap } from "../native/id-map.ts";
import { CompletedLayers } from "../store/completed-layers.ts";
import { ImageStore, type StoredImage } from "../store/images.ts";
import type { LoadedImage, LoadOptions } from "./archive/load.ts";
import type { SavedImage } from "./archive/save.ts";
import { hexOf } from "./digest.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { imageUser, parseImageConfig } from "./image-config.ts";
import { defaultLimits } from "./layer/limits.ts";
import { LayerStore } from "./layer-store.ts";
import { pinnedBy } from "./pinned.ts";
import { policyFile } from "./policy/file.ts";
import { type Admit, type PullTarget, pullImage } from "./pull.ts";
import { formatReference, parseReference, repositoryName } from "./reference.ts";
import type { Dial } from "./registry/dial.ts";
import { endpointsOf } from "./registry/hosts.ts";
import { RegistryLimits } from "./registry/limits.ts";
import { ShiftedLayers } from "./shifted-layers.ts";
import type { ImageSource } from "./source.ts";
import type {
  ImageConfig,
  ImageDetails,
  ImageFilesystemUsage,
  ImageLog,
  ImageRecord,
  ImageServiceOptions,
  Pruned,
  PruneOptions,
  PullOptions,
  RootSource,
} from "./types.ts";
import { WorkerPool } from "./worker-pool.ts";

export type {
  ImageConfig,
  ImageDetails,
  ImageFilesystemUsage,
  ImageRecord,
  ImageServiceOptions,
  LayerProgress,
  Pruned,
  PruneOptions,
  PullOptions,
  RootSource,
} from "./types.ts";

/** More connections to one registry bring little, and are what public ones count. */
const usualConnections = 6;

/** How long layers of an interrupted pull wait for it to be asked for again. */
const leftoverMs = 10 * 60_000;

/** Images of this node: pulled, listed, used and removed. */
export class ImageService {
  readonly #store: ImageStore;
  readonly #layers: LayerStore;
  readonly #shifted: ShiftedLayers;
  readonly #completed: CompletedLayers;
  readonly #pool: WorkerPool;
  readonly #limits: RegistryLimits;
  readonly #garbage: GarbageCollector;
  readonly #isPinned: (image: StoredImage) => boolean;
  readonly #config: ImageConfig;
  readonly #dial: Dial | undefined;
  readonly #log: ImageLog | undefined;
  readonly #directory: string;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Lets layers go that a pull left complete when the daemon died; nothing once they are gone. */
  #letGoLeftovers: (() => Promise<void>) | undefined;

  private constructor(options: ImageServiceOptions) {
    this.#config = options.config;
    this.#dial = options.dial;
    this.#log = options.log;
    this.#directory = join(options.dataDir, "layers");
    this.#store = new ImageStore(options.database);
    this.#completed = new CompletedLayers(options.database);
    this.#pool = new WorkerPool(options.config.workers ?? availableParallelism(), options.dial);
    this.#limits = new RegistryLimits(options.config.connectionsPerRegistry ?? usualConnections);
    this.#layers = new LayerStore({
      directory: this.#directory,
      singleOwner: options.config.singleOwner ?? false,
      devices: options.config.devices ?? "skip",
      layerLimits: options.config.layerLimits ?? defaultLimits,
      pool: this.#pool,
      limits: this.#limits,
      log: options.log,
      isStored: (chainId) => this.#store.hasLayer(chainId),
      onCompleted: (layer) => this.#completed.note(layer),
      onRemoved: (chainId) => this.#shifted.removeLayer(chainId),
    });
    this.#shifted = new ShiftedLayers({
      directory: join(options.dataDir, "shifted"),
      pool: this.#pool,
      log: options.log,
    });
    this.#isPinned = pinnedBy(options.config.pinned ?? []);
    this.#garbage = new GarbageCollector({
      store: this.#store,
      layers: this.#layers,
      directory: this.#directory,
      marks: options.config.gc,
      isPinned: this.#isPinned,
      log: options.log,
    });
  }

  /** Opens the store below `dataDir`, clears what an interrupted pull left there, forgets images that lost a layer. */
  static async open(options: ImageServiceOptions): Promise<ImageService> {
    const service = new ImageService(options);
    await mkdir(service.#directory, { recursive: true, mode: 0o700 });
    const completed = service.#completed.take();
    const missing = await service.#layers.open(service.#store.layers(), completed);
    service.#keepForAWhile(completed.map(({ chainId }) => chainId));
    await service.#layers.discard(service.#store.forgetLayers(missing));
    const known = new Set(service.#store.layers().map(({ chainId }) => hexOf(chainId)));
    await service.#shifted.open((hex) => known.has(hex));
    return service;
  }

  /**
   * Pulls `reference` with all its layers; the answer's id is the image's. The image is complete and durable then.
   * Errors: INVALID_ARGUMENT (reference, archive against the rules), NOT_FOUND, UNAUTHENTICATED, PERMISSION_DENIED,
   * UNAVAILABLE, DATA_LOSS (wrong digest or length), FAILED_PRECONDITION (a form that is not supported), CANCELLED.
   */
  async pull(reference: string, options: PullOptions = {}): Promise<{ id: string }> {
    const parsed = parseReference(reference);
    const { registry, repository } = parsed;
    const endpoints = endpointsOf(registry, {
      certsDirectories: this.#config.certsDirectories ?? [],
      plainHttpHosts: this.#config.plainHttpHosts ?? [],
    });
    const auth = options.auth === undefined ? {} : { auth: options.auth };
    // Loaded by the first pull: the HTTP client is a sixth of an idle daemon.
    const [{ RegistryClient }, { accessOf }] = await Promise.all([
      import("./registry/client.ts"),
      import("./registry/access.ts"),
    ]);
    const state = { endpoints, registry, repository, headers: {}, ...auth, ...accessOf(this.#config) };
    const client = new RegistryClient(state, this.#dial);
    const limits = this.#limits;
    const source: ImageSource = {
      manifest: (named, signal) => limits.run(endpoints, signal, () => client.manifest(named, signal)),
      // The configuration of an image that is here already; its digest is the image's id.
      blob: async (descriptor, signal) =>
        this.#configuration(descriptor.digest) ??
        limits.run(endpoints, signal, () => client.blob(descriptor, signal)),
      layer: () => ({ registry: client.state, dial: this.#dial !== undefined }),
    };
    const admit: Admit = async ({ digest, manifestDigest }) => {
      const file = policyFile(this.#config.policy);
      if (file === undefined) return;
      const { admitImage } = await import("./policy/check.ts");
      await admitImage(
        file,
        { reference: parsed, digests: [digest, manifestDigest] },
        source,
        options.signal,
      );
    };
    const began = performance.now();
    try {
      const pulled = await this.#busy(pullImage(parsed, source, this.#target(), options, admit));
      const milliseconds = Math.round(performance.now() - began);
      this.#log?.info({ image: formatReference(parsed), id: pulled.id, milliseconds }, "pulled");
      void this.#garbage.look();
      return pulled;
    } catch (error) {
      if (options.signal?.aborted === true) throw cancelled("pull image", formatReference(parsed));
      throw within("pull image", formatReference(parsed), error);
    } finally {
      await client.close();
    }
  }

  /**
   * Takes all images of an archive (OCI layout or docker-archive, as tar), or none. Errors: INVALID_ARGUMENT (no such archive, or
   * against the rules), DATA_LOSS (wrong digest, or something is missing), PERMISSION_DENIED (by the signature policy), CANCELLED.
   */
  async load(data: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<LoadedImage[]> {
    const { loadImages } = await import("./archive/load.ts");
    const directory = await this.#scratch();
    try {
      const admit = async (transport: "oci-archive" | "docker-archive") => {
        const file = policyFile(this.#config.policy);
        if (file !== undefined) (await import("./policy/check.ts")).admitArchive(file, transport);
      };
      const loaded = await this.#busy(loadImages(data, directory, this.#target(), options, admit));
      this.#log?.info({ images: loaded }, "loaded");
      return loaded;
    } catch (error) {
      if (options.signal?.aborted === true) throw cancelled("load images", "");
      throw within("load images", "", error);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Writes images as an archive (archive/save.ts): first says what will be in it, then its bytes. NOT_FOUND for one that is not here. */
  async *save(
    references: readonly string[],
  ): AsyncGenerator<{ images: SavedImage[]; data?: undefined } | { data: Uint8Array; images?: undefined }> {
    const { saveImages } = await import("./archive/save.ts");
    const images = references.map((reference) => this.#toSave(reference));
    const chain = images.flatMap(({ layers }) => layers.map(({ chainId }) => chainId));
    this.#layers.hold(chain);
    const directory = await this.#scratch();
    try {
      const pack = (chainId: string, file: string) =>
        this.#pool.run({ kind: "pack", path: this.#layers.path(chainId), file });
      const archive = await saveImages(images, pack, directory);
      yield { images: archive.images };
      for await (const data of archive.data) yield { data };
    } finally {
      await this.#layers.release(chain);
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** The image that a reference names, with the tag that it names, or with all its tags. */
  #toSave(reference: string): StoredImage {
    const id = this.#find(reference);
    const image = id === undefined ? undefined : this.#store.get(id);
    if (image === undefined) throw gone("save image", reference);
    const tags = image.names.filter((name) => !name.includes("@"));
    const named = nameOf(reference) ?? "";
    return { ...image, names: tags.includes(named) ? [named] : tags };
  }

  #target(): PullTarget {
    return {
      layers: this.#layers,
      // One syncfs(2) a pull instead of an fsync(2) a file: complete layers are on disk before the database says so.
      sync: () => this.#pool.run({ kind: "sync", path: this.#directory }),
      save: (image) => this.#store.save(image),
    };
  }

  /** An empty directory on the file system of the layers; a start removes what a killed daemon left of it. */
  #scratch(): Promise<string> {
    return mkdtemp(join(this.#directory, "partial-archive-"));
  }

  /** All images, or the one that `filter` (any form that `status` takes) names. */
  list(filter?: string): ImageRecord[] {
    if (filter === undefined || filter === "")
      return this.#store.list().map((image) => this.#toRecord(image));
    return [this.status(filter) ?? []].flat();
  }

  /** The image that a tag, a digest, an id or a unique prefix of an id names. */
  status(reference: string): ImageRecord | undefined {
    const id = this.#find(reference);
    const image = id === undefined ? undefined : this.#store.get(id);
    return image === undefined ? undefined : this.#toRecord(image);
  }

  /** All that is known of an image, by id; NOT_FOUND when it is gone. */
  details(imageId: string): ImageDetails {
    const image = this.#store.get(imageId);
    if (image === undefined) throw gone("describe image", imageId);
    const { diffIds } = parseImageConfig(Buffer.from(image.config), image.layers.length, imageId);
    const layers = image.layers.map(({ chainId, bytes, inodes }, at) => ({
      diffId: diffIds[at] ?? "",
      chainId,
      directory: this.#layers.path(chainId),
      bytes,
      inodes,
    }));
    return { imageSpec: JSON.parse(image.config), layers, usedBy: this.#store.users(imageId) };
  }

  /**
   * Removes the whole image that `reference` names, with all its tags (api.proto, RemoveImage); nothing to remove is
   * success. Layers in use by containers stay until those are gone.
   */
  async remove(reference: string): Promise<void> {
    const id = this.#find(reference);
    if (id !== undefined) await this.#busy(this.#layers.discard(this.#store.remove(id)));
  }

  /**
   * Removes what a person names: of an image that has more tags only this one, the image for its last tag or by its id.
   * NOT_FOUND when there is none.
   */
  async untag(reference: string): Promise<{ names: string[]; removed?: string }> {
    const image = this.status(reference);
    if (image === undefined) throw gone("remove image", reference);
    const tag = nameOf(reference);
    if (tag !== undefined && image.tags.includes(tag) && image.tags.length > 1) {
      this.#store.removeName(tag);
      return { names: [tag] };
    }
    await this.remove(image.id);
    return { names: [...image.tags, ...image.digests], removed: image.id };
  }

  /** Removes images that no container uses and that are not pinned: those without a tag, or all of them. */
  async prune(options: PruneOptions = {}): Promise<Pruned> {
    if (options.dryRun !== true) await this.#letGoLeftovers?.();
    return this.#busy(this.#garbage.prune(options));
  }

  /** Space that the unpacked layers take, shared ones counted once. */
  usage(): ImageFilesystemUsage {
    const layers = this.#store.layers();
    return {
      bytes: layers.reduce((sum, layer) => sum + layer.bytes, 0),
      inodes: layers.reduce((sum, layer) => sum + layer.inodes, 0),
      mountpoint: this.#directory,
    };
  }

  /** Layer directories and configuration of an image, by id; NOT_FOUND when it is gone. */
  rootSource(imageId: string): RootSource {
    const image = this.#store.get(imageId);
    if (image === undefined) throw gone("find layers of image", imageId);
    return {
      lower: image.layers.map((layer) => this.#layers.path(layer.chainId)).reverse(),
      config: this.#toRecord(image).config,
    };
  }

  /**
   * Layer directories of an image, topmost first, with the owners that they have in a user namespace with this map; made when they
   * are first needed, and kept for `user` until `release`. FAILED_PRECONDITION for files of ids that the map does not have.
   */
  shiftedLower(imageId: string, user: string, map: IdMap): Promise<string[]> {
    const image = this.#store.get(imageId);
    if (image === undefined) throw gone("find layers of image", imageId);
    const layers = image.layers.map(({ chainId }) => ({ chainId, directory: this.#layers.path(chainId) }));
    return this.#busy(this.#shifted.provide(layers.reverse(), map, user));
  }

  /**
   * Keeps the layers of an image while `user` (a container id) needs them, over restarts and also when the image is
   * removed meanwhile. NOT_FOUND when it is gone already.
   */
  acquire(imageId: string, user: string): void {
    if (!this.#store.acquire(imageId, user)) throw gone("use image", imageId);
  }

  /**
   * Ends what `acquire` began; layers that nobody else needs are removed. Nothing held is success. Never rejects: what
   * cannot be removed now (the log says why) is removed at the next start.
   */
  release(imageId: string, user: string): Promise<void> {
    return this.#letGo(
      () => this.#store.release(imageId, user),
      () => this.#shifted.release(user),
    );
  }

  /** At start: ends all use but by `users`, since whoever died on the way could not say so. */
  releaseOthers(users: readonly string[]): Promise<void> {
    return this.#letGo(
      () => this.#store.releaseOthers(users),
      () => this.#shifted.releaseOthers(users),
    );
  }

  async #letGo(forget: () => string[], unshift: () => Promise<void>): Promise<void> {
    try {
      const unneeded = forget();
      await this.#busy(unshift().then(() => this.#layers.discard(unneeded)));
    } catch (error) {
      this.#log?.warn({ error: String(error) }, "layers are left until the next start");
    }
  }

  /** Waits for what is under way and ends the workers. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#garbage.close();
    await this.#pool.close();
  }

  /** A pull that the daemon's death interrupted is likely to be asked for again: what it had completed waits for it. */
  #keepForAWhile(chainIds: readonly string[]): void {
    this.#layers.hold(chainIds);
    const timer = setTimeout(() => void this.#letGoLeftovers?.(), leftoverMs).unref();
    this.#letGoLeftovers = () => {
      this.#letGoLeftovers = undefined;
      clearTimeout(timer);
      return this.#busy(this.#layers.release(chainIds));
    };
  }

  /** What an id begins with is looked at last: "abc" may be a name as well. */
  #find(reference: string): string | undefined {
    if (reference.startsWith("sha256:")) return this.#uniqueId(reference) ?? this.#store.idOfName(reference);
    return this.#idOfReference(reference) ?? this.#uniqueId(`sha256:${reference}`);
  }

  #uniqueId(prefix: string): string | undefined {
    if (!/^sha256:[0-9a-f]+$/.test(prefix)) return undefined;
    const ids = this.#store.idsWithPrefix(prefix);
    return ids.length === 1 ? ids[0] : undefined;
  }

  #idOfReference(reference: string): string | undefined {
    const name = nameOf(reference);
    return name === undefined ? undefined : this.#store.idOfName(name);
  }

  #toRecord(image: StoredImage): ImageRecord {
    const { config } = parseImageConfig(Buffer.from(image.config), image.layers.length, image.id);
    return {
      id: image.id,
      tags: image.names.filter((name) => !name.includes("@")),
      digests: image.names.filter((name) => name.includes("@")),
      size: image.configSize + image.layers.reduce((sum, layer) => sum + layer.bytes, 0),
      user: imageUser(config),
      config,
      pinned: this.#isPinned(image),
    };
  }

  #configuration(id: string): Uint8Array | undefined {
    const image = this.#store.get(id);
    return image === undefined ? undefined : Buffer.from(image.config);
  }

  async #busy<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}

/** The name under which an image would be stored; undefined for what is no reference. With tag and digest the digest counts. */
function nameOf(reference: string): string | undefined {
  try {
    const parsed = parseReference(reference);
    const { tag, digest } = parsed;
    return `${repositoryName(parsed)}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  } catch {
    return undefined;
  }
}

function gone(operation: string, imageId: string): LichenError {
  return new LichenError({
    code: "NOT_FOUND",
    operation,
    object: imageId,
    reason: "there is no such image",
    hint: "pull it first",
  });
}

function cancelled(operation: string, object: string): LichenError {
  return new LichenError({
    code: "CANCELLED",
    operation,
    object,
    reason: "the caller gave up or its time was over",
  });
}
