import { LichenError } from "../errors.ts";
import type {
  ImageFilesystemUsage,
  ImageRecord,
  ImageServiceOptions,
  PullOptions,
  RootSource,
} from "./types.ts";

export type {
  ImageConfig,
  ImageFilesystemUsage,
  ImageRecord,
  ImageServiceOptions,
  ImageUser,
  OciImageConfig,
  PullOptions,
  PullProgress,
  RegistryAuth,
  RootSource,
} from "./types.ts";

function unimplemented(operation: string): never {
  throw new LichenError({ code: "UNIMPLEMENTED", operation, object: "", reason: "not built yet" });
}

/** Images of this node: pulled, listed, used and removed. */
export class ImageService {
  /** Opens the store below `dataDir` and clears what an interrupted pull left there. */
  static open(_options: ImageServiceOptions): Promise<ImageService> {
    return Promise.resolve(new ImageService());
  }

  /** Pulls `reference` with all its layers; the answer's id is the image's. INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, DATA_LOSS … */
  pull(_reference: string, _options: PullOptions = {}): Promise<{ id: string }> {
    return unimplemented("pull image");
  }

  /** All images, or the one that `filter` (any form that `status` takes) names. */
  list(_filter?: string): ImageRecord[] {
    return unimplemented("list images");
  }

  /** The image that a tag, a digest, an id or a unique prefix of an id names. */
  status(_reference: string): ImageRecord | undefined {
    return unimplemented("image status");
  }

  /** Removes the whole image that `reference` names, with all its tags; nothing to remove is success. */
  remove(_reference: string): Promise<void> {
    return unimplemented("remove image");
  }

  /** Space that the unpacked layers take. */
  usage(): ImageFilesystemUsage {
    return unimplemented("image usage");
  }

  /** Layer directories and configuration of an image, by id; NOT_FOUND when it is gone. */
  rootSource(_imageId: string): RootSource {
    return unimplemented("image root");
  }

  /** Keeps the layers of an image while `user` (a container id) needs them, also when the image is removed meanwhile. */
  acquire(_imageId: string, _user: string): void {
    unimplemented("acquire image");
  }

  /** Ends what `acquire` began; layers that nobody else needs are removed. Nothing held is success. */
  release(_imageId: string, _user: string): Promise<void> {
    return unimplemented("release image");
  }

  /** Waits for what is under way and ends the workers. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
